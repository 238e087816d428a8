"""What a warm process does: it forks on request, and keeps one fork ready for the next request.

To fork takes milliseconds, and a fork's first steps take more, since each page of memory that it
touches is copied. No attempt has to wait for that when a *spare* is ready, which is forked and has
rehearsed before anybody asks. It is what a fork made at the time would be, because the warm process
does nothing meanwhile that a fork could show. Until it is given a request it is no attempt: it
stays in the group of the warm process, nobody hears of it, and it ends with the warm process.

This file belongs to the kit: `metaflow-orchestrator-scaffold --update` replaces it.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .process import die_with_parent

#: Seconds without a request after which a spare is made. Until then the attempt that was started
#: last has the processor.
_QUIET = 0.05

#: Seconds until a spare has to be reading, when a request is too large to be left for it.
_PATIENCE = 10.0

#: What a spare says when it has its request.
_TAKEN = b"."


@dataclass(frozen=True, slots=True)
class Request:
    """An attempt to be made.

    Attributes:
        body: its arguments and its environment, as JSON.
        descriptors: where its output goes.
    """

    body: bytes
    descriptors: list[int]

    @property
    def message(self) -> dict[str, Any]:
        """What it says."""
        found: dict[str, Any] = json.loads(self.body)
        return found

    def send(self, line: socket.socket) -> None:
        """Send it to whoever calls :func:`receive`.

        Raises:
            OSError: nobody does, or not in time.
        """
        socket.send_fds(line, [len(self.body).to_bytes(8, "big")], self.descriptors)
        line.sendall(self.body)

    def close(self) -> None:
        """Close this process' copies of the descriptors."""
        for descriptor in self.descriptors:
            os.close(descriptor)


def receive(line: socket.socket) -> Request | None:
    """Wait for a request; None when nobody can send one any more."""
    header, descriptors, _, _ = socket.recv_fds(line, 8, 2)
    if len(header) < 8:
        return None
    body, length = bytearray(), int.from_bytes(header, "big")
    while len(body) < length:
        piece = line.recv(length - len(body))
        if not piece:
            return None
        body += piece
    return Request(bytes(body), descriptors)


def serve(
    requests: socket.socket, answers: int, rehearse: Callable[[dict[str, Any]], None]
) -> dict[str, Any] | None:
    """Fork on request, until nobody can make a request any more.

    Args:
        requests: where requests come from.
        answers: where to say which fork has started, and which has ended.
        rehearse: called in a spare, with what the request before said, for whatever can be done
            ahead; may raise nothing.

    Returns:
        In a fork, what the request says that it is to carry out; in the warm process, None at
        the end.
    """
    return _Forks(requests, answers, rehearse).serve()


@dataclass(frozen=True, slots=True)
class _Spare:
    """A fork that waits for its request."""

    pid: int
    line: socket.socket

    def takes(self, request: Request) -> bool:
        """Give it a request. When it has not taken it, it has done nothing, and is gone."""
        try:
            request.send(self.line)
            self.line.settimeout(None)  # All of it is there: only its end can keep it from that.
            taken = self.line.recv(1) == _TAKEN
        except OSError:
            taken = False
        self.line.close()
        if not taken:
            self.end()
        return taken

    def end(self) -> None:
        """End it, and collect it."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


class _Forks:
    def __init__(
        self, requests: socket.socket, answers: int, rehearse: Callable[[dict[str, Any]], None]
    ) -> None:
        self._requests = requests
        self._answers = answers
        self._rehearse = rehearse
        self._pid = os.getpid()
        self._spare: _Spare | None = None
        #: The request that the next spare rehearses. None once there is one, or was: a spare that
        #: somebody kills before it is needed comes back after the next request.
        self._before: Request | None = None
        self._bell, self._rung = socket.socketpair()
        self._bell.setblocking(False)
        self._rung.setblocking(False)
        # Ctrl-C at a worker's terminal is for the worker alone, which lets its attempts end.
        self._at_interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._bell.fileno())

    def serve(self) -> dict[str, Any] | None:
        """See :func:`serve`."""
        while True:
            patience = _QUIET if self._before else None
            readable, _, _ = select.select([self._requests, self._rung], [], [], patience)
            if self._rung in readable:
                self._rung.recv(4096)
                self._report_ended()
            if self._requests in readable:
                request = receive(self._requests)
                if request is None:
                    break
                if not self._spare_takes(request) and os.fork() == 0:
                    self._leave()
                    return self._become_attempt(request)
                request.close()
                self._before = request
            elif not readable and self._before is not None:
                line = self._make_spare()
                if line is not None:
                    self._leave()
                    return self._become_attempt(self._wait(self._before, line))
                self._before = None
        if self._spare is not None:
            self._spare.end()
        return None

    def _spare_takes(self, request: Request) -> bool:
        spare, self._spare = self._spare, None
        return spare is not None and spare.takes(request)

    def _make_spare(self) -> socket.socket | None:
        """Fork ahead; in the fork, the line on which its request comes."""
        line, other = socket.socketpair()
        try:
            pid = os.fork()
        except OSError:  # All goes on without it.
            line.close()
            other.close()
            return None
        if pid == 0:
            line.close()
            return other
        other.close()
        line.settimeout(_PATIENCE)
        self._spare = _Spare(pid, line)
        return None

    def _report_ended(self) -> None:
        """Collect every fork that has ended, and say so of those that were attempts."""
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                pid, status = ended
                if self._spare is not None and pid == self._spare.pid:
                    self._spare.line.close()
                    self._spare = None
                else:
                    self._answer(pid, os.waitstatus_to_exitcode(status))

    def _answer(self, pid: int, exit_code: int | None) -> None:
        os.write(self._answers, json.dumps([pid, exit_code]).encode() + b"\n")

    def _leave(self) -> None:
        """In a fork: let go of what is the warm process', and do not live without it."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for ours in (self._bell, self._rung, self._requests):
            ours.close()
        die_with_parent()
        if os.getppid() != self._pid:  # It died between the fork and the line above.
            os._exit(1)

    def _wait(self, before: Request, line: socket.socket) -> Request:
        """In a spare: wait for its request."""
        self._rehearse(before.message)
        request = receive(line)
        if request is None:
            os._exit(0)
        line.sendall(_TAKEN)
        line.close()
        return request

    def _become_attempt(self, request: Request) -> dict[str, Any]:
        """In a fork: a session of its own, and its own output."""
        signal.signal(signal.SIGINT, self._at_interrupt)
        os.setsid()
        null = os.open(os.devnull, os.O_RDONLY)
        for target, source in enumerate((null, *request.descriptors)):
            os.dup2(source, target)
            os.close(source)
        # Only now: whoever hears of this process may signal its group.
        self._answer(os.getpid(), None)
        os.close(self._answers)
        return request.message
