"""Cases on a flow with a schedule: it fires, it needs its values, and it can be taken away."""

from __future__ import annotations

from metaflow_orchestrator_kit.capabilities import Cap
from metaflow_orchestrator_kit.compliance.case import case
from metaflow_orchestrator_kit.compliance.cases import facts
from metaflow_orchestrator_kit.compliance.expect import Blocked, Expect
from metaflow_orchestrator_kit.compliance.model import Observation, Scenario

SCHEDULED = Scenario(
    "scheduled",
    "scheduled",
    caps=(Cap.SCHEDULE,),
    script="wait_for_the_clock",
    timeout=360,
    expected=130,
)


@case("schedule-starts-run", cap=Cap.SCHEDULE, clauses=("K1",), scenario=SCHEDULED)
def starts_run(seen: Observation, expect: Expect) -> None:
    """A deployed schedule starts runs at its time, with the defaults of the flow's parameters."""
    expect.true(
        "runs of a flow with @schedule(cron='* * * * *'), more than a minute after create()",
        bool(seen.extra.get("runs")),
        expected="at least one",
        observed=seen.extra.get("runs", []),
        likely=[
            "the schedule is not registered with the scheduler at create",
            "the cron text is rewritten, or meant in another time zone",
            "the scheduler is not running: start it, and select this case again",
        ],
    )
    facts.once(seen, expect, "start", "end")
    facts.ended_well(seen, expect)
    expect.equal(
        "parameter 'limit' in 'end'",
        expected=3,
        observed=facts.own(facts.one(seen, expect, "end"), "got"),
        likely=["a scheduled run does not get the defaults"],
    )


@case("schedule-needs-defaults", cap=Cap.SCHEDULE, clauses=("K2",), scenario=SCHEDULED)
def needs_defaults(seen: Observation, expect: Expect) -> None:
    """A scheduled flow with a required parameter that has no default is refused by create().

    Otherwise every run that the clock starts fails, at night, with nobody looking.
    """
    outcome = seen.extra.get("required", {})
    expect.true(
        "create() of a scheduled flow with Parameter('limit', required=True)",
        "error" in outcome,
        expected="an exception",
        observed=outcome,
        likely=["create does not look at the parameters of flows that start by themselves"],
    )
    expect.contains("its message", expected="limit", observed=str(outcome.get("message")))


@case("schedule-in-its-zone", cap=Cap.SCHEDULE, clauses=("K1",), scenario=SCHEDULED)
def in_its_zone(seen: Observation, expect: Expect) -> None:
    """@schedule(timezone=...) says where the hours of its cron text are meant, or is refused.

    Dropped, the flow runs every day, and hours away from when somebody wanted it.
    """
    outcome = seen.extra.get("zoned", {})
    if "error" in outcome:
        message = str(outcome.get("message"))
        refused = "zone" in message and "not supported" in message
        expect.true(
            "create() of a flow with @schedule(timezone='Pacific/Kiritimati')",
            refused,
            expected="a deployment, or that time zones are not supported",
            observed=outcome,
        )
        return
    if seen.extra.get("zoned_spare", 0.0) < 1.0:
        raise Blocked("create() took so long that the minute of the schedule had begun.")
    expect.true(
        "runs of a flow that is due at one minute of the day, by the clock of that zone",
        len(seen.extra.get("zoned_runs", [])) == 1,
        expected="one, once that minute had begun",
        observed=seen.extra.get("zoned_runs"),
        likely=[
            "the zone is dropped, so that the hours are meant in UTC, or in the server's own zone",
            "@schedule's fields beyond minutes are not handed to the scheduler",
        ],
    )


@case("schedule-taken-away", cap=Cap.SCHEDULE, clauses=("J9",), scenario=SCHEDULED)
def taken_away(seen: Observation, expect: Expect) -> None:
    """A redeploy without @schedule takes the schedule away: the clock starts nothing any more.

    A schedule that stays behind runs the new code at the times of the old one.
    """
    assert seen.deployment is not None
    expect.equal(
        "create() without @schedule: name of the deployment",
        expected={"result": seen.deployment.name},
        observed=seen.extra.get("unscheduled"),
    )
    if "runs_after" not in seen.extra:
        raise Blocked("No scheduled run came before, so that none comes after proves nothing.")
    expect.equal(
        "runs that started within a minute after that create()",
        expected=[],
        observed=seen.extra["runs_after"],
        likely=["create only adds and updates schedules, it never deletes one"],
    )
