"""The folder of a run: who drives it, who looks after that, logs, and what stands in its way.

The locks are the kernel's, on files: it releases them when their holder dies, however it dies.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

#: Bytes of a note about what stands in the way of a run.
_NOTE = 1000


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The folder of a run.

    Attributes:
        path: where it is.
    """

    path: Path

    @classmethod
    def of(cls, home: Path, run_id: str) -> RunFolder:
        """The folder of a run of a scheduler; it is made when it is not there.

        Raises:
            OSError: it cannot be made.
        """
        path = home / "runs" / run_id
        path.mkdir(parents=True, exist_ok=True)
        return cls(path)

    def lease(self) -> AbstractContextManager[int | None]:
        """Try to become the only one who may drive the run; see :func:`attempt_lock`."""
        return attempt_lock(self.path / "lease")

    def keeper(self) -> AbstractContextManager[int | None]:
        """Try to become the only one who keeps the run driven; see :func:`attempt_lock`."""
        return attempt_lock(self.path / "keeper")

    def note(self, trouble: str) -> None:
        """Leave word of what keeps the run from going on; an empty one when nothing does.

        A note always takes the same room, so that one can be changed on a full disk, too.
        """
        text = trouble.encode()[:_NOTE].ljust(_NOTE)
        with contextlib.suppress(OSError):
            descriptor = os.open(self.path / "trouble", os.O_WRONLY | os.O_CREAT, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(text)

    def note_end(self) -> None:
        """Spare the keeper to start an executor, only to find that nothing is left to do."""
        with contextlib.suppress(OSError):
            (self.path / "over").touch()

    def show_life(self, moment: float) -> None:
        """Let the keeper see when the one who drives the run was last sure to be the only one.

        Args:
            moment: by the kernel's clock that nobody can set, `time.monotonic()`.
        """
        sign, nanoseconds = self.path / "alive", int(moment * 1e9)
        sign.touch()
        os.utime(sign, ns=(nanoseconds, nanoseconds))

    def forget_handouts(self) -> None:
        """Forget what attempts handed out here before another machine drove the run.

        It may have begun them again since, so that they have not come to their end.
        """
        for handout in self.path.glob("*.handout"):
            handout.unlink(missing_ok=True)

    @property
    def trouble(self) -> str:
        """What keeps the run from going on; empty when nothing does."""
        try:
            return (self.path / "trouble").read_text(errors="replace").strip()
        except OSError:
            return ""


@contextlib.contextmanager
def attempt_lock(path: Path) -> Iterator[int | None]:
    """Try to take a lock for a block, without waiting for it.

    Yields:
        A file descriptor, or None when somebody else has the lock. It is held until every copy
        of the descriptor is closed: a child process that inherits it has it.
    """
    descriptor = try_lock(path)
    try:
        yield descriptor
    finally:
        if descriptor is not None:
            os.close(descriptor)


def try_lock(path: Path) -> int | None:
    """A descriptor of a file that is locked until it is closed; None when somebody else has it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


@contextlib.contextmanager
def shared_lock(path: Path) -> Iterator[None]:
    """Hold a lock that any number of processes can hold together."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        yield


def others_hold(path: Path) -> bool:
    """Whether anybody holds a lock, alone or together with others."""
    with attempt_lock(path) as descriptor:
        return descriptor is None


@contextlib.contextmanager
def alone(path: Path) -> Iterator[None]:
    """Wait until nobody else is in such a block."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
