import json
from pathlib import Path

from metaflow.metaflow_config import DATASTORE_SYSROOT_LOCAL


def root():
    folder = Path(DATASTORE_SYSROOT_LOCAL) / "fakesched"
    (folder / "runs").mkdir(parents=True, exist_ok=True)
    return folder


def save(record):
    (root() / (record["name"] + ".json")).write_text(json.dumps(record))


def read(name):
    file = root() / (name + ".json")
    return json.loads(file.read_text()) if file.exists() else None


def deployments():
    return [json.loads(file.read_text()) for file in sorted(root().glob("*.json"))]


def run_folder(pathspec):
    return root() / "runs" / pathspec.replace("/", "-")
