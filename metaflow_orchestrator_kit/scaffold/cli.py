"""The command ``metaflow-orchestrator-scaffold``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

import click

from metaflow_orchestrator_kit import __version__
from metaflow_orchestrator_kit.scaffold import names, render, show, show_update, update, write
from metaflow_orchestrator_kit.scaffold.errors import ScaffoldError

_EXIT_USAGE = 2


@click.command(
    name="metaflow-orchestrator-scaffold",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.argument("name", required=False)
@click.argument("folder", metavar="[DIR]", required=False)
@click.option(
    "--engine",
    default=None,
    metavar="ENGINE",
    help="What runs the flows until you replace it: the engine file to start from "
    f"({render.DEFAULT_ENGINE}, unless given).",
)
@click.option(
    "--update",
    "as_update",
    is_flag=True,
    help="Bring the project in DIR (the current folder, unless given) up to date with this kit: "
    "refresh the files that are kit-owned, keep yours.",
)
@click.option(
    "--untouched",
    is_flag=True,
    help="With --update: refresh also those of your files that you have not edited.",
)
@click.option(
    "--force",
    is_flag=True,
    help="Write into a folder that is not empty: replace generated files, keep all others. With "
    "--update: replace kit-owned files that were edited, and keep a copy of them.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be written; write nothing.")
@click.version_option(__version__, prog_name="metaflow-orchestrator-scaffold")
@click.pass_context
def main(
    context: click.Context,
    name: str | None,
    folder: str | None,
    engine: str | None,
    as_update: bool,
    untouched: bool,
    force: bool,
    dry_run: bool,
) -> None:
    """Write a complete, working Metaflow extension for the scheduler NAME into DIR.

    NAME is what users will type: 'python flow.py NAME create' and Deployer("flow.py").NAME()
    (with '_' for '-'). DIR is the project's folder, ./NAME unless given; missing parents are
    created. Nothing is written unless everything can be.

    With --update there is no NAME: the project in DIR knows its own.
    """
    if os.environ.get("NO_COLOR"):
        context.color = False
    try:
        if as_update:
            if folder is not None or engine is not None:
                extra = f"--engine {engine}" if folder is None else folder
                raise click.UsageError(
                    f"--update takes a folder and nothing else: what is {extra!r}? "
                    "The project knows its name and its engine."
                )
            text = _update(name, force=force, untouched=untouched, dry_run=dry_run)
        else:
            if untouched:
                raise click.UsageError("--untouched needs --update.")
            if name is None:
                raise click.UsageError("Missing argument 'NAME'.")
            text = _write(name, folder, engine or render.DEFAULT_ENGINE, force, dry_run)
    except (ScaffoldError, names.NameProblem) as error:
        _stop(str(error))
    click.echo(text, nl=False)


def _write(name: str, folder: str | None, engine: str, force: bool, dry_run: bool) -> str:
    parsed = names.parse(name)
    target = Path(parsed.type if folder is None else folder)
    if folder is not None and not folder.strip():
        raise ScaffoldError("DIR is empty. Leave it out to write into ./" + parsed.type + ".")
    project = render.project(render.Answers(names=parsed, engine=engine))
    plan = write.plan(project, target, force=force)
    if not dry_run:
        write.write(plan)
    return show.result(plan, project, dry_run=dry_run)


def _update(folder: str | None, *, force: bool, untouched: bool, dry_run: bool) -> str:
    if folder is not None and not folder.strip():
        raise ScaffoldError("DIR is empty. Leave it out to update the project in this folder.")
    planned = update.plan(Path(folder or "."), force=force, untouched=untouched)
    if not dry_run:
        write.write(planned.steps)
    return show_update.result(planned, dry_run=dry_run)


def _stop(message: str) -> NoReturn:
    click.echo(click.style("Error: ", fg="red", bold=True) + message, err=True)
    raise click.exceptions.Exit(_EXIT_USAGE)


if __name__ == "__main__":
    main()
