"""The commands of one attempt: the words themselves, and that Metaflow knows every one of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from in_place.command import (
    Site,
    dump_command,
    environment,
    hook_command,
    init_command,
    input_paths,
    needs_input_paths_file,
    step_command,
)
from in_place.plan import Code, Identity, Parameter, Plan, RunRequest, Step
from in_place.walk import Launch, TaskRef

TOP = (
    *("--quiet", "--no-pylint", "--metadata", "local", "--environment", "local"),
    *("--datastore", "local", "--datastore-root", "/data/.metaflow"),
    *("--event-logger", "nullSidecarLogger", "--monitor", "nullSidecarMonitor"),
    *("--branch", "test.x"),
)
PLAN = Plan(
    identity=Identity("name", "Flow", "ada", "token"),
    start_step="start",
    end_step="end",
    steps={
        "start": Step("start", "start", ("work",)),
        "work": Step(
            *("work", "linear", ("end",)),
            attempts=4,
            user_retries=3,
            environment={"MINE": "1", "METAFLOW_USER": "mallory"},
            decospecs=("card:id=a",),
        ),
        "end": Step("end", "end"),
    },
    options=(("--quiet",), ("--no-pylint",), *zip(TOP[2::2], TOP[3::2], strict=True)),
    environment={"METAFLOW_USER": "ada", "METAFLOW_OWNER": "ada"},
    parameters=(Parameter("alpha", "alpha", default="1"), Parameter("my-p", "my_p")),
    tags=("one", "two"),
    namespace="production:x",
    code=Code("flow.py"),
)
SITE = Site("/venv/bin/python", Path("/code"))
RUN = RunRequest("r-1", {"my-p": "--tricky 'value'\n"})
HEAD = ("/venv/bin/python", "/code/flow.py", *TOP)
TAGS = ("--tag", "one", "--tag", "two")


def step(launch: Launch, plan: Plan = PLAN, run: RunRequest = RUN, **more: Any) -> tuple[str, ...]:
    return step_command(plan, run, launch, SITE, internal_decorator="sched_internal", **more)


def expected(launch: Launch, *position: str, specs: tuple[str, ...] = ()) -> tuple[str, ...]:
    """`S` of the table of command templates, with an input and what a construct adds."""
    inputs = ",".join(f"r-1/{ref.step}/{ref.task_id}" for ref in launch.inputs)
    retries = str(PLAN.steps[launch.step].user_retries)
    return (
        *(*HEAD, *specs, "--with=sched_internal"),
        *("step", launch.step, "--run-id", "r-1", "--task-id", launch.task_id),
        *("--input-paths", inputs),
        *("--retry-count", str(launch.attempt), "--max-user-code-retries", retries),
        *position,
        *(*TAGS, "--namespace", "production:x"),
    )


def test_a_run_starts_with_init_which_gets_every_parameter_and_tag() -> None:
    launch = Launch("_parameters", "t-start-params")

    assert init_command(PLAN, RUN, launch, SITE) == (
        *(*HEAD, "init", "--run-id", "r-1", "--task-id", "t-start-params", *TAGS),
        *("--alpha=1", "--my-p=--tricky 'value'\n"),
    )


def test_whether_init_was_done_is_asked_with_dump() -> None:
    launch = Launch("_parameters", "t-start-params")

    assert dump_command(PLAN, RUN, launch, SITE) == (
        *(*HEAD, "dump", "--max-value-size=0", "r-1/_parameters/t-start-params"),
    )


def test_the_entry_step_takes_the_parameters_as_input() -> None:
    launch = Launch("start", "t-start", inputs=(TaskRef("_parameters", "t-start-params"),))

    assert step(launch) == expected(launch)


def test_a_step_takes_its_parent_and_says_which_attempt_of_how_many_it_is() -> None:
    launch = Launch("work", "t-work", attempt=2, inputs=(TaskRef("start", "t-start"),))

    assert step(launch) == expected(launch, specs=("--with=card:id=a",))
    assert {"--retry-count", "2", "--max-user-code-retries", "3"} < set(step(launch))


def test_the_child_of_a_foreach_gets_its_index_even_when_it_is_zero() -> None:
    launch = Launch("end", "t-x-0", inputs=(TaskRef("f", "t-f"),), index=(0,), split_index=0)

    assert step(launch) == expected(launch, "--split-index", "0")


def test_deeper_in_the_body_there_is_no_index() -> None:
    launch = Launch("end", "t-x-0", inputs=(TaskRef("f", "t-f-0"),), index=(0,))

    assert step(launch) == expected(launch)


def test_a_join_takes_one_input_per_arm_in_order() -> None:
    refs = (TaskRef("b", "t-b"), TaskRef("a", "t-a"))
    launch = Launch("end", "t-join", inputs=refs)

    assert step(launch) == expected(launch)
    assert "r-1/b/t-b,r-1/a/t-a" in step(launch)


def test_a_turn_of_a_recursion_takes_the_turn_before() -> None:
    launch = Launch("end", "t-x-1-r1", inputs=(TaskRef("end", "t-x-1-r0"),), split_index=1)

    assert step(launch) == expected(launch, "--split-index", "1")


def test_a_gang_starts_with_its_control_task() -> None:
    launch = Launch("end", "t-g-0", inputs=(TaskRef("g", "t-g"),), split_index=0, parallel=True)

    assert step(launch) == expected(launch, "--split-index", "0", "--ubf-context", "ubf_control")


def test_in_a_resumed_run_a_task_is_cloned_or_knows_its_origin() -> None:
    run = replace(RUN, origin_run_id="r-0")
    launch = Launch("start", "t-start", inputs=(TaskRef("_parameters", "p"),))
    cloned = replace(launch, clone_of="t-old")

    assert step(launch, run=run) == (*expected(launch), "--clone-run-id", "r-0")
    assert step(cloned, run=run) == (
        *(*expected(launch), "--clone-run-id", "r-0", "--clone-only", "r-0/start/t-old"),
    )


def test_nothing_is_said_of_namespace_and_tags_that_were_not_given() -> None:
    bare = replace(PLAN, namespace=None, tags=())
    words = step(Launch("start", "t-start", inputs=(TaskRef("p", "p"),)), bare)

    assert not {"--namespace", "--tag"} & set(words)


def test_configs_come_from_a_file_in_every_command() -> None:
    site = replace(SITE, config_file=Path("/config.json"))
    init = Launch("_parameters", "p")
    start = Launch("start", "t-start", inputs=(TaskRef("_parameters", "p"),))

    for words, command in (
        (init_command(PLAN, RUN, init, site), "init"),
        (dump_command(PLAN, RUN, init, site), "dump"),
        (step_command(PLAN, RUN, start, site, internal_decorator="x"), "step"),
    ):
        left = words[: words.index(command)]
        assert left[left.index("--local-config-file") + 1] == "/config.json"


def test_a_list_of_inputs_too_long_for_a_command_line_goes_through_a_file() -> None:
    few = Launch("end", "t-join", inputs=(TaskRef("b", "t-b"),) * 50)
    many = Launch("end", "t-join", inputs=tuple(TaskRef("b", f"t-b-{n}") for n in range(5000)))

    assert not needs_input_paths_file(RUN, few)
    assert needs_input_paths_file(RUN, many)
    words = step(many, input_paths_file=Path("/inputs"))
    assert "--input-paths" not in words
    assert words[words.index("--input-paths-filename") + 1] == "/inputs"
    assert input_paths(RUN, many.inputs).startswith("r-1/b/t-b-0,r-1/b/t-b-1,")


def test_metaflow_reads_the_inputs_back_as_they_were_meant() -> None:
    from metaflow.util import decompress_list

    refs = tuple(TaskRef("body", f"t-body-{n}") for n in range(100))

    assert decompress_list(input_paths(RUN, refs)) == [f"r-1/body/t-body-{n}" for n in range(100)]


def test_an_exit_hook_gets_the_run_by_its_pathspec() -> None:
    assert hook_command(PLAN, RUN, "notify", SITE) == (
        *("/venv/bin/python", "-m", "metaflow.plugins.exit_hook.exit_hook_script"),
        *("/code/flow.py", "notify", "Flow/r-1"),
    )


def surroundings(worker: dict[str, str], step_name: str = "work") -> dict[str, str]:
    launch = Launch(step_name, f"t-{step_name}", attempt=1)
    return environment(PLAN, RUN, launch, worker, handout=Path("/h"), facts={"b": "2", "a": "1"})


def test_settings_of_the_worker_do_not_reach_a_task_but_its_access_to_services_does() -> None:
    seen = surroundings(
        {
            "PATH": "/bin",
            "METAFLOW_DEFAULT_DATASTORE": "s3",
            "METAFLOW_INIT_ALPHA": "9",
            "METAFLOW_SERVICE_AUTH_KEY": "key",
            "METAFLOW_PROFILE": "team",
        }
    )

    assert seen["PATH"] == "/bin"
    assert (seen["METAFLOW_SERVICE_AUTH_KEY"], seen["METAFLOW_PROFILE"]) == ("key", "team")
    assert not {"METAFLOW_DEFAULT_DATASTORE", "METAFLOW_INIT_ALPHA"} & set(seen)


def test_a_step_has_its_own_variables_but_they_do_not_change_who_runs_it() -> None:
    seen = surroundings({"MINE": "worker"})

    assert (seen["MINE"], seen["METAFLOW_USER"]) == ("1", "ada")
    assert surroundings({"MINE": "worker"}, "end")["MINE"] == "worker"


def test_every_attempt_says_which_one_it_is_and_where_to_hand_out() -> None:
    seen = surroundings({})

    assert seen["METAFLOW_RUN_ID"] == "r-1"
    assert (seen["METAFLOW_STEP_NAME"], seen["METAFLOW_TASK_ID"]) == ("work", "t-work")
    assert seen["METAFLOW_RETRY_COUNT"] == "1"
    assert seen["MF_ORCHESTRATOR_HANDOUT"] == "/h"
    assert json.loads(seen["MF_ORCHESTRATOR_FACTS"]) == {"a": "1", "b": "2"}


def commands() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every kind of command, with all options that there are."""
    site = replace(SITE, config_file=Path("/config.json"))
    plan = replace(
        PLAN, options=tuple(option for option in PLAN.options if "--branch" not in option)
    )
    run = RunRequest("r-1", {}, origin_run_id="r-0")
    bare = replace(plan, parameters=())
    init = Launch("_parameters", "p")
    launch = Launch(
        *("work", "t-work"),
        inputs=(TaskRef("start", "t-start"),),
        split_index=0,
        parallel=True,
        clone_of="t-old",
    )
    yield "init", init_command(bare, run, init, site)
    yield "dump", dump_command(bare, run, init, site)
    for file in (None, Path("/inputs")):
        words = step_command(plan, run, launch, site, internal_decorator="x", input_paths_file=file)
        yield "step", words


@pytest.mark.parametrize(("name", "words"), [*commands()])
def test_the_installed_metaflow_knows_every_option_at_its_place(
    name: str, words: tuple[str, ...]
) -> None:
    from metaflow import cli

    place = words.index(name)
    known = {None: options_of(cli.start), name: options_of(cli.cli.get_command(None, name))}
    for command, part in ((None, words[2:place]), (name, words[place + 1 :])):
        flags = {word.partition("=")[0] for word in part if word.startswith("--")}
        assert flags
        assert flags <= known[command], f"unknown to {command or 'the top level'}"


def options_of(command: Any) -> set[str]:
    return {
        option
        for parameter in command.params
        for option in (*parameter.opts, *parameter.secondary_opts)
    }
