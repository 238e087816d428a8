"""Cases on a @project flow: its branch, and finding its deployment by a dotted name."""

from __future__ import annotations

from metaflow_orchestrator_kit.capabilities import Cap
from metaflow_orchestrator_kit.compliance.case import case
from metaflow_orchestrator_kit.compliance.cases import facts
from metaflow_orchestrator_kit.compliance.expect import Expect
from metaflow_orchestrator_kit.compliance.model import Observation, Scenario, Via

STEPS = ("start", "middle", "end")
VALUES = {"alpha": 41, "spec": {"a": [1, "ü", None]}, "my_word": "it's $HOME"}

BRANDED = Scenario(
    "branded",
    "branded",
    caps=(Cap.PROJECT_BRANCH,),
    top={"branch": "feature_x"},
    script="edit_then_run",
    timeout=120,
    expected=8,
)
FOUND = Scenario(
    "branded_found",
    "branded",
    caps=(Cap.PROJECT_BRANCH, Cap.FROM_DEPLOYMENT),
    top={"branch": "feature_y", "production": True},
    trigger=VALUES,
    via=Via.FROM_DEPLOYMENT,
    timeout=120,
    expected=10,
)

ADDRESS = "a.b+c@d.e"
ADDRESSED = Scenario(
    "branded_address",
    "branded",
    caps=(Cap.PROJECT_BRANCH,),
    top={"env": {"METAFLOW_USER": ADDRESS}},
    timeout=120,
    expected=8,
)


def _branch_everywhere(
    seen: Observation, expect: Expect, branch: str, likely: list[str], *, production: bool = False
) -> None:
    assert seen.deployment is not None
    identity = {
        "project": "mok_brand",
        "branch": branch,
        "production": production,
        "project_flow": f"mok_brand.{branch}.{seen.deployment.flow_name}",
    }
    for step in STEPS:
        task = facts.one(seen, expect, step, likely)
        expect.equal(
            f"project identity in '{step}'",
            expected=identity,
            observed={name: facts.own(task, "seen", name) for name in identity},
            likely=likely,
        )


@case("branch-in-every-step", cap=Cap.PROJECT_BRANCH, clauses=("D8", "J3"), scenario=BRANDED)
def in_every_step(seen: Observation, expect: Expect) -> None:
    """A branch given at deploy holds in every step, the first and the last among them."""
    _branch_everywhere(
        seen,
        expect,
        "test.feature_x",
        ["--branch is not among the top-level options of that step's command"],
    )
    facts.ended_well(seen, expect)


@case("branch-on-run", cap=Cap.PROJECT_BRANCH, clauses=("E8", "E9"), scenario=BRANDED)
def on_run(seen: Observation, expect: Expect) -> None:
    """The run is tagged with the project and the branch that its steps run in.

    These tags come from init: without --branch there, the run belongs to user.<worker>.
    """
    assert seen.run is not None
    for tag in ("project:mok_brand", "project_branch:test.feature_x"):
        expect.contains(
            "system tags of the run",
            expected=tag,
            observed=seen.run.system_tags,
            likely=["--branch is not passed to init"],
        )


@case(
    "branch-of-an-address",
    cap=Cap.PROJECT_BRANCH,
    clauses=("J2",),
    scenario=ADDRESSED,
    sees_errors=True,
)
def of_an_address(seen: Observation, expect: Expect) -> None:
    """A user who logs in with an e-mail address deploys a @project flow, and runs it.

    The branch is user.<name> then, with characters that many schedulers do not take in a name.
    """
    likely = ["the deployment's name is not made valid for the scheduler, or not everywhere"]
    way = f"from create() by the user {ADDRESS} to the end of the run"
    facts.no_error(seen, expect, likely, way=way)
    for step in STEPS:
        expect.equal(
            f"branch in '{step}'",
            expected=f"user.{ADDRESS}",
            observed=facts.own(facts.one(seen, expect, step, likely), "seen", "branch"),
            likely=[
                "the tasks run as another user: who deployed is not carried to them, by --branch",
                "the branch is taken from the name that was made valid",
            ],
        )
    facts.ended_well(seen, expect, likely)


@case("edited-after-create", cap=Cap.PROJECT_BRANCH, clauses=("I3", "I4"), scenario=BRANDED)
def edited_after_create(seen: Observation, expect: Expect) -> None:
    """A deployment runs what was deployed, though its flow file was edited since.

    Where the deployer's file is run in place, production changes with the next key that somebody
    presses in an editor, some steps of a run before it and some after.
    """
    expect.equal(
        "what 'start' and 'end' have of the edit",
        expected=[False, False],
        observed=facts.own(facts.one(seen, expect, "end"), "edited"),
        likely=["the tasks run the deployer's own file", "trigger deploys the flow once more"],
    )


@case("branch-in-name", cap=Cap.PROJECT_BRANCH, clauses=("B14", "J1", "J4"), scenario=BRANDED)
def in_name(seen: Observation, expect: Expect) -> None:
    """A deployment's name tells the branch apart; the flow's name stays the class name."""
    assert seen.deployment is not None
    expect.true(
        "name of the deployment",
        seen.deployment.name not in (None, "", seen.deployment.flow_name),
        expected="project, branch and flow, in the scheduler's spelling",
        observed=seen.deployment.name,
        likely=["the name does not come from current.project_flow_name"],
    )
    expect.equal(
        "flow in the pathspec",
        expected=seen.deployment.flow_name,
        observed=(seen.pathspec or "").partition("/")[0],
    )


@case(
    "found-by-name",
    cap=Cap.FROM_DEPLOYMENT,
    clauses=("B10", "B11", "C4"),
    scenario=FOUND,
    sees_errors=True,
)
def found_by_name(seen: Observation, expect: Expect) -> None:
    """A deployment is found by its name alone, dots and all, in another process and directory.

    The name is no class name: taken for one, a dotted name is a syntax error, and the last
    word of it is another flow.
    """
    facts.no_error(
        seen,
        expect,
        [
            "the flow's name is cut out of the identifier instead of read from what was stored",
            "from_deployment() needs the deployer's flow file, which is gone, in place of a stub",
            "the stub flow lacks @project or the parameters",
        ],
        way="from the deployment's name to the end of its run",
    )
    assert seen.deployment is not None
    expect.equal(
        "flow in the pathspec of the triggered run",
        expected=seen.deployment.flow_name,
        observed=(seen.pathspec or "").partition("/")[0],
    )
    facts.ended_well(seen, expect)


@case("found-keeps-branch", cap=Cap.FROM_DEPLOYMENT, clauses=("B11", "B14"), scenario=FOUND)
def found_keeps_branch(seen: Observation, expect: Expect) -> None:
    """A run triggered through from_deployment() is in the branch of the deployment."""
    for step in STEPS:
        branch = facts.own(facts.one(seen, expect, step), "seen", "branch")
        expect.true(
            f"current.branch_name in '{step}'",
            str(branch).endswith(".feature_y"),
            expected="the branch feature_y",
            observed=branch,
            likely=["the raw branch is not stored with the deployment"],
        )


@case("branch-of-production", cap=Cap.PROJECT_BRANCH, clauses=("D8", "J3"), scenario=FOUND)
def of_production(seen: Observation, expect: Expect) -> None:
    """What is deployed with --production runs as production, in its first and in its last step.

    --branch without --production is the branch of a test: the flow reads test data in earnest.
    """
    _branch_everywhere(
        seen,
        expect,
        "prod.feature_y",
        ["--production is not among the top-level options of init and of every step"],
        production=True,
    )


@case(
    "found-without-flow-file",
    cap=Cap.FROM_DEPLOYMENT,
    clauses=("I3", "I4"),
    scenario=FOUND,
    sees_errors=True,
)
def found_without_flow_file(seen: Observation, expect: Expect) -> None:
    """What was deployed runs when its flow file, and all beside it, is gone from the deployer.

    The folder of the flow is removed after create(): a deployment that runs that file in place
    breaks when somebody saves, moves or deletes it, with production on it.
    """
    facts.no_error(seen, expect, ["the tasks run the deployer's own file"])
    expect.equal(
        "whether the folder of the flow was there when the run was triggered",
        expected=False,
        observed=seen.extra.get("flow_folder"),
    )
    for step in STEPS:
        task = facts.one(seen, expect, step, ["the tasks run the deployer's own file"])
        expect.true(
            f"task {step}/{task.id}",
            task.successful,
            expected="successful",
            observed=task.exception or "failed",
            likely=["modules beside the flow file do not travel with it"],
        )


@case(
    "found-without-working-directory",
    cap=Cap.FROM_DEPLOYMENT,
    clauses=("B11", "I4"),
    scenario=FOUND,
    sees_errors=True,
)
def found_without_working_directory(seen: Observation, expect: Expect) -> None:
    """What was deployed runs though the directory that create() was called in is gone.

    A file has its name now, and whoever triggers is in a directory where nothing can be written
    (for root it can). A build deploys from a directory that does not outlive it.
    """
    expect.equal(
        "whether the working directory of create() was there when the run was triggered",
        expected=False,
        observed=seen.extra.get("working_directory"),
    )
    facts.no_error(
        seen, expect, ["the working directory of create() is kept, and gone to when a run starts"]
    )
    facts.ended_well(seen, expect)


@case("found-keeps-parameters", cap=Cap.FROM_DEPLOYMENT, clauses=("B6", "B11"), scenario=FOUND)
def found_keeps_parameters(seen: Observation, expect: Expect) -> None:
    """A found deployment knows its parameters: their types, and names with hyphens."""
    expect.equal(
        "parameters in 'start'",
        expected=VALUES,
        observed=facts.own(facts.one(seen, expect, "start"), "got"),
        likely=["names or types of parameters are not stored with the deployment"],
    )
