"""The command line of ``metaflow-orchestrator-test``."""

from __future__ import annotations

import os
import re
import secrets
import sys
from pathlib import Path

import click

from metaflow_orchestrator_kit import __version__
from metaflow_orchestrator_kit.compliance.config import Backend, ConfigError, read_backends
from metaflow_orchestrator_kit.compliance.select import UPSTREAM, UPSTREAM_CASE
from metaflow_orchestrator_kit.compliance.verdict import Exit
from metaflow_orchestrator_kit.test.args import ArgumentError, parse_all
from metaflow_orchestrator_kit.test.asked import PROGRAM, again, requested_capabilities
from metaflow_orchestrator_kit.test.outcome import UPDATE, Known
from metaflow_orchestrator_kit.test.preflight import NotReady, check_packages
from metaflow_orchestrator_kit.test.upstream import Upstream

_EPILOG = """\b
Exit codes: 0 every required case that applies ran and passed, 1 something failed,
2 usage or set-up, 3 nothing ran.
"""


@click.command(epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", prog_name=PROGRAM)
@click.option("--scheduler-type", metavar="NAME", help="Type of the installed extension.")
@click.option(
    "--deploy-args",
    "deploy_lists",
    multiple=True,
    metavar="K=V,K2=V2",
    help='Keywords for create(); quote a value that has a comma: k="a,b".',
)
@click.option("--deploy-arg", "deploy_singles", multiple=True, metavar="K=V", help="One of them.")
@click.option(
    "--capabilities",
    metavar="A,B",
    help="Test these, instead of what the extension declares (or REQUIRED, if it does not).",
)
@click.option("--workers", type=click.IntRange(1, 64), help="Flows at a time (cores + 2).")
@click.option(
    "--select", multiple=True, metavar="CASE|CAP", help="Only this case or capability; repeatable."
)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Metaflow's ux_test_config.yaml; every enabled backend with a scheduler is tested.",
)
@click.option(
    "--report-dir",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Write the report (JSON, HTML, JUnit, Markdown, a badge) and all evidence there.",
)
@click.option(
    "--known-failures",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Failures that are known, in YAML: case, message (a part of it), reason.",
)
@click.option(
    "--update-known-failures", is_flag=True, help="Make that file true; only after a whole run."
)
@click.option(
    "--timeout", type=click.FloatRange(min=1), metavar="SECONDS", help="Limit of every scenario."
)
@click.option(
    "--stage",
    type=click.Choice(["doctor", "compile", "core", "extended"]),
    help="Go so far, and no further when something is wrong: doctor (is all there?), compile "
    "(offline), core (what is required), extended (all).",
)
@click.option(
    "--random-flows",
    type=click.IntRange(0, 10_000),
    default=0,
    metavar="N",
    help="Also run N flows of random shape, and compare each with 'python flow.py run'.",
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    metavar="S",
    help="The first of the N; one by chance without it. The same seed gives the same flow.",
)
@click.option(
    "--shrink-tries",
    type=click.IntRange(0),
    default=40,
    show_default=True,
    metavar="N",
    help="How many smaller flows are tried, where a random one differs.",
)
@click.option(
    "--metaflow-src",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="A checkout of Metaflow: run its own UX tests, too (only: --select METAFLOW_UX).",
)
@click.option(
    "--test-modules",
    default="compliance,basic,config,dag",
    show_default=True,
    metavar="A,B",
    help="Which of them.",
)
@click.option(
    "--triage",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write a worksheet of what fails, by likely cause, in Markdown.",
)
@click.option("--large", is_flag=True, help="Also run the cases that take minutes.")
@click.option(
    "--unreachable",
    multiple=True,
    metavar="K=V",
    help="What cuts the scheduler off: a variable, in capital letters, or a deploy argument; "
    "repeatable, in the place of what the extension declares (UNREACHABLE).",
)
@click.option("--keep", is_flag=True, help="Keep the evidence of a green run, too.")
@click.option("--list", "list_only", is_flag=True, help="Show what would run, and run nothing.")
@click.argument("pytest_arguments", nargs=-1, metavar="[-- PYTEST ARGUMENTS]")
def command(
    scheduler_type: str | None,
    deploy_lists: tuple[str, ...],
    deploy_singles: tuple[str, ...],
    capabilities: str | None,
    workers: int | None,
    select: tuple[str, ...],
    config: Path | None,
    report_dir: Path | None,
    timeout: float | None,
    stage: str | None,
    random_flows: int,
    seed: int | None,
    shrink_tries: int,
    metaflow_src: Path | None,
    test_modules: str,
    triage: Path | None,
    large: bool,
    unreachable: tuple[str, ...],
    keep: bool,
    list_only: bool,
    known_failures: Path | None,
    update_known_failures: bool,
    pytest_arguments: tuple[str, ...],
) -> None:
    """Deploy and run real flows on a scheduler; say, capability by capability, what holds."""
    try:
        check_packages()
        deploy_args = parse_all(deploy_lists, deploy_singles)
        cut_off = parse_all((), unreachable)
        requested = requested_capabilities(capabilities)
        backends = _backends(config, scheduler_type, deploy_args)
        if select and stage is not None:
            raise ArgumentError("--stage says what to select: leave out one of it and --select.")
        partial = bool(select or pytest_arguments or list_only or stage not in (None, "extended"))
        if update_known_failures and random_flows and seed is None:
            raise ArgumentError(f"{UPDATE} with --random-flows needs --seed: next time others run.")
        upstream = _upstream(metaflow_src, test_modules, select)
        if triage is not None and len(backends) > 1:
            raise ArgumentError("--triage is of one backend; narrow with --scheduler-type.")
        known = _known(known_failures, update_known_failures, partial=partial, of=backends)
    except (NotReady, ArgumentError, ConfigError, ValueError) as error:
        _refuse(str(error))
    from metaflow_orchestrator_kit.test.show import Screen
    from metaflow_orchestrator_kit.test.stages import CORE, Stage
    from metaflow_orchestrator_kit.test.suite import Request, run_suite

    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    screen = Screen(say=lambda text: click.echo(text, color=colour), colour=colour)
    outcomes = []
    for backend in backends:
        folder = report_dir
        if report_dir is not None and len(backends) > 1:
            folder = report_dir / re.sub(r"[^\w.-]+", "-", backend.name)
        request = Request(
            backend=backend,
            requested=requested,
            select=list(CORE) if stage == Stage.CORE.value else list(select),
            workers=workers,
            timeout=timeout,
            report_dir=folder,
            keep=keep,
            list_only=list_only,
            pytest_arguments=pytest_arguments,
            again=again(config, backend, deploy_args, capabilities, cut_off),
            large=large,
            unreachable=cut_off,
            known=known,
            upstream=upstream,
            triage=triage,
            random_flows=random_flows,
            shrink_tries=shrink_tries,
            seed=secrets.randbelow(1_000_000) if seed is None else seed,
            stage=None if stage is None else Stage(stage),
        )
        try:
            outcomes.append(run_suite(request, screen))
        except (NotReady, ConfigError, ValueError) as error:
            _refuse(str(error))
        except KeyboardInterrupt:
            sys.exit(130)
    sys.exit(max(outcomes, key=lambda code: (code is Exit.FAILED, code)))


def _backends(
    config: Path | None, scheduler_type: str | None, deploy_args: dict[str, str]
) -> list[Backend]:
    """The backends to test: from the file, narrowed by the type, or one for the type alone."""
    if config is None:
        if not scheduler_type:
            raise ArgumentError("Say what to test: --scheduler-type NAME or --config FILE.")
        name = scheduler_type
        return [Backend(name=name, scheduler_type=scheduler_type, deploy_args={**deploy_args})]
    backends = read_backends(config)
    if scheduler_type:
        wanted = scheduler_type.replace("_", "-")
        known = ", ".join(f"{one.name} ({one.scheduler_type})" for one in backends)
        backends = [
            one for one in backends if (one.scheduler_type or "").replace("_", "-") == wanted
        ]
        if not backends:
            raise ConfigError(f"{config}: no enabled backend of type '{scheduler_type}': {known}.")
    return [
        Backend(
            name=one.name,
            scheduler_type=one.scheduler_type,
            cluster=one.cluster,
            decospec=one.decospec,
            deploy_args={**one.deploy_args, **deploy_args},
        )
        for one in backends
    ]


def _known(file: Path | None, update: bool, *, partial: bool, of: list[Backend]) -> Known | None:
    """The list of known failures; it is never taken without being named."""
    if file is None:
        if update:
            raise ArgumentError(f"{UPDATE} needs --known-failures FILE.")
        return None
    if len(of) > 1:
        raise ArgumentError("--known-failures is of one backend; narrow with --scheduler-type.")
    if update and partial:
        raise ArgumentError(
            f"{UPDATE} needs a whole run: leave out --select, --stage, --list and "
            "pytest's arguments."
        )
    known = Known(file, update)
    known.check()
    return known


def _upstream(checkout: Path | None, modules: str, select: tuple[str, ...]) -> Upstream | None:
    tests = tuple(name for name in select if name.startswith(UPSTREAM_CASE))
    if checkout is None:
        for name in (*tests, *({UPSTREAM} & set(select))):
            raise ArgumentError(f"--select {name} needs --metaflow-src DIR.")
        return None
    names = tuple(name for name in re.split(r"[,\s]+", modules) if name)
    if not names:
        raise ArgumentError("--test-modules needs at least one name.")
    upstream = Upstream(checkout.resolve(), names, tests)
    upstream.check()
    return upstream


def _refuse(message: str) -> None:
    click.echo(f"{PROGRAM}: {message}", err=True)
    sys.exit(Exit.USAGE)


def main() -> None:
    """Run the command; the exit code is the outcome."""
    command.main(prog_name=PROGRAM)
