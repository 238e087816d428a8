"""Says what goes on while the flows run."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from metaflow_orchestrator_kit.compliance.lab import events

_SILENCE = 6.0
"""After so many seconds without a word, say what is being waited for."""


@dataclass(slots=True)
class Progress:
    """Follows the lab's diary and prints a line when a scenario is over."""

    diary: Path
    scenarios: int
    say: Callable[[str], None]
    _position: int = 0
    _done: int = 0
    _states: dict[str, str] = field(default_factory=dict)
    _start: float = field(default_factory=time.monotonic)
    _spoken: float = field(default_factory=time.monotonic)

    def update(self) -> None:
        """Look for news."""
        news, self._position = events.follow(self.diary, self._position)
        for event in news:
            self._take(event)
        if self._states and time.monotonic() - self._spoken > _SILENCE:
            waiting = ", ".join(f"{name} ({state})" for name, state in self._states.items())
            self._print("", f"waiting for {waiting}")

    def _take(self, event: events.Event) -> None:
        if not event.scenario:
            return
        if not event.over:
            self._states[event.scenario] = event.what
            return
        self._states.pop(event.scenario, None)
        self._done += 1
        self._print(f"[{self._done:>2}/{self.scenarios}]", f"{event.scenario:<24} {event.what}")

    def _print(self, mark: str, text: str) -> None:
        seconds = int(time.monotonic() - self._start)
        line = f"{mark:<8}{seconds // 60}:{seconds % 60:02}  {text}"
        self.say(line if len(line) <= 100 else line[:99] + "…")
        self._spoken = time.monotonic()
