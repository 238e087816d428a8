"""How commands, deployers and notebooks talk to Temporal: through a helper process.

The SDK brings threads along that do not survive a fork, may crash a process that ends, and want
an event loop of their own; a user's process has none of that. The helper starts with the first
request, is told by lines of JSON, and ends when nobody has asked it for a moment, or its parent is
gone. Every request can be made again, so a helper that is lost is replaced.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from .temporal_address import Address

#: The folder that `metaflow_extensions` lies in, and the helper's name from there.
_ROOT = Path(__file__).resolve().parents[4]
_HELPER = ".".join(Path(__file__).resolve().with_name("temporal_gateway").relative_to(_ROOT).parts)


class LinkError(Exception):
    """Temporal could not do what was asked; the message says why."""


class Link:
    """Makes requests to a server.

    Args:
        to: the server.
    """

    def __init__(self, to: Address) -> None:
        self.to = to
        self._helper: subprocess.Popen[bytes] | None = None
        self._pid = 0
        self._alone = threading.Lock()

    def ask(self, call: str, **arguments: Any) -> Any:
        """Make a request; answer what came back.

        Args:
            call: name of a function of :mod:`.temporal_gateway`.
            **arguments: what it takes, as JSON-serialisable values.

        Raises:
            LinkError: the server cannot do it, or cannot be reached.
        """
        request = json.dumps({"call": call, "arguments": arguments}).encode() + b"\n"
        with self._alone:
            for _ in range(3):
                if answer := self._exchange(request):
                    break
                self.close()
            else:
                raise LinkError(f"The helper that talks to Temporal at {self.to.host} ended.")
        content = json.loads(answer)
        if "error" in content:
            raise LinkError(content["error"])
        return content["answer"]

    def close(self) -> None:
        """End the helper."""
        helper, self._helper = self._helper, None
        if helper is None or self._pid != os.getpid():
            return
        assert helper.stdin is not None and helper.stdout is not None
        with contextlib.suppress(OSError):
            helper.stdin.close()
        helper.stdout.close()
        helper.wait()

    def _exchange(self, request: bytes) -> bytes:
        """The answer, empty when the helper ended instead."""
        if self._helper is None or self._pid != os.getpid():
            self._start()
        assert self._helper is not None
        assert self._helper.stdin is not None and self._helper.stdout is not None
        try:
            self._helper.stdin.write(request)
            self._helper.stdin.flush()
            return self._helper.stdout.readline()
        except OSError:
            return b""

    def _start(self) -> None:
        # The import path of this process: an extension need not be installed to be used.
        known = [str(_ROOT), *filter(None, sys.path)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(known)}
        self._pid = os.getpid()
        self._helper = subprocess.Popen(
            [sys.executable, "-m", _HELPER, self.to.to_json()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            cwd="/",
            # Ctrl-C is for the caller, who then ends the helper.
            start_new_session=True,
        )

    def __del__(self) -> None:
        with contextlib.suppress(Exception):
            self.close()
