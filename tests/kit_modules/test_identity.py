"""Names of deployments, runs and tasks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from in_place import identity
from in_place.identity import MAX_NAME, deployment_name, sanitise

names = st.text(min_size=1, max_size=200) | st.text("ab/.-é ", min_size=1, max_size=6)
thorough = settings(max_examples=300, deadline=None)


@thorough
@given(names)
def test_a_name_becomes_one_that_schedulers_take(name: str) -> None:
    safe = sanitise(name)

    assert re.fullmatch(r"[A-Za-z0-9_.@+-]+", safe)
    assert len(safe) <= MAX_NAME
    assert sanitise(safe) == safe


@thorough
@given(names, names)
def test_two_names_never_become_one(one: str, other: str) -> None:
    assert (sanitise(one) == sanitise(other)) is (one == other)


@thorough
@given(st.text("abcXYZ019_.@+-", min_size=1, max_size=MAX_NAME))
def test_a_name_that_fits_stays_as_it_is(name: str) -> None:
    assert sanitise(name) == name


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("team/flow", "team:flow"),
        ("flow ", "flow-"),
        ("é", "è"),
        ("x" * 120 + "a", "x" * 120 + "b"),
        ("\ud800", "\udfff"),  # a shell hands over bytes that are no text like this
    ],
)
def test_names_that_differ_only_in_what_is_replaced_stay_apart(one: str, other: str) -> None:
    assert sanitise(one) != sanitise(other)


def test_a_deployment_is_called_like_its_flow_unless_it_is_given_a_name() -> None:
    assert deployment_name("MyFlow") == identity.DeploymentName("MyFlow", "myflow", False, False)
    assert deployment_name("MyFlow", given="team/x").name.startswith("team-x-")
    assert deployment_name("MyFlow", given="team/x").modified


@pytest.mark.parametrize(
    ("branch", "kept"),
    [
        ("user.ada@example.com", True),
        ("test.a_branch", True),
        ("prod", True),
        ("prod.team+x", True),
        ("user.ada lovelace", False),
    ],
)
def test_a_project_names_its_deployments_by_branch_also_for_users_with_e_mail_names(
    branch: str, kept: bool
) -> None:
    qualified = f"proj.{branch}.MyFlow"

    named = deployment_name("MyFlow", project="proj", branch=branch, project_flow_name=qualified)

    assert named.is_project
    assert (named.name == qualified) is kept is not named.modified


def test_all_flows_of_a_project_branch_share_one_token_and_branches_do_not() -> None:
    def prefix(flow: str, branch: str) -> str:
        return deployment_name(
            flow, project="p", branch=branch, project_flow_name=f"p.{branch}.{flow}"
        ).token_prefix

    assert prefix("A", "prod") == prefix("B", "prod")
    assert prefix("A", "prod") != prefix("A", "test.x")


def test_a_name_beside_a_project_is_refused() -> None:
    with pytest.raises(ValueError, match=r"--name mine is not supported.*use --branch"):
        deployment_name("F", given="mine", project="p", branch="prod", project_flow_name="p.prod.F")


def test_run_ids_are_fresh_and_no_integers_and_fit_into_a_pathspec() -> None:
    ids = {identity.new_run_id("my-scheduler") for _ in range(1000)}

    assert len(ids) == 1000
    for run_id in ids:
        assert identity.check_run_id("my-scheduler", run_id) == run_id
        assert re.fullmatch(r"my-scheduler-[0-9a-f]{16}", run_id)


@pytest.mark.parametrize(
    "run_id",
    [
        *("", "123", "my-scheduler", "my-scheduler-", "other-0123", "xmy-scheduler-01"),
        *("my-scheduler-a/b", "my-scheduler-a,b", "my-scheduler-a:b", "my-scheduler-a b"),
        *("my-scheduler-a\n", "../my-scheduler-a", "my-scheduler-!a"),
    ],
)
def test_a_run_id_of_another_form_is_refused_by_name(run_id: str) -> None:
    with pytest.raises(ValueError, match="look like my-scheduler-0123456789abcdef") as error:
        identity.check_run_id("my-scheduler", run_id)

    assert f"'{run_id}'" in str(error.value)


indices = st.lists(st.integers(0, 12), max_size=3).map(tuple)
step_names = st.from_regex(r"[a-z_][a-z_0-9]{0,3}", fullmatch=True)
places = st.tuples(step_names, indices, st.none() | st.integers(0, 12))


@thorough
@given(places, places)
def test_tasks_of_different_places_have_different_ids(
    one: tuple[str, tuple[int, ...], int | None], other: tuple[str, tuple[int, ...], int | None]
) -> None:
    assert (identity.task_id(*one) == identity.task_id(*other)) is (one == other)
    assert identity.task_id(*one) != identity.parameters_task_id(other[0])


@thorough
@given(places, step_names)
def test_an_id_tells_whose_task_it_is(
    place: tuple[str, tuple[int, ...], int | None], step: str
) -> None:
    identifier = identity.task_id(*place)

    assert identity.is_task_of(identifier, place[0])
    assert identity.is_task_of(f"{identifier}_node_1", place[0]) or not place[1]
    assert identity.is_task_of(identifier, step) is (step == place[0])


ADA = identity.Ownership("ada", "flow-0-abcd")
NAME = deployment_name("Flow")
PROJECT = deployment_name("Flow", project="p", branch="prod", project_flow_name="p.prod.Flow")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where Metaflow keeps the tokens that a user knows."""
    monkeypatch.setenv("METAFLOW_HOME", str(tmp_path))
    return tmp_path


def test_the_first_to_deploy_owns_a_deployment_and_keeps_its_token(cache: Path) -> None:
    first = identity.claim(NAME, "ada", None)

    assert first.owner == "ada"
    assert first.token
    assert identity.claim(NAME, "ada", first) == first


@pytest.mark.parametrize("token", ["flow-0-abcd", "production:flow-0-abcd"])
def test_others_get_in_with_the_token_and_know_it_from_then_on(cache: Path, token: str) -> None:
    with pytest.raises(PermissionError, match=r"belongs to ada.*--authorize"):
        identity.claim(NAME, "bob", ADA)
    with pytest.raises(PermissionError):
        identity.claim(NAME, "bob", ADA, authorize="flow-0-wrong")

    assert identity.claim(NAME, "bob", ADA, authorize=token) == identity.Ownership("bob", ADA.token)
    assert identity.claim(NAME, "bob", ADA) == identity.Ownership("bob", ADA.token)


def test_a_token_can_be_renewed_or_chosen_but_not_chosen_for_a_project(cache: Path) -> None:
    first = identity.claim(NAME, "ada", None)
    renewed = identity.claim(NAME, "ada", first, generate_new_token=True)
    assert renewed.token not in ("", first.token)

    chosen = identity.claim(NAME, "ada", ADA, given_token="production:mine")
    assert chosen.token == "mine"

    with pytest.raises(ValueError, match=r"--new-token is not supported.*--generate-new-token"):
        identity.claim(PROJECT, "ada", ADA, given_token="mine")


def test_tokens_work_where_nothing_can_be_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("METAFLOW_HOME", str(tmp_path / "file" / "home"))

    assert identity.claim(NAME, "ada", None).token
    assert identity.claim(NAME, "bob", ADA, authorize=ADA.token).token == ADA.token
