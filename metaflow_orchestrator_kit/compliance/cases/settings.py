"""Cases on configs, on decorators that depend on them, and on the branch of the user."""

from __future__ import annotations

from typing import Any

from metaflow_orchestrator_kit.capabilities import Cap
from metaflow_orchestrator_kit.compliance.case import case
from metaflow_orchestrator_kit.compliance.cases import facts
from metaflow_orchestrator_kit.compliance.expect import Expect
from metaflow_orchestrator_kit.compliance.model import DIRECTORY, Observation, Scenario

STEPS = ("start", "middle", "end")

SETTINGS = Scenario(
    "settings",
    "settings",
    caps=(Cap.CONFIG_EXPR,),
    top={
        "config_value": [("tuning", {"project": "mok_tuned", "colour": "tür kis"})],
        "config": [("pairs", f"{DIRECTORY}/settings_pairs.txt")],
    },
    timeout=120,
    expected=8,
)

GIVEN = {"directory": "flow", "profile": "mok_profile", "variable": "it's $given"}

PLACED = Scenario(
    "settings_placed",
    "settings",
    caps=(Cap.CONFIG_EXPR,),
    top={
        "cwd": DIRECTORY,
        "profile": GIVEN["profile"],
        "env": {"MOK_GIVEN": GIVEN["variable"]},
    },
    timeout=120,
    expected=8,
)

CONFIGS = {
    "colour": "tür kis",
    "pairs": {"a": 10, "b": 20},
    "raw": "[not: json",
    "filed": "a file of the deployer",
}

DEFAULTS = {
    "colour": "grey",
    "pairs": {"a": 1, "b": 2},
    "raw": "[not: json",
    "filed": "a file of the deployer",
}

LIKELY = [
    "METAFLOW_FLOW_CONFIG_VALUE is missing in the commands of some steps: the defaults hold there",
    "it holds raw values instead of kv.<name>: the user's parser gets JSON",
]


@case(
    "config-values",
    cap=Cap.CONFIG_EXPR,
    clauses=("D7", "G6"),
    scenario=SETTINGS,
    sees_errors=("wait", "read"),
)
def values(seen: Observation, expect: Expect) -> None:
    """Every step sees the config values of the deployment: overridden, parsed, plain, from a file.

    Where the user's parser gets JSON instead of the text it knows, even init fails. The file that
    a config has for its default is the deployer's: a worker has none of that name, or another one.
    """
    facts.no_error(seen, expect, LIKELY)
    for step in STEPS:
        _sees(seen, expect, step, CONFIGS, LIKELY)
    facts.ended_well(seen, expect, LIKELY)


@case("config-defaults", cap=Cap.CONFIG_EXPR, clauses=("D7", "G6"), scenario=PLACED)
def defaults(seen: Observation, expect: Expect) -> None:
    """Configs that nobody gives have the defaults of the deployment, those from files too.

    Handed on only where one was given, they are read again in each task: on another machine that
    is another file, or none.
    """
    for step in STEPS:
        _sees(seen, expect, step, DEFAULTS, ["nothing is handed on where no config was given"])


@case("config-in-decorators", cap=Cap.CONFIG_EXPR, clauses=("D7", "G6"), scenario=SETTINGS)
def in_decorators(seen: Observation, expect: Expect) -> None:
    """What is evaluated while a task imports the flow sees the configs of the deployment.

    self.cfg looks right in any case, because it is an artifact; a decorator in the task does not.
    """
    for step in STEPS:
        expect.equal(
            f"@project(name=config_expr(…)) in '{step}', as current.project_name",
            expected="mok_tuned",
            observed=facts.own(facts.one(seen, expect, step, LIKELY), "seen", "project"),
            likely=LIKELY,
        )
    assert seen.run is not None
    expect.contains(
        "system tags of the run",
        expected="project:mok_tuned",
        observed=seen.run.system_tags,
        likely=["METAFLOW_FLOW_CONFIG_VALUE is missing in the command of init"],
    )


@case("config-in-environment", cap=Cap.CONFIG_EXPR, clauses=("G8", "M5"), scenario=SETTINGS)
def in_environment(seen: Observation, expect: Expect) -> None:
    """Variables of @environment and @secrets are set in their step, and only there.

    @environment itself acts in Metaflow's own runtime only: the scheduler has to set what it
    says, config_expr included. @secrets acts in the task, and fails where its variable is set
    already.
    """
    likely = ["@environment is not translated", "its variables are read before configs are known"]
    for step, colour, quoted, secret in (
        ("start", "tür kis", "a 'b' \"c\" $d", None),
        ("middle", "tür kis-middle", None, None),
        ("end", None, None, "pass 'word' ü"),
    ):
        got = facts.own(facts.one(seen, expect, step), "got")
        expect.equal(
            f"variables in '{step}'",
            expected={"MOK_COLOUR": colour, "MOK_QUOTED": quoted, "MOK_SECRET": secret},
            observed={name: got.get(name) for name in ("MOK_COLOUR", "MOK_QUOTED", "MOK_SECRET")}
            if isinstance(got, dict)
            else got,
            likely=likely,
        )


@case("branch-of-user", cap=Cap.PROJECT_BRANCH, clauses=("E9", "G3"), scenario=SETTINGS)
def branch_of_user(seen: Observation, expect: Expect) -> None:
    """Without --branch a @project flow runs in its deployer's branch, the same everywhere."""
    assert seen.run is not None
    tags = [tag for tag in seen.run.system_tags if tag.startswith("project_branch:user.")]
    expect.equal("project_branch tags of the run, for a user", expected=1, observed=len(tags))
    for step in STEPS:
        expect.equal(
            f"current.branch_name in '{step}'",
            expected=tags[0].partition(":")[2],
            observed=facts.own(facts.one(seen, expect, step), "seen", "branch"),
            likely=["METAFLOW_OWNER is not the same for init and for all steps"],
        )


@case("deploy-with-cwd", cap=Cap.CONFIG_EXPR, clauses=("B2",), scenario=PLACED)
def with_cwd(seen: Observation, expect: Expect) -> None:
    """Deployer(cwd=…) deploys in that directory, where relative paths lead to the user's files.

    The program that deploys stays where it is, so its own directory is another one.
    """
    _deployed_in(seen, expect, "directory")


@case("deploy-with-env", cap=Cap.CONFIG_EXPR, clauses=("B2",), scenario=PLACED)
def with_env(seen: Observation, expect: Expect) -> None:
    """Variables given with Deployer(env=…) are there while the flow is deployed."""
    _deployed_in(seen, expect, "variable")


@case("deploy-with-profile", cap=Cap.CONFIG_EXPR, clauses=("B2",), scenario=PLACED)
def with_profile(seen: Observation, expect: Expect) -> None:
    """Deployer(profile=…) deploys with the settings of that profile of Metaflow's configuration.

    Lost on the way, the flow is deployed with other settings: into another datastore, or onto
    another cluster.
    """
    _deployed_in(seen, expect, "profile")


def _sees(
    seen: Observation, expect: Expect, step: str, configs: dict[str, Any], likely: list[str]
) -> None:
    got = facts.own(facts.one(seen, expect, step, likely), "got")
    expect.equal(
        f"configs in '{step}'",
        expected=configs,
        observed={name: got.get(name) for name in configs} if isinstance(got, dict) else got,
        likely=likely,
    )


def _deployed_in(seen: Observation, expect: Expect, what: str) -> None:
    expect.equal(
        f"{what} of create(), as a default saw it that is computed there",
        expected=GIVEN[what],
        observed=facts.own(facts.one(seen, expect, "start"), "deployed_in", what),
        likely=["the deployer does not hand its keywords on to DeployerImpl"],
    )
