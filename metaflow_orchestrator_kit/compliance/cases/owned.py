"""Cases on a deployment that belongs to one user, and on what another one may do with it."""

from __future__ import annotations

from typing import Any

from metaflow_orchestrator_kit.capabilities import Cap
from metaflow_orchestrator_kit.compliance.case import case
from metaflow_orchestrator_kit.compliance.cases import facts
from metaflow_orchestrator_kit.compliance.expect import Expect
from metaflow_orchestrator_kit.compliance.model import Observation, Scenario

OWNED = Scenario("owned", "owned", script="another_user", timeout=180, expected=18)

_UNCHECKED = "the owner stored with the deployment is not compared with METAFLOW_USER"


def _token(seen: Observation, expect: Expect) -> str:
    """The token that the deployed flow tells its owner."""
    outcome = seen.extra.get("token", {})
    token = outcome.get("result")
    expect.true(
        "DeployedFlow.production_token",
        isinstance(token, str) and bool(token.strip()),
        expected="a text",
        observed=outcome,
        likely=["the deployed flow has no property production_token"],
    )
    return str(token)


@case("token-refuses-redeploy", cap=Cap.PRODUCTION_TOKEN, clauses=("J5", "J6"), scenario=OWNED)
def refuses_redeploy(seen: Observation, expect: Expect) -> None:
    """Another user cannot deploy over a deployment without its production token.

    Two people whose flows have one name replace each other's production flow otherwise, and
    nobody notices until the wrong one has run.
    """
    outcome = seen.extra.get("redeploy", {})
    expect.true(
        "create() by another user",
        "error" in outcome,
        expected="an exception",
        observed=outcome,
        likely=[_UNCHECKED, "owner and token are not stored with the deployment"],
    )
    message = str(outcome.get("message"))
    expect.true(
        "what the refusal says",
        "token" in message.lower() or "authorize" in message.lower(),
        expected="names the production token, or --authorize",
        observed=message,
        likely=["create() failed for another reason than the token"],
    )


@case("token-lets-in", cap=Cap.PRODUCTION_TOKEN, clauses=("J5",), scenario=OWNED)
def lets_in(seen: Observation, expect: Expect) -> None:
    """Another user who knows the production token deploys with authorize=, and it stays the same.

    A token that changes with each redeploy locks out everybody who was let in before.
    """
    assert seen.deployment is not None
    token = _token(seen, expect)
    expect.equal(
        "create(authorize=<token>) by another user: name of the deployment",
        expected={"result": seen.deployment.name},
        observed=seen.extra.get("authorized"),
        likely=["create has no option --authorize, or compares it with another token"],
    )
    for moment in ("refusals", "redeploy"):
        expect.equal(
            f"production_token of the deployment after the {moment}",
            expected={"result": token},
            observed=seen.extra.get(f"token_after_{moment}"),
            likely=["a new token is made although there is one", "the token is not stored"],
        )


@case("token-on-run", cap=Cap.PRODUCTION_TOKEN, clauses=("G2",), scenario=OWNED)
def on_run(seen: Observation, expect: Expect) -> None:
    """A run is in the production namespace of its deployment, and so are its tasks.

    Without METAFLOW_PRODUCTION_TOKEN on init the run is in the namespace of a user, often the
    worker's, and without it on a step its client looks there, too.
    """
    namespace = f"production:{_token(seen, expect)}"
    assert seen.run is not None
    expect.contains(
        "system tags of the run",
        expected=namespace,
        observed=seen.run.system_tags,
        likely=["METAFLOW_PRODUCTION_TOKEN is not in the environment of init"],
    )
    for step in ("start", "hold", "end"):
        expect.equal(
            f"get_namespace() inside '{step}'",
            expected=namespace,
            observed=facts.own(facts.one(seen, expect, step), "client_namespace"),
            likely=["METAFLOW_PRODUCTION_TOKEN is not in the environment of that step"],
        )


@case("token-guards-operations", cap=Cap.PRODUCTION_TOKEN, clauses=("C9", "J5"), scenario=OWNED)
def guards_operations(seen: Observation, expect: Expect) -> None:
    """Another user can neither terminate a run nor delete the deployment without the token."""
    for what in ("terminate", "delete"):
        outcome = seen.extra.get(what, {})
        expect.true(
            f"{what}() by another user",
            _is_refusal(outcome),
            expected="False, or an exception",
            observed=outcome or "never called",
            likely=[f"the command {what} does not ask for the token", _UNCHECKED],
        )
    facts.ended_well(seen, expect, ["another user's terminate() ended the run"])
    expect.true(
        "the deployment after another user's delete()",
        "result" in seen.extra.get("token_after_refusals", {}),
        expected="still found by its name",
        observed=seen.extra.get("token_after_refusals"),
    )


def _is_refusal(outcome: dict[str, Any]) -> bool:
    if "error" in outcome:
        return outcome["error"] not in ("AttributeError", "NotImplementedError", "TypeError")
    return outcome.get("result") is False
