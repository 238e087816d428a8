"""How far a run has come, from Metaflow's records of it; and how that is shown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pytest
from in_place.plan import Identity as PlanIdentity
from in_place.plan import Plan, Step  # type: ignore[import-not-found]
from in_place.progress import (  # type: ignore[import-not-found]
    Attempt,
    StepProgress,
    Task,
    attempts_of,
    steps_in_order,
)
from in_place.watch import clock, follow, table  # type: ignore[import-not-found]


@dataclass(frozen=True, slots=True)
class Datum:
    """An entry of a task's metadata, as Metaflow's client has it."""

    name: str
    value: str
    created_at: int


def data(*entries: tuple[str, object, int]) -> list[Datum]:
    return [Datum(name, str(value), at * 1000) for name, value, at in entries]


def test_the_attempts_of_a_task_come_from_its_metadata_in_any_order() -> None:
    found = attempts_of(
        data(
            ("attempt", 1, 20),
            ("attempt_ok", False, 14),
            ("attempt-done", 0, 15),
            ("ds-type", "local", 10),
            ("attempt", 0, 10),
        )
    )

    assert found == (Attempt(0, 10.0, 15.0, False), Attempt(1, 20.0, None, None))


def test_the_last_attempt_has_the_last_verdict() -> None:
    entries = [("attempt", 0, 10), ("attempt_ok", False, 14), ("attempt-done", 0, 15)]
    assert attempts_of(data(*entries)) == (Attempt(0, 10.0, 15.0, False),)
    entries += [("attempt", 1, 20), ("attempt_ok", True, 24), ("attempt-done", 1, 25)]
    assert attempts_of(data(*entries))[1] == Attempt(1, 20.0, 25.0, True)


def test_an_attempt_that_was_killed_ends_when_the_next_one_starts() -> None:
    found = attempts_of(data(("attempt", 0, 10), ("attempt", 1, 20)))
    assert found == (Attempt(0, 10.0, 20.0, False), Attempt(1, 20.0, None, None))


def test_an_attempt_repeated_under_its_number_starts_again() -> None:
    found = attempts_of(data(("attempt", 0, 10), ("attempt", 0, 30)))
    assert found == (Attempt(0, 30.0, None, None),)


def test_a_task_that_has_just_been_registered_has_no_attempt() -> None:
    assert attempts_of(data(("python_version", "3", 10))) == ()


def plan(**graph: str) -> Plan:
    steps = {name: Step(name, "linear", tuple(out.split())) for name, out in graph.items()}
    return Plan(PlanIdentity("n", "F", "o", "t"), "start", "end", steps)


def test_steps_come_after_all_that_lead_to_them_and_a_loop_does_not_matter() -> None:
    diamond = plan(end="", start="long short", join="end", long="more", more="join", short="join")
    assert steps_in_order(diamond) == ["start", "long", "short", "more", "join", "end"]
    loop = plan(start="again", again="again out", out="end", end="")
    assert steps_in_order(loop) == ["start", "again", "out", "end"]


def test_many_splits_in_a_row_are_ordered_at_once() -> None:
    graph = {"start": "s0", "end": ""}
    for n in range(60):
        graph |= {f"s{n}": f"a{n} j{n}", f"a{n}": f"j{n}", f"j{n}": f"s{n + 1}"}
    graph["s60"] = "end"
    assert len(steps_in_order(plan(**graph))) == 183


def step(name: str, *oks: bool | None, started: float = 100.0) -> StepProgress:
    ends = [None if ok is None else started + 7 for ok in oks]
    return StepProgress(
        name,
        tuple(
            Task(name, f"t{n}", (Attempt(0, started, end, ok),))
            for n, (ok, end) in enumerate(zip(oks, ends, strict=True))
        ),
    )


def test_the_table_has_a_line_per_step_with_counts_and_durations() -> None:
    lines = table([step("start", True), step("body", True, None, False), step("end")], 160.0, 80)

    assert lines == [
        "step     tasks  running     done   failed attempts     time",
        "start        1        0        1        0        1     0:07",
        "body         3        1        1        1        3     1:00",
        "end          -",
    ]


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_no_line_of_the_table_is_wider_than_the_terminal(width: int) -> None:
    lines = table([step("a_step_with_quite_a_long_name" * 3, True)], 160.0, width)
    assert all(len(line) <= width for line in lines)


@pytest.mark.parametrize(("seconds", "text"), [(-1, "0:00"), (67.9, "1:07"), (3723, "1:02:03")])
def test_durations_read_like_a_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text


@dataclass(frozen=True, slots=True)
class Run:
    """What an engine answers about a run."""

    status: str
    reason: str = ""
    created: float = 100.0
    finished: float | None = None


@dataclass(slots=True)
class Looks:
    """An observer that has seen this already."""

    seen: Iterator[tuple[StepProgress, ...]]

    def look(self) -> tuple[StepProgress, ...]:
        return next(self.seen)


def watched(
    runs: Iterable[Run], seen: Iterable[tuple[StepProgress, ...]], *, live: bool = False
) -> tuple[int, str]:
    """The exit code and the text of a run that is watched."""
    told: list[str] = []
    coming = iter(runs)

    def look() -> Run:
        try:
            return next(coming)
        except StopIteration:
            raise KeyboardInterrupt from None  # The user has seen enough.

    return follow(look, Looks(iter(seen)), "F/r", told.append, live=live), "".join(told)


@pytest.fixture(autouse=True)
def without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("in_place.watch.INTERVAL", 0.0)


def test_without_a_terminal_there_is_a_line_per_event_and_none_twice() -> None:
    code, text = watched(
        [Run("RUNNING"), Run("RUNNING"), Run("SUCCEEDED", finished=160.0)],
        [(step("a", None),), (step("a", None), step("b")), (step("a", True), step("b", True))],
    )

    assert code == 0
    assert text.splitlines() == [
        "F/r RUNNING",
        "   0:00 a/t0 attempt 0 started",
        "   0:07 a/t0 attempt 0 succeeded after 7.0 s",
        "   0:07 b/t0 attempt 0 succeeded after 7.0 s",
        "F/r SUCCEEDED after 1:00",
    ]
    assert "\x1b" not in text


@pytest.mark.parametrize(
    ("status", "code"), [("SUCCEEDED", 0), ("FAILED", 3), ("ABORTED", 4), ("ODD", 5)]
)
def test_the_exit_code_says_how_the_run_has_ended(status: str, code: int) -> None:
    got, text = watched([Run(status, "why\nso", finished=101.0)], [()])

    assert got == code
    assert text == f"F/r {status} after 0:01: why so\n"


def test_what_was_under_way_when_the_run_was_ended_is_shown_as_failed() -> None:
    _, text = watched([Run("ABORTED", finished=130.0)], [(step("a", None),)])
    assert "a/t0 attempt 0 failed after 30.0 s" in text


def test_whoever_goes_away_is_told_that_the_run_goes_on() -> None:
    code, text = watched([Run("RUNNING")], [(step("a", None),)])

    assert code == 130
    assert text.endswith("\nNobody watches any more; F/r goes on.\n")


def test_on_a_terminal_the_table_is_drawn_over_itself_and_fits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("LINES", "12")
    steps = tuple(step(f"s{n:02}", *([True] if n < 30 else [])) for n in range(40))

    _, text = watched([Run("RUNNING"), Run("FAILED", finished=160.0)], [steps, steps], live=True)

    first, again, second = re.split(r"\x1b\[(\d+)A\x1b\[J", text)
    assert int(again) == first.count("\n") <= 10
    assert all(len(line) <= 60 for line in (first + second).splitlines())
    assert "\ns29 " in first and "and 33 more steps\n" in first
