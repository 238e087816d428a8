"""What `create` refuses of real flows, and that it has stored nothing by then."""

from __future__ import annotations

from pathlib import Path

import pytest
from scaffolded import FLOWS, TYPE, Bench, make_bench

from metaflow_orchestrator_kit import OPTIONAL

pytestmark = pytest.mark.slow


def refused(bench: Bench, source: str, *top: str) -> str:
    """What `create` says about a flow, after it has stored nothing."""
    before = {path for folder in (bench.home, bench.datastore) for path in contents(folder)}
    done = bench.run(bench.flow(source), *top, TYPE, "create")
    said = done.stdout + done.stderr
    assert done.returncode == 1, said
    assert "Traceback" not in said
    assert {path for folder in (bench.home, bench.datastore) for path in contents(folder)} == before
    return said


def contents(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*")) if folder.exists() else []


DECORATED = """
from metaflow import {imports}, FlowSpec, step

{flow_decorator}
class Decorated(FlowSpec):
    {step_decorator}
    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    Decorated()
"""


@pytest.fixture(scope="module")
def modest(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """An extension whose author declares nothing that is optional."""
    bench = make_bench(tmp_path_factory.mktemp("modest"))
    (deployer,) = bench.project.rglob("my_scheduler_deployer.py")
    lines = deployer.read_text().splitlines(keepends=True)
    optional = {f'"{cap.name}",' for cap in OPTIONAL}
    kept = [line for line in lines if line.strip() not in optional]
    assert len(kept) < len(lines)
    deployer.write_text("".join(kept))
    return bench


@pytest.mark.parametrize(
    ("decorator", "on_flow"),
    [
        ("@schedule(daily=True)", True),
        ("@trigger(event='x')", True),
        ("@trigger_on_finish(flow='Other')", True),
        ("@exit_hook(on_success=[print])", True),
        ("@conda(packages={'x': '1'})", False),
    ],
)
def test_what_the_scheduler_cannot_do_is_refused_before_anything_is_stored(
    modest: Bench, decorator: str, on_flow: bool
) -> None:
    name = decorator.partition("(")[0]
    source = DECORATED.format(
        imports=name[1:],
        flow_decorator=decorator if on_flow else "",
        step_decorator="" if on_flow else decorator,
    )

    environment = ("--environment", "conda") if name == "@conda" else ()

    said = refused(modest, source, *environment)

    assert "not supported" in said
    assert name in said


def test_an_environment_in_which_no_step_would_run_is_refused(modest: Bench) -> None:
    source = DECORATED.format(imports="card", flow_decorator="", step_decorator="")

    said = refused(modest, source, "--environment", "uv")

    assert "--environment=uv is not supported" in said


def test_shapes_that_the_scheduler_cannot_do_are_refused_with_the_step(modest: Bench) -> None:
    source = (FLOWS / "everything.py").read_text()

    said = refused(modest, source)

    assert "A nested foreach (step outer) is not supported by" in said


TWICE = """
from metaflow import FlowSpec, Parameter, step

class Twice(FlowSpec):
    a = Parameter("my-name", default="1")
    b = Parameter("MY_NAME", default="2")

    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    Twice()
"""


def test_two_parameters_that_trigger_could_not_tell_apart_are_refused(bench: Bench) -> None:
    assert "Parameters my-name and MY_NAME are not supported" in refused(bench, TWICE)


GANG = """
from metaflow import {name}, FlowSpec, parallel, step

class Gang(FlowSpec):
    @step
    def start(self):
        self.next(self.work, num_parallel=2)

    {decorator}
    @parallel
    @step
    def work(self):
        self.next(self.join)

    @step
    def join(self, inputs):
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    Gang()
"""


@pytest.mark.parametrize(
    ("environment", "decorator"),
    [
        ("conda", "@conda(packages={'six': '1.17.0'})"),
        ("pypi", "@pypi(packages={'six': '1.17.0'})"),
        ("uv", ""),
    ],
)
def test_a_gang_with_an_interpreter_of_its_own_is_refused_whatever_is_declared(
    bench: Bench, environment: str, decorator: str
) -> None:
    name = environment if decorator else "card"
    source = GANG.format(name=name, decorator=decorator)

    said = refused(bench, source, "--environment", environment)

    what = f"@parallel with --environment={environment} (step work)"
    assert f"{what} is not supported by" in " ".join(said.split())


@pytest.mark.parametrize("disabled", [True, False])
def test_a_gang_whose_step_has_the_workers_interpreter_is_compiled(
    bench: Bench, disabled: bool
) -> None:
    decorator = "@pypi(disabled=True)" if disabled else ""
    flow = bench.flow(GANG.format(name="pypi" if disabled else "card", decorator=decorator))

    plan = bench.compiled(flow, *(("--environment", "pypi") if disabled else ()))

    assert plan["steps"]["start"]["parallel_foreach"] is True
