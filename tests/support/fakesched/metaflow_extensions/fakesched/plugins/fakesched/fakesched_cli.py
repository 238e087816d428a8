import json
import os
import subprocess
import sys
import time
from pathlib import Path

from metaflow import parameters
from metaflow._vendor import click
from metaflow.exception import MetaflowException

from .fakesched_store import read, root, run_folder, save


@click.group()
def cli():
    pass


@cli.group(help="Commands of the fake scheduler.")
@click.option("--queue", default=None, help="Known to the group alone.")
@click.pass_obj
def fakesched(obj, queue=None):
    obj.check(obj.graph, obj.flow, obj.environment, pylint=obj.pylint)


@fakesched.command(help="Deploy.")
@click.option("--deployer-attribute-file", default=None, hidden=True)
@click.option("--tag", "tags", multiple=True, default=None)
@click.option("--priority", type=int, default=0)
@click.pass_obj
def create(obj, deployer_attribute_file, tags=None, priority=0):
    if any(node.parallel_step for node in obj.graph):
        raise MetaflowException("@parallel is not supported by the fake scheduler.")
    record = {"name": obj.flow.name.lower(), "flow_name": obj.flow.name}
    record["metadata"] = obj.metadata.metadata_str()
    record["flow_file"] = str(Path(sys.argv[0]).resolve())
    record["tags"], record["priority"] = list(tags), priority
    save(record)
    Path(deployer_attribute_file).write_text(
        json.dumps({key: record[key] for key in ("name", "flow_name", "metadata")})
    )


@parameters.add_custom_parameters(deploy_mode=False)
@fakesched.command(help="Trigger.")
@click.option("--deployer-attribute-file", default=None, hidden=True)
@click.pass_obj
def trigger(obj, deployer_attribute_file=None, **kwargs):
    record = read(obj.flow.name.lower())
    words = [sys.executable, record["flow_file"], "--no-pylint", "--quiet", "run"]
    for _, parameter in obj.flow._get_parameters():
        value = kwargs.get(parameter.name.replace("-", "_").lower())
        if value is not None and not getattr(parameter, "IS_CONFIG_PARAMETER", False):
            words += ["--" + parameter.name, str(value)]
    for tag in record["tags"]:
        words += ["--tag", tag]
    identity = root() / (f"starting-{os.getpid()}")
    words += ["--run-id-file", str(identity)]
    command = 'trap "" HUP; "$@"; echo $? > "$0.exit"'
    process = subprocess.Popen(
        ["/bin/sh", "-c", command, str(identity), *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.time() + 60
    while not (identity.exists() and identity.read_text().strip()):
        if process.poll() is not None or time.time() > deadline:
            raise MetaflowException("The run did not start.")
        time.sleep(0.05)
    run_id = identity.read_text().strip()
    pathspec = f"{obj.flow.name}/{run_id}"
    folder = run_folder(pathspec)
    folder.mkdir(parents=True)
    (folder / "pid").write_text(str(process.pid))
    (folder / "exit").symlink_to(str(identity) + ".exit")
    content = {"name": record["name"], "metadata": record["metadata"], "pathspec": pathspec}
    Path(deployer_attribute_file).write_text(json.dumps(content))
