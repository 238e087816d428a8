"""Hosts that share nothing, on one machine: for development and tests, on Linux and as root.

A host is a process in a network, a file system and a name of its own. It sees Python, what is
installed for it and this extension, read-only, and nothing else of this machine: neither flows, nor
home folders, nor a datastore. All hosts hang on one switch, in a network that ends with the process
that made it; :func:`in_a_network` moves a program into one.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from .process import die_with_parent

#: Where the servers listen, as hosts see it.
ADDRESS = "10.77.0.1"

#: Says to a program that it is in a network of its own already.
_INSIDE = "MF_DEV_NETWORK"

#: The folder that `metaflow_extensions` lies in.
_PROJECT = Path(__file__).resolve().parents[4]

#: This module, from there.
_MODULE = ".".join(Path(__file__).resolve().with_suffix("").relative_to(_PROJECT).parts)

#: What a host sees of the machine, besides Python.
_SYSTEM = ("/usr", "/etc", "/bin", "/sbin", "/lib", "/lib32", "/lib64")

#: Seconds until a process has a network of its own, on a machine that has other things to do.
_PATIENCE = 60.0


def in_a_network() -> None:
    """Go on in a network of our own: this program is started again, inside.

    Raises:
        RuntimeError: this machine cannot do that.
    """
    if os.environ.get(_INSIDE):
        return
    missing = [program for program in ("unshare", "nsenter", "ip") if not shutil.which(program)]
    if missing or os.geteuid() != 0:
        why = f"{', '.join(missing)} missing" if missing else "not root"
        raise RuntimeError(f"Hosts of their own need Linux, root, util-linux and iproute2: {why}.")
    command = ["unshare", "--net", "--mount", sys.executable, *sys.orig_argv[1:]]
    os.execvpe(command[0], command, {**os.environ, _INSIDE: "1"})


def make_switch() -> None:
    """Make what hosts are plugged into, in the network of this process."""
    for words in (
        "link set lo up",
        "link add hub type bridge",
        f"addr add {ADDRESS}/24 dev hub",
        "link set hub up",
    ):
        _ip(words)


class Host:
    """A host, which is there as long as its process.

    Args:
        number: from 1; names it, and is part of its address.
        folder: holds its root.
    """

    def __init__(self, number: int, folder: Path) -> None:
        self.name = f"host{number}"
        self._address = f"10.77.0.{number + 1}"
        self._root = folder / f"{self.name}-root"

    def start(
        self, command: Sequence[str], environment: Mapping[str, str], log: Path
    ) -> subprocess.Popen[bytes]:
        """Start a process on it, which has no other variables than these.

        Raises:
            RuntimeError: it has no network in time.
        """
        self._root.mkdir(exist_ok=True)
        arguments = ("-m", _MODULE, self.name, str(self._root), *command)
        with log.open("ab") as output:
            process = subprocess.Popen(
                ["unshare", "--net", "--mount", "--uts", sys.executable, *arguments],
                env={
                    "PATH": os.environ.get("PATH", os.defpath),
                    "HOME": "/root",
                    "LANG": "C.UTF-8",
                    "PYTHONPATH": str(_PROJECT),
                    **environment,
                },
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=die_with_parent,
            )
        try:
            self._plug_in(process)
        except BaseException:
            process.kill()
            process.wait()
            raise
        return process

    def cut(self) -> None:
        """Pull its plug."""
        _ip(f"link set {self.name} down")

    def heal(self) -> None:
        """Plug it in again."""
        _ip(f"link set {self.name} up")

    def _plug_in(self, process: subprocess.Popen[bytes]) -> None:
        ours = Path("/proc/self/ns/net").readlink()
        deadline = time.monotonic() + _PATIENCE
        while True:
            with contextlib.suppress(OSError):
                if Path(f"/proc/{process.pid}/ns/net").readlink() != ours:
                    break
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} gets no network of its own.")
            time.sleep(0.02)
        with contextlib.suppress(subprocess.CalledProcessError):
            _ip(f"link delete {self.name}")  # Of the process before; it goes a moment later.
        _ip(f"link add {self.name} type veth peer name eth0 netns {process.pid}")
        _ip(f"link set {self.name} master hub up")
        _ip("link set lo up", "nsenter", "-t", str(process.pid), "-n")
        for words in (f"addr add {self._address}/24 dev eth0", "link set eth0 up"):
            _ip(words, "nsenter", "-t", str(process.pid), "-n")
        assert process.stdin is not None
        process.stdin.close()


def _ip(words: str, *before: str) -> None:
    subprocess.run([*before, "ip", *words.split()], check=True, capture_output=True)


def _be(name: str, root: Path, command: Sequence[str]) -> None:
    """Be the host: wait for the network, leave the machine's files, start the command."""
    sys.stdin.buffer.read()
    socket.sethostname(name)
    _mount("--make-rprivate", "/")
    _mount("-t", "tmpfs", "none", str(root))
    for place in ("root", "tmp", "var/tmp", "run"):
        (root / place).mkdir(parents=True)
    for source in (*map(Path, _SYSTEM), Path(sys.prefix), Path(sys.base_prefix), _PROJECT):
        target = root / source.relative_to("/")
        if source.is_symlink() and str(source) in _SYSTEM:
            target.symlink_to(source.readlink())
        elif source.is_dir() and not target.exists():
            target.mkdir(parents=True)
            _mount("--bind", str(source), str(target))
            _mount("-o", "remount,ro,bind", str(target))
    for place in ("proc", "dev"):
        (root / place).mkdir()
        _mount("--rbind", f"/{place}", str(root / place))
    os.chroot(root)
    os.chdir("/root")
    os.execv(command[0], list(command))


def _mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True)


if __name__ == "__main__":
    _be(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
