"""Two hosts of the embedded engine that share PostgreSQL and the datastore, and nothing else.

    unshare --net --mount --pid --fork --mount-proc --kill-child \\
        python tests/kit_modules/hosts_apart.py FOLDER off|cut

As root, in namespaces of its own, which end with this program. Each host has a network, processes
and a home folder of its own. What the deployer has is on neither of them: the code comes from the
datastore. While a run is half done, its host is switched off, or its cable is pulled out.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import cluster
from live_engine import Live, live_outside_pytest, wait_until
from scaffolded import TYPE

#: Where PostgreSQL listens, as hosts see it.
SERVER = "10.78.0.1"

#: Seconds of a lease: enough for a busy machine to renew in time.
LEASE = "30"

#: What a host has of its own.
_APART = ("--net", "--mount", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc")


@dataclass(slots=True)
class Host:
    """A machine that takes runs, until it is switched off.

    Attributes:
        live: the engine of somebody who only looks on.
        number: from 1; part of its address.
        process: everything of it descends from that.
    """

    live: Live
    number: int
    process: subprocess.Popen[bytes]

    @classmethod
    def start(cls, live: Live, number: int) -> Host:
        """Switch a host on."""
        serve = [sys.executable, str(live.flow("solo")), TYPE, "serve"]
        script = f"{_hiding(live)}\nread -r _\nexec {shlex.join(serve)}"
        process = subprocess.Popen(
            ["unshare", *_APART, "sh", "-ec", script],
            env={**os.environ, "KIT_HOST": str(number)},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        host = cls(live, number, process)
        host._plug_in()
        return host

    def switch_off(self) -> None:
        """End everything of it at once."""
        self.process.kill()
        self.process.wait()
        wait_until(lambda: not self.processes(), f"host {self.number} is off")

    def pull_the_cable(self) -> None:
        """Cut its network."""
        _ip(f"link set host{self.number} down")

    def plug_the_cable(self) -> None:
        """Heal its network."""
        _ip(f"link set host{self.number} up")

    def processes(self, word: str = "") -> list[str]:
        """The command lines of its processes."""
        here = self.live.bench.processes(f"KIT_HOST={self.number}")
        return [words for _, words in here if word in words]

    def _plug_in(self) -> None:
        ours = Path("/proc/self/ns/net").readlink()
        theirs = Path(f"/proc/{self.process.pid}/ns/net")
        wait_until(lambda: theirs.readlink() != ours, "the host has a network of its own")
        name, inside = f"host{self.number}", ("nsenter", "-t", str(self.process.pid), "-n")
        _ip(f"link add {name} type veth peer name eth0 netns {self.process.pid}")
        _ip(f"link set {name} master hub up")
        for words in (f"addr add 10.78.0.{self.number + 1}/24 dev eth0", "link set eth0 up"):
            _ip(words, *inside)
        assert self.process.stdin is not None
        self.process.stdin.write(b"go\n")
        self.process.stdin.close()


def _hiding(live: Live) -> str:
    """A script that hides everything of the deployer, all but what hosts share."""
    shared = (live.bench.project, live.bench.datastore, live.folder)
    lines = ["mount --make-rprivate /", "mount -t tmpfs none /run"]
    for number, path in enumerate(shared):
        lines += [f"mkdir /run/{number}", f"mount --bind {path} /run/{number}"]
    lines.append(f"mount -t tmpfs none {live.bench.root.parent}")
    for number, path in enumerate(shared):
        lines += [f"mkdir -p {path}", f"mount --bind /run/{number} {path}"]
    return "\n".join([*lines, "cd /"])


def _ip(words: str, *before: str) -> None:
    subprocess.run([*before, "ip", *words.split()], check=True, capture_output=True)


def main(folder: Path, fault: str) -> None:
    """See that the run of a host that is gone goes on at the other one, and nothing is done twice.

    Args:
        folder: an empty folder.
        fault: `off` switches the first host off, `cut` pulls its cable.
    """
    _ip("link set lo up")
    for words in ("link add hub type bridge", f"addr add {SERVER}/24 dev hub", "link set hub up"):
        _ip(words)
    with cluster.running(SERVER) as server:
        live = live_outside_pytest(folder)
        shared = {live.variable("DATABASE"): server.url(), live.variable("LEASE"): LEASE}
        live.bench = replace(live.bench, variables=shared)
        os.environ.update(shared)
        name = live.deploy("work")
        shutil.rmtree(live.flow("work").parent)
        first = Host.start(live, 1)
        run_id = live.half_done(name)
        assert first.processes("embedded_executor"), "the run is driven by the first host"
        second = Host.start(live, 2)
        if fault == "off":
            first.switch_off()
        else:
            first.pull_the_cable()
        live.goes_on_where_it_was(run_id)
        if fault == "cut":
            first.plug_the_cable()
            wait_until(
                lambda: not first.processes("embedded_executor"), "the first host lets go of it"
            )
            assert live.marked(run_id, "body", "end") == [(0, 0), (1, 0)]
    assert second.process.poll() is None, "the second host is there"
    print(f"{fault}: the run has moved")


if __name__ == "__main__":
    # The namespaces, and all in them, end with this process.
    main(Path(sys.argv[1]), sys.argv[2])
