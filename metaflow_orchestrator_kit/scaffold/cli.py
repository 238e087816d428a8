"""The command ``metaflow-orchestrator-scaffold``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

import click

from metaflow_orchestrator_kit import __version__
from metaflow_orchestrator_kit.scaffold import names, render, show, write
from metaflow_orchestrator_kit.scaffold.errors import ScaffoldError

_EXIT_USAGE = 2


@click.command(
    name="metaflow-orchestrator-scaffold",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.argument("name")
@click.argument("folder", metavar="[DIR]", required=False)
@click.option(
    "--engine",
    default=render.DEFAULT_ENGINE,
    show_default=True,
    metavar="ENGINE",
    help="What runs the flows until you replace it: the engine file to start from.",
)
@click.option(
    "--force",
    is_flag=True,
    help="Write into a folder that is not empty: replace generated files, keep all others.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be written; write nothing.")
@click.version_option(__version__, prog_name="metaflow-orchestrator-scaffold")
@click.pass_context
def main(
    context: click.Context, name: str, folder: str | None, engine: str, force: bool, dry_run: bool
) -> None:
    """Write a complete, working Metaflow extension for the scheduler NAME into DIR.

    NAME is what users will type: 'python flow.py NAME create' and Deployer("flow.py").NAME()
    (with '_' for '-'). DIR is the project's folder, ./NAME unless given; missing parents are
    created. Nothing is written unless everything can be.
    """
    if os.environ.get("NO_COLOR"):
        context.color = False
    try:
        parsed = names.parse(name)
    except names.NameProblem as problem:
        _stop(str(problem))
    target = Path(parsed.type if folder is None else folder)
    try:
        if folder is not None and not folder.strip():
            raise ScaffoldError("DIR is empty. Leave it out to write into ./" + parsed.type + ".")
        project = render.project(render.Answers(names=parsed, engine=engine))
        plan = write.plan(project, target, force=force)
        if not dry_run:
            write.write(plan)
    except ScaffoldError as error:
        _stop(str(error))
    click.echo(show.result(plan, project, dry_run=dry_run), nl=False)


def _stop(message: str) -> NoReturn:
    click.echo(click.style("Error: ", fg="red", bold=True) + message, err=True)
    raise click.exceptions.Exit(_EXIT_USAGE)


if __name__ == "__main__":
    main()
