"""Evaluation: whether a trained version is deployed."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain
from typing import Literal

from label_loop.context import LoopContext
from label_loop.domain import training
from label_loop.domain.approval import deadline, needs_person
from label_loop.domain.comparison import Comparison, Floor, Verdict, compare, judge, without_a_person
from label_loop.domain.evaluated_images import EvaluatedImage, seen
from label_loop.domain.model_version import THE_LOOP
from label_loop.domain.roles import follows_production
from label_loop.loop_state import LoopState
from label_loop.model_project import ModelProject, manifest_key
from label_loop.parameters import ApproveDeployments
from label_loop.payloads import ApprovalQuestion, LabelledImage, ProjectVersion
from label_loop.workflows.evaluation_snapshot import EvaluationSnapshots
from label_loop.workflows.model_versions import ModelVersions
from label_loop.workflows.training_set import TrainingSet


class EvaluationWorkflow(ModelProject):
    """The judgement of a version whose training has ended. Each step is idempotent."""

    def __init__(self, context: LoopContext) -> None:
        super().__init__(context)
        self._snapshots = EvaluationSnapshots(context)

    def accepts(self, version_name: str) -> bool:
        """Return whether a trained version is to be deployed at once; record and announce the verdict.

        Its F1 score must reach the minimum. With a test set of the loop's own, it must also hold against the serving
        version on the same images; a loop that was adopted decides by the score alone, as before, until there are
        enough of them. If a person is to decide, the question is recorded. What was approved is not judged
        again.
        """
        attempt = self.attempt
        if attempt and attempt.version_name == version_name and attempt.outcome == training.APPROVED:
            return True
        version = self.version(version_name)
        judged = self._judge(version)
        settings, now = self.context.settings, datetime.now(UTC)
        outcome = judged.outcome(settings.approve_deployments)

        def decided(state: LoopState) -> LoopState:
            state = _with_outcome(state, version_name, outcome, judged.verdict.reason)
            # The first to be compared with was the best so far: a slightly worse one must not make that forgotten.
            state = replace(state, best_version_arn=state.best_version_arn or judged.champion_arn)
            if outcome == training.ASKED:
                until = deadline(state.open_question, now, settings)
                return replace(state, approval_question=judged.question(version_name, until))
            if outcome == training.ACCEPTED:
                best = version.arn if judged.is_best else state.best_version_arn
                return replace(state, best_version_arn=best, approval_question=None)
            return state

        ModelVersions(self.context).judged(
            version, judged.champion_name, judged.comparison, outcome, judged.verdict.reason
        )
        self.context.store.refresh()
        self.context.store.change_state(decided)
        self.announce_version(version_name, f"{outcome}: {judged.verdict.reason}", f1=version.f1_score)
        return outcome == training.ACCEPTED

    def record_failure(self, version_name: str) -> str:
        """Record that a training failed; return a message with the status and reason from Rekognition."""
        version = self.version(version_name)
        outcome = f"{version.status}: {version.status_message}"
        self.context.store.refresh()
        self.context.store.change_state(lambda state: _with_outcome(state, version_name, outcome))
        ModelVersions(self.context).decided(version_name, outcome, THE_LOOP)
        message = version.status_message.rstrip(".") or "no reason given"
        return f"Version {version_name} is {version.status}: {message}."

    def _judge(self, version: ProjectVersion) -> "_Judgement":
        settings = self.context.settings
        state, versions = self.context.store.refresh(), {one.arn: one for one in self.versions()}
        champion, best_before = versions.get(state.endpoint_arn or ""), versions.get(state.best_version_arn or "")
        if champion and champion.arn == version.arn:
            champion = None
        tested = list(self._snapshots.images(version)) if self._has_test_set(version) else []
        if champion is None or not self._has_test_set(version):
            return _by_score(Floor.of(version, tested, settings), champion)
        comparison, unbiased = self._compared(tested, version, champion)
        if state.is_adopted and comparison.pairs < settings.minimum_test_images:
            note = f"; as before the adoption, it decides alone: {comparison}"
            return _by_score(Floor.of(version, [], settings), champion, note)
        floor, best = Floor.of(version, tested, settings), None
        if not floor.is_reached:
            return _by_score(floor, champion)
        if best_before and best_before.arn not in (champion.arn, version.arn):
            best, _ = self._compared(tested, version, best_before)
        verdict = judge(comparison, best, settings, unbiased)
        is_best = comparison.gained >= comparison.lost and (best is None or best.gained > best.lost)
        otherwise = without_a_person(verdict, comparison, best).action
        verdict = replace(verdict, reason=f"{floor}; {verdict.reason}")
        return _Judgement(verdict, otherwise, champion, is_best, comparison)

    def _has_test_set(self, version: ProjectVersion) -> bool:
        """Return whether a version was tested with the loop's own images.

        If not, Rekognition tests each version with other images, and two scores say nothing about each other.
        """
        attempt = self.attempt
        return bool(attempt and attempt.version_name == version.name and attempt.test_manifest_key)

    def _compared(
        self, tested: Sequence[EvaluatedImage], version: ProjectVersion, other: ProjectVersion
    ) -> tuple[Comparison, Comparison]:
        """Compare a version, by what it said of its test images, with another one on images that neither has seen.

        The second comparison is on the human samples among them.
        """
        of_other = list(self._snapshots.images(other))
        trained = chain(self._trained(version, tested), self._trained(other, of_other))
        known = seen(tested, trained)
        samples = (one for one in tested if follows_production(one.image))
        return compare(tested, of_other, known), compare(samples, of_other, known)

    def _trained(self, version: ProjectVersion, tested: Iterable[EvaluatedImage]) -> Iterator[LabelledImage]:
        """Yield the images that a version was trained with: of its manifest, Rekognition may have split off some."""
        keys = {one.image.key for one in tested}
        images = TrainingSet(self.context).in_manifest(manifest_key(version.name))
        return (image for image in images if image.key not in keys)


@dataclass(frozen=True)
class _Judgement:
    """A verdict, what becomes of the version if nobody can be asked, and whether it is the best one so far.

    ``champion`` is the version that serves, and ``comparison`` is with it; None if there is none.
    """

    verdict: Verdict
    otherwise: str
    champion: ProjectVersion | None
    is_best: bool = False
    comparison: Comparison | None = None

    @property
    def champion_name(self) -> str | None:
        return self.champion.name if self.champion else None

    @property
    def champion_arn(self) -> str | None:
        """The version that it was compared with, if there was anything to compare."""
        return self.champion.arn if self.champion and self.comparison and self.comparison.pairs else None

    def outcome(self, mode: ApproveDeployments) -> str:
        if needs_person(self.verdict, mode):
            return training.ASKED
        return training.ACCEPTED if self.otherwise == "deploy" else training.HELD

    def question(self, version_name: str, until: str) -> ApprovalQuestion:
        return ApprovalQuestion(version_name, self.verdict.reason, until, self.otherwise, self.is_best)


def _by_score(floor: Floor, champion: ProjectVersion | None, note: str = "") -> _Judgement:
    action: Literal["deploy", "hold"] = "deploy" if floor.is_reached else "hold"
    return _Judgement(Verdict(action, f"{floor}{note}"), action, champion)


def _with_outcome(state: LoopState, version_name: str, outcome: str, verdict: str = "") -> LoopState:
    """Return the state with the outcome of its last attempt, if that trained the version."""
    attempt = state.last_training_attempt
    if attempt is None or attempt.version_name != version_name:
        return state
    return replace(state, last_training_attempt=replace(attempt, outcome=outcome, verdict=verdict))
