"""An object store and a metadata service for development and tests, on an address of this machine.

    pip install 'moto[s3,server]' boto3

`moto` stands for S3, and :mod:`.temporal_metadata` for Metaflow's metadata service. Both keep
everything in memory.
"""

from __future__ import annotations

import importlib.util
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from .process import die_with_parent

#: Seconds until a service has to answer, on a machine that has other things to do.
_PATIENCE = 120.0

_BUCKET = "metaflow"

#: The metadata service, and the folder from which it is found.
_PROJECT = Path(__file__).resolve().parents[4]
_METADATA = ".".join(
    Path(__file__).resolve().with_name("temporal_metadata").relative_to(_PROJECT).parts
)


class Services:
    """An S3 and a metadata service on free ports of an address.

    Args:
        address: where they listen.
        folder: for logs.

    Raises:
        RuntimeError: they are not installed.
    """

    def __init__(self, address: str, folder: Path) -> None:
        for module in ("moto", "flask", "boto3"):
            if importlib.util.find_spec(module) is None:
                raise RuntimeError(
                    f"There is no module {module}: pip install 'moto[s3,server]' boto3."
                )
        self._address = address
        self._folder = folder
        self._ports = [_free_port(address), _free_port(address)]
        self._processes: list[subprocess.Popen[bytes]] = []

    @property
    def s3(self) -> str:
        """Where the object store is."""
        return f"http://{self._address}:{self._ports[0]}"

    @property
    def settings(self) -> dict[str, str]:
        """The variables of whoever deploys."""
        return {
            **self.access,
            "METAFLOW_DEFAULT_DATASTORE": "s3",
            "METAFLOW_DATASTORE_SYSROOT_S3": f"s3://{_BUCKET}/data",
            "METAFLOW_DEFAULT_METADATA": "service",
            "METAFLOW_SERVICE_URL": f"http://{self._address}:{self._ports[1]}",
        }

    @property
    def access(self) -> dict[str, str]:
        """The variables of whoever works: how to get at the object store, and nothing else."""
        return {
            "METAFLOW_S3_ENDPOINT_URL": self.s3,
            "METAFLOW_S3_WORKER_COUNT": "2",
            "AWS_ACCESS_KEY_ID": "nobody",
            "AWS_SECRET_ACCESS_KEY": "nothing",
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    def start(self) -> None:
        """Start both, and make the bucket.

        Raises:
            RuntimeError: one of them does not answer.
        """
        s3, metadata = map(str, self._ports)
        self._start("moto", "-m", "moto.server", "-H", self._address, "-p", s3)
        self._start("metadata", "-m", _METADATA, self._address, metadata)
        for port in self._ports:
            self._wait_for(port)
        make = urllib.request.Request(f"{self.s3}/{_BUCKET}", method="PUT")
        urllib.request.urlopen(make, timeout=_PATIENCE).close()

    def stop(self) -> None:
        """End both."""
        while self._processes:
            process = self._processes.pop()
            process.kill()
            process.wait()

    def _start(self, name: str, *arguments: str) -> None:
        with (self._folder / f"{name}.log").open("ab") as output:
            self._processes.append(
                subprocess.Popen(
                    [sys.executable, *arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    cwd=_PROJECT,
                    start_new_session=True,
                    preexec_fn=die_with_parent,
                )
            )

    def _wait_for(self, port: int) -> None:
        deadline = time.monotonic() + _PATIENCE
        while True:
            with socket.socket() as one:
                one.settimeout(1)
                if one.connect_ex((self._address, port)) == 0:
                    return
            ended = [process for process in self._processes if process.poll() is not None]
            if ended or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"The services do not start; {self._folder} has their logs.")
            time.sleep(0.05)


def _free_port(address: str) -> int:
    with socket.socket() as one:
        one.bind((address, 0))
        return int(one.getsockname()[1])
