"""A case on the most attempts that Metaflow knows."""

from __future__ import annotations

from metaflow_orchestrator_kit.capabilities import Cap
from metaflow_orchestrator_kit.compliance.case import case
from metaflow_orchestrator_kit.compliance.cases import course, facts
from metaflow_orchestrator_kit.compliance.expect import Expect
from metaflow_orchestrator_kit.compliance.model import Observation, Scenario

STUBBORN = Scenario("stubborn", "stubborn", caps=(Cap.RETRY, Cap.CATCH), timeout=180, expected=15)


@case("six-attempts", cap=Cap.CATCH, clauses=("H3", "H4"), scenario=STUBBORN)
def six_attempts(seen: Observation, expect: Expect) -> None:
    """A step with @retry(times=4) and @catch that always dies has six attempts, and no seventh.

    What the decorators ask for adds up to eight, and Metaflow refuses the seventh attempt: who
    passes the sum on loses the run, who cuts it lower loses the attempt of @catch.
    """
    likely = ["the attempts are not min(1 + user retries + error retries, 6)"]
    numbers = [0, 1, 2, 3, 4, 5]
    course.tried(seen, expect, "start", numbers, user_code=numbers[:-1], likely=likely)
    facts.once(seen, expect, "end")
    facts.ended_well(seen, expect, likely)
