"""Faults of a cluster: two hosts without a shared file, an object store, a Temporal server.

    python tests/kit_modules/distributed.py [FAULT...]

As root, in an environment with moto, boto3 and the extension my_temporal: `make test-hosts` makes
one, and calls it. Every fault strikes while two tasks are under way, one on each host. Nothing may
be lost, no retry used up, no attempt counted twice. The exit code is 1 when something went wrong.
"""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from faulty_s3 import FaultyS3

PACKAGE = "metaflow_extensions.my_temporal.plugins.my_temporal"

#: Seconds for anything to happen, on a machine that has other things to do.
PATIENCE = 900.0

#: Seconds that a network is cut, and that a store answers errors.
FAULT = 30.0

FLOW = """
import os, socket, time
from metaflow import FlowSpec, current, retry, step

class FaultFlow(FlowSpec):
    @step
    def start(self):
        self.items = [0, 1]
        self.next(self.body, foreach="items")

    @retry(times=2, minutes_between_retries=0)
    @step
    def body(self):
        self.made = (self.input, socket.gethostname(), current.retry_count)
        time.sleep(25)
        self.next(self.join)

    @step
    def join(self, inputs):
        self.made = [one.made for one in inputs]
        self.next(self.end)

    @step
    def end(self):
        print(sorted(one[0] for one in self.made))

if __name__ == "__main__":
    FaultFlow()
"""


@dataclass(slots=True)
class Cluster:
    """A server, a store, a metadata service and two hosts."""

    dev: Any
    hosts: list[Any]
    services: Any
    store: FaultyS3
    server: Any
    folder: Path
    workers: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def settings(self) -> dict[str, str]:
        """The variables of whoever deploys."""
        return {
            **{key: value for key, value in os.environ.items() if not key.startswith("METAFLOW_")},
            "METAFLOW_HOME": str(self.folder / "no-config"),
            "METAFLOW_USER": "ada",
            "METAFLOW_MY_TEMPORAL_HEARTBEAT": "15",
            **self.server.settings,
            **self.services.settings,
            "METAFLOW_S3_ENDPOINT_URL": self.store.url,
        }

    def hire(self, host: Any) -> None:
        """Start a worker on a host, in the place of the one before."""
        settings = {
            **self.server.settings,
            **self.services.access,
            "METAFLOW_S3_ENDPOINT_URL": self.store.url,
        }
        log = self.folder / f"{host.name}.log"
        bounds = ("--max-tasks", "1", "--drain", "0")
        self.workers[host.name] = self.dev.start_host(host, settings, log, *bounds)

    def command(self, *words: str) -> None:
        """`python flow.py my_temporal ...`."""
        self.python("flow.py", "--no-pylint", "my_temporal", *words)

    def python(self, *words: str) -> str:
        """Run Python as whoever deploys; what it printed."""
        done = subprocess.run(
            [sys.executable, *words],
            cwd=self.folder,
            env=self.settings,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    def ask(self, call: str, **arguments: Any) -> Any:
        """Ask the server, as a command would.

        Raises:
            RuntimeError: it does not answer.
        """
        link = importlib.import_module(f"{PACKAGE}.temporal_link")
        address = importlib.import_module(f"{PACKAGE}.temporal_address")
        to = address.address("MY_TEMPORAL", self.settings)
        one = link.Link(to)
        try:
            return one.ask(call, **arguments)
        except link.LinkError as error:
            raise RuntimeError(str(error)) from error
        finally:
            one.close()

    def until(self, what: str, holds: Callable[[], Any]) -> Any:
        """Wait for something, with a deadline."""
        deadline = time.monotonic() + PATIENCE
        while not (found := holds()):
            assert time.monotonic() < deadline, f"{what}: not within {PATIENCE:.0f} s"
            time.sleep(0.5)
        return found


def cut_the_network(cluster: Cluster) -> str:
    """One host loses its network, and gets it back."""
    host = cluster.hosts[0]
    host.cut()
    time.sleep(FAULT)
    host.heal()
    return f"{host.name} without a network for {FAULT:.0f} s"


def kill_a_host(cluster: Cluster) -> str:
    """One host is gone, and another one comes in its place."""
    host = cluster.hosts[0]
    cluster.workers[host.name].send_signal(signal.SIGKILL)
    cluster.workers[host.name].wait()
    cluster.hire(host)
    return f"{host.name} killed, and a fresh one in its place"


def break_the_store(cluster: Cluster) -> str:
    """The object store answers nothing but errors for a while."""
    before = cluster.store.errors
    cluster.store.broken = True
    time.sleep(FAULT)
    cluster.until("somebody wants something of the store", lambda: cluster.store.errors > before)
    cluster.store.broken = False
    return f"{cluster.store.errors - before} requests to the store answered 503"


FAULTS: dict[str, Callable[[Cluster], str]] = {
    "cut": cut_the_network,
    "kill": kill_a_host,
    "store": break_the_store,
}


def strike(cluster: Cluster, fault: Callable[[Cluster], str]) -> str:
    """Start a run, let the fault strike while both hosts are at work, and look at the end."""
    cluster.command("trigger", "--run-id-file", str(cluster.folder / "run_id"))
    run_id = (cluster.folder / "run_id").read_text()

    def at_work() -> bool:
        try:
            found = cluster.ask("progress", run_id=run_id)
        except RuntimeError:  # No worker has taken it up yet: nobody answers.
            return False
        return len([task for task in found["running"] if task.startswith("t-body")]) == 2

    cluster.until("both hosts are at work", at_work)
    said = fault(cluster)

    def over() -> Any:
        found = cluster.ask("run", run_id=run_id)
        return found if found["status"] != "RUNNING" else None

    run = cluster.until("the run is over", over)
    assert run["status"] == "SUCCEEDED", run
    return f"{said}; {cluster.python('-c', _LOOK, f'FaultFlow/{run_id}')}"


_LOOK = """
import sys
from metaflow import Run, namespace
namespace(None)
run = Run(sys.argv[1])
made = run["join"].task["made"].data
assert run.successful and [one[0] for one in made] == [0, 1], made
assert [one[2] for one in made] == [0, 0], f"a retry was used up: {made}"
assert len(list(run["body"])) == 2 and len(list(run["end"])) == 1
print("items", [one[0] for one in made], "on", [one[1] for one in made], "in attempts 0 and 0")
"""


def main() -> int:
    """Make the cluster, let the faults strike one after the other, and say what came of each."""
    with tempfile.TemporaryDirectory(prefix="distributed-") as scratch, ExitStack() as stack:
        folder = Path(scratch)
        hosts = importlib.import_module(f"{PACKAGE}.temporal_hosts")
        services_of = importlib.import_module(f"{PACKAGE}.temporal_services")
        dev = importlib.import_module(f"{PACKAGE}.temporal_dev")
        hosts.make_switch()
        server = dev.Server(folder, hosts.ADDRESS)
        services = services_of.Services(hosts.ADDRESS, folder)
        for one in (server, services):
            stack.callback(one.stop)
            one.start()
        store = FaultyS3(hosts.ADDRESS, services.s3)
        two = [hosts.Host(number, folder) for number in (1, 2)]
        cluster = Cluster(dev, two, services, store, server, folder)
        stack.callback(lambda: [dev.end(worker) for worker in cluster.workers.values()])
        for host in two:
            cluster.hire(host)
        (folder / "flow.py").write_text(FLOW, encoding="utf-8")
        cluster.command("create")
        return _strike_all(cluster, sys.argv[1:] or list(FAULTS))


def _strike_all(cluster: Cluster, names: list[str]) -> int:
    failed = 0
    for name in names:
        start = time.monotonic()
        try:
            said, verdict = strike(cluster, FAULTS[name]), "ok"
        except AssertionError as error:
            said, verdict, failed = str(error), "FAILED", 1
        print(f"{name:6} {verdict:7} {time.monotonic() - start:5.0f} s  {said}", flush=True)
    return failed


if __name__ == "__main__":
    importlib.import_module(f"{PACKAGE}.temporal_hosts").in_a_network()
    sys.exit(main())
