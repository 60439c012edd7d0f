"""A process that is killed before or after any call to the outside loses nothing, and does nothing twice."""

import ast
import multiprocessing
import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import Variable
from tests.chaos.file_variables import FileVariables
from tests.chaos.killable import Order, Point, main
from tests.chaos.stories import STORIES, Story, Watch, outcome
from tests.integration.clients import REGION
from tests.integration.model import Model
from tests.integration.world import World
from tests.testing.aws_calls import called, running
from tests.waiting import PATIENCE_SECONDS

from local_aws.rekognition.training import Trainer
from local_aws.server import LocalAws

WHOLE = os.environ.get("CHAOS") == "whole"
# What a loop does every day; the other stories are variations of these.
MAIN_STORIES = {"uploads", "answers", "training"}
READS = ("BatchGet", "Describe", "Detect", "Get", "Head", "List", "Query", "Receive", "Scan")


@dataclass
class Ended:
    """What a process has told until it ended."""

    killed: bool
    done: dict[str, Any] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)


class Crashes:
    """Plays stories in a loop, with processes that are killed."""

    def __init__(self, world: World, model: Model, variables: FileVariables, forks: Any) -> None:
        self.world, self.model, self.variables, self.forks = world, model, variables, forks

    def begin(self, story: Story) -> None:
        self.variables.clear()
        self.world.reset(self.variables)
        self.world.deploy(self.model)
        story.prepare(self.world, self.model)

    def process(self, story: Story, run_id: str, done: dict[str, Any], point: Point | None = None) -> Ended:
        folder = self.variables.folder
        order = Order(story.work, self.world.loop.path, folder, run_id, dict(story.params), dict(done), point)
        receiving, sending = self.forks.Pipe(duplex=False)
        process = self.forks.Process(target=main, args=(order, sending))
        process.start()
        sending.close()
        try:
            return self._follow(receiving, process, done)
        finally:
            process.kill()
            process.join()

    def _follow(self, receiving: Any, process: Any, done: dict[str, Any]) -> Ended:
        ended = Ended(killed=True, done=dict(done))
        while receiving.poll(PATIENCE_SECONDS):
            try:
                kind, told = receiving.recv()
            except EOFError:
                process.join()
                assert not ended.killed or process.exitcode == -9, f"the process ended with {process.exitcode}"
                return ended
            assert kind != "failed", told
            if kind == "done":
                ended.done[told[0]] = told[1]
            else:
                ended.killed, ended.calls = False, told
        raise AssertionError("The process does not end.")

    def finish(self, story: Story, run_id: str, done: dict[str, Any]) -> list[str]:
        """Run until nothing waits any more; return the calls of the first run."""
        calls: list[str] = []
        for _ in range(5):
            ended = self.process(story, run_id, done)
            calls = calls or ended.calls
            done = {}
            if not story.goes_on(self.world):
                break
        return calls

    def play(self, story: Story, point: Point, *, again: str) -> tuple[bool, dict[str, Any]]:
        """Kill a run at a point, and go on as Airflow does, or with a later run; return if it died, and the end."""
        self.begin(story)
        with Watch(self.world, story) as watch:
            first = self.process(story, "run-1", {}, point)
            story.goes_on(self.world)
            run_id, done = ("run-1", first.done) if again == "the task again" else ("run-2", {})
            self.finish(story, run_id, done)
        assert watch.problems == [], f"{point}, then {again}"
        return first.killed, outcome(self.world)


@pytest.fixture(scope="module")
def forks(endpoint: LocalAws) -> Iterator[Any]:
    """Give a server that forks processes which have imported Airflow already, before it has any thread."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.chaos.warm"])
    root = Path(__file__).resolve().parents[2]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(str(root / part) for part in ("", "plugins", "include")))
        for name, value in {
            "AWS_ENDPOINT_URL": endpoint.url,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_DEFAULT_REGION": REGION,
        }.items():
            patch.setenv(name, value)
        context.Process(target=int).start()  # the server starts with it, and keeps its environment
        yield context


@pytest.fixture
def variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FileVariables:
    folder = tmp_path / "variables"
    folder.mkdir()
    kept = FileVariables(folder)
    monkeypatch.setattr(Variable, "get", kept.read)
    monkeypatch.setattr(Variable, "set", kept.write)
    return kept


@pytest.fixture
def crashes(provisioned: World, model: Model, variables: Any, forks: Any, monkeypatch: pytest.MonkeyPatch) -> Crashes:
    monkeypatch.setattr(Trainer, "run", lambda self: model.outcome)
    return Crashes(provisioned, model, variables, forks)


_RECORDED: dict[str, tuple[list[str], dict[str, Any]]] = {}


@pytest.fixture
def recorded(crashes: Crashes) -> Callable[[str], tuple[list[str], dict[str, Any]]]:
    """Give the calls and the end of each story when nothing is killed."""

    def record(name: str) -> tuple[list[str], dict[str, Any]]:
        if name not in _RECORDED:
            crashes.begin(STORIES[name])
            calls = crashes.finish(STORIES[name], "run-1", {})
            _RECORDED[name] = calls, outcome(crashes.world)
        return _RECORDED[name]

    return record


def is_write(operation: str) -> bool:
    return not operation.split(":")[1].startswith(READS)


def points(calls: list[str]) -> list[Point]:
    counts = Counter(calls)
    if WHOLE:
        moments = ("before", "after")
        return [Point(op, nth + 1, when) for op, n in counts.items() for nth in range(n) for when in moments]
    # Of each write one call: the first after it was made, or the last before.
    writes = list(filter(is_write, counts))
    return [Point(op, counts[op], "before") if n % 3 == 1 else Point(op, 1, "after") for n, op in enumerate(writes)]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in MAIN_STORIES else pytest.mark.slow) for name in STORIES]
)
def test_a_process_killed_at_any_call_loses_nothing_and_does_nothing_twice(
    name: str, crashes: Crashes, recorded: Any
) -> None:
    calls, undisturbed = recorded(name)
    for number, point in enumerate(points(calls)):
        ways = ("the task again", "a later run")
        for again in ways if WHOLE else (ways[number % 2],):
            was_killed, end = crashes.play(STORIES[name], point, again=again)
            assert end == undisturbed, f"{point}, then {again}"
            assert was_killed or not is_write(point.operation), f"{point} is never reached"


_ELSEWHERE = {
    "ssm:GetParameterHistory",  # asked for by the console alone
    # Of a project with datasets: test_project_datasets repeats each step of making them.
    *(f"rekognition:{name}" for name in ("CreateDataset", "DeleteDataset", "ListDatasetEntries")),
    "s3:HeadObject",
    "s3:DeleteObject",  # of a correction: test_corrections cuts it off at each call
}


@pytest.mark.slow
def test_every_operation_that_the_code_calls_is_in_a_story(recorded: Any) -> None:
    in_stories = {operation for name in STORIES for operation in recorded(name)[0]}
    in_code: set[str] = set()
    for path in running():
        if "console" not in path.parts:
            in_code |= set(called(ast.parse(path.read_text())))
    assert in_code - in_stories == _ELSEWHERE
