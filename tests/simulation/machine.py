"""The histories: a state machine whose one rule takes a step that is drawn, common ones more often than rare ones.

With a rule for each step hypothesis would leave out half of the rules in each history, and with them most of the ways
through a loop, which lead from an upload to a deployment over many steps.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from hypothesis.strategies import SearchStrategy
from tests.simulation import model_steps, review_steps, steps
from tests.simulation.events import Way
from tests.simulation.gate import Disturbance, Kind
from tests.simulation.history import History
from tests.simulation.steps import Step
from tests.simulation.world import LABELS

_VALUES = {
    "Minimum-Label-Detection-Confidence": ["70.0", "30", "95.5", "high"],
    "Enable-A2I-Workflow": ["true", "false", "maybe"],
    "Human-Sampling-Interval": ["1", "2", "3", "0"],
    "Enable-Automatic-Human-Sampling": ["true", "false"],
    "Review-Answers-Per-Image": ["1", "2"],
}
_MODEL_VALUES = {
    "Enable-Automatic-Training": ["true", "false"],
    "Idle-Model-Stop-Minutes": ["30", "60", "0"],
    "Minimum-Untrained-Images": ["2", "5", "many"],
    "Minimum-F1-Score": ["0.8", "0.5", "2"],
    "Approve-Deployments": ["never", "when undecided", "always", "sometimes"],
}
_DAILY_TASKS = ("detect", "review", "sample", "sync", "collect")

_numbers = st.integers(0, 11)
_labels = st.sampled_from(LABELS)
_answers = st.sampled_from([*LABELS, "None of the Above"])
_disturbance = st.one_of(
    st.builds(Disturbance, st.integers(1, 14), st.sampled_from(Kind), st.just(True)),
    st.builds(Disturbance, st.integers(1, 45), st.sampled_from(Kind)),
)
_disturbed: SearchStrategy[Any] = st.one_of(st.just(()), st.tuples(_disturbance), st.tuples(_disturbance, _disturbance))
_turns = st.one_of(st.just((1,)), st.lists(st.integers(1, 15), min_size=1, max_size=6).map(tuple))
_delays = st.lists(st.sampled_from([0.0, 0.0, 3.0, 90.0, 400.0, 4000.0]), max_size=3).map(tuple)
_twice = Way((0.0, 0.0))
_ways = st.one_of(
    st.just(Way()),
    st.just(Way()),
    st.just(_twice),
    st.builds(Way, _delays, st.sampled_from(["s3", "sns", "eventbridge"])),
)


def _tasks(*names: str) -> SearchStrategy[str]:
    return st.sampled_from(names)


def _pairs(firsts: Sequence[str], seconds: Sequence[str]) -> list[tuple[str, str]]:
    return list(product(firsts, seconds))


def _two(pairs: Sequence[tuple[str, str]]) -> SearchStrategy[Step]:
    return st.builds(steps.RunTwo, st.sampled_from(pairs), _turns, _disturbed)


def _two_with_models() -> list[tuple[str, str]]:
    """Return tasks that may run at once."""
    pairs = _pairs(["detect", "train", "stop", "sync"], ["train", "sync"])
    return [*pairs, ("detect", "detect"), ("detect", "stop"), ("stop", "stop")]


_upload = st.builds(steps.Upload, _labels, st.sampled_from([20.0, 69.0, 71.0]), _ways, st.sampled_from([1, 2, 12]))


def _edits(values: Mapping[str, Sequence[str]]) -> SearchStrategy[Step]:
    kinds = (steps.EditStore, steps.EditVariable)
    return st.sampled_from([kind(name, text) for name in values for text in values[name] for kind in kinds])


_DAILY: Mapping[SearchStrategy[Any], int] = {
    st.builds(steps.Run, _tasks("detect", "detect", "review"), _disturbed): 12,
    st.builds(steps.Run, _tasks("sample", "sync", "collect"), _disturbed): 5,
    _upload: 6,
    st.builds(review_steps.Answer, _numbers, _answers, _ways, st.integers(1, 4)): 6,
    st.builds(review_steps.AnswerAtDesk, st.sampled_from(["ann", "ben"]), _answers, st.integers(1, 3), _disturbed): 6,
    st.builds(steps.Wait, st.sampled_from([12.0, 1.0, 200.0, 700.0, 4000.0])): 5,
    _two(_pairs(_DAILY_TASKS, _DAILY_TASKS)): 3,
    _two([("detect", "detect"), ("review", "review")]): 3,
    _edits(_VALUES): 3,
    st.builds(review_steps.UndoAtDesk, _disturbed): 1,
    st.builds(steps.ReadLate, st.just(60.0)): 1,
    st.builds(review_steps.Expire, _numbers): 1,
    st.builds(steps.UploadNoImage, _ways): 1,
    st.builds(steps.RemoveUpload, _numbers): 1,
    st.builds(steps.Archive, _numbers): 1,
}
_MODELS: Mapping[SearchStrategy[Any], int] = {
    st.builds(model_steps.Train, st.sampled_from([20, 20, 1, 2, 3]), _disturbed, st.booleans()): 12,
    st.builds(steps.Wait, st.sampled_from([700.0, 700.0, 4000.0, 4000.0, 150.0])): 10,
    st.builds(steps.Run, _tasks("detect", "detect", "detect", "sync"), _disturbed): 7,
    st.builds(model_steps.Stop, _disturbed): 1,
    st.builds(model_steps.Trigger, st.booleans(), st.sampled_from([0.9, 0.9, 0.6, None])): 4,
    st.builds(model_steps.LabelImages, _labels, st.integers(1, 3)): 3,
    st.builds(model_steps.Deploy, _numbers): 3,
    st.builds(model_steps.AnswerQuestion, st.sampled_from(["deploy", "hold"]), _disturbed): 3,
    _upload: 3,
    _two(_two_with_models()): 4,
    _edits(_MODEL_VALUES): 3,
    st.builds(model_steps.ForgetRun): 1,
    st.builds(model_steps.LetStartFail): 1,
    st.builds(model_steps.StopInAws, _numbers): 1,
    st.builds(model_steps.StartInAws, _numbers): 1,
    st.builds(model_steps.ArchiveLabelled, _numbers): 1,
    st.builds(model_steps.CopyOntoThemselves): 1,
    st.builds(model_steps.LabelOne): 1,
}


def _weighted(kinds: Mapping[SearchStrategy[Any], int]) -> SearchStrategy[Any]:
    return st.sampled_from([kind for kind, weight in kinds.items() for _ in range(weight)]).flatmap(lambda kind: kind)


class Histories(RuleBasedStateMachine):
    """What all histories share; ``begun`` is told of each."""

    begun: Callable[[History], None] = print
    history: History | None = None
    is_broken = False

    def begin(self, history: History) -> None:
        self.history = history
        type(self).begun(history)

    def do(self, step: Step) -> None:
        """Take a step; a history that is broken is not let settle, which would only hide why."""
        assert self.history
        self.is_broken = True
        self.history.do(step)
        self.is_broken = False

    def teardown(self) -> None:
        if self.history and not self.is_broken:
            self.history.settle()


class DailyWork(Histories):
    """Uploads, reviews, samples and parameters."""

    @initialize(
        backend=st.sampled_from(["a2i", "airflow"]),
        serves=st.sampled_from([True] * 7 + [False]),
        at_a_receive=st.sampled_from([10, 2, 1]),
    )
    def begin_daily_work(self, backend: str, serves: bool, at_a_receive: int) -> None:
        self.begin(History(backend=backend, serves=serves, at_a_receive=at_a_receive))

    @rule(step=_weighted(_DAILY))
    def step(self, step: Step) -> None:
        self.do(step)


class Models(Histories):
    """Trainings, deployments, idle stops, and people who start and stop models."""

    @initialize(
        serves=st.sampled_from([True, True, False]),
        most_running=st.sampled_from([2, 4]),
        idle_minutes=st.sampled_from(["0", "30"]),
    )
    def begin_with_models(self, serves: bool, most_running: int, idle_minutes: str) -> None:
        parameters = {"Idle-Model-Stop-Minutes": idle_minutes}
        self.begin(History(parameters=parameters, serves=serves, most_running=most_running))

    @rule(step=_weighted(_MODELS))
    def step(self, step: Step) -> None:
        self.do(step)
