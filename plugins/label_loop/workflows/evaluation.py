"""Evaluation: whether a trained version is deployed."""

import logging
from collections.abc import Iterator
from dataclasses import replace

from botocore.exceptions import ClientError

from label_loop.domain import evaluated_images, training
from label_loop.domain.comparison import Verdict, compare, judge, without_a_person
from label_loop.domain.deployment import passes_gate
from label_loop.domain.evaluated_images import EvaluatedImage
from label_loop.hooks.aws_errors import object_problem
from label_loop.loop_state import LoopState
from label_loop.model_project import ModelProject, manifest_key
from label_loop.payloads import ProjectVersion
from label_loop.workflows.training_set import TrainingSet

log = logging.getLogger(__name__)

_SNAPSHOT_CHUNK_BYTES = 1 << 16


class EvaluationWorkflow(ModelProject):
    """The judgement of a version whose training has ended. Each step is idempotent."""

    def accepts(self, version_name: str) -> bool:
        """Return whether a trained version is to be deployed; record and announce the verdict.

        Its F1 score must reach the minimum. With a test set of the loop's own, it must also hold against the serving
        version on the same images.
        """
        version = self.version(version_name)
        verdict, is_best = self._verdict(version)
        is_accepted = verdict.action == "deploy"
        outcome = training.ACCEPTED if is_accepted else training.HELD
        self._record_outcome(version_name, outcome, verdict.reason)
        if is_accepted and is_best:
            self.context.store.change_state(lambda state: replace(state, best_version_arn=version.arn))
        self.announce_version(version_name, f"{outcome}: {verdict.reason}", f1=version.f1_score)
        return is_accepted

    def record_failure(self, version_name: str) -> str:
        """Record that a training failed; return a message with the status and reason from Rekognition."""
        version = self.version(version_name)
        self._record_outcome(version_name, f"{version.status}: {version.status_message}")
        message = version.status_message.rstrip(".") or "no reason given"
        return f"Version {version_name} is {version.status}: {message}."

    def _verdict(self, version: ProjectVersion) -> tuple[Verdict, bool]:
        """Return the verdict on a version, and whether it is the best one so far."""
        minimum = self.context.settings.minimum_f1_score
        score = "no F1 score" if version.f1_score is None else f"F1 {version.f1_score:.3f}"
        score = f"{score}, minimum {minimum}"
        if not passes_gate(version.f1_score, minimum):
            return Verdict("hold", score), False
        state, versions = self.context.store.refresh(), {one.arn: one for one in self.versions()}
        champion, best_before = versions.get(state.endpoint_arn or ""), versions.get(state.best_version_arn or "")
        if champion is None or champion.arn == version.arn or not self._has_test_set(version):
            return Verdict("deploy", score), False
        tested, trained = list(self.tested(version)), self._trained(version)
        comparison = compare(tested, self.tested(champion), trained | self._trained(champion))
        best = None
        if best_before and best_before.arn not in (champion.arn, version.arn):
            best = compare(tested, self.tested(best_before), trained | self._trained(best_before))
        verdict = without_a_person(judge(comparison, best, self.context.settings), comparison, best)
        is_best = comparison.gained >= comparison.lost and (best is None or best.gained > best.lost)
        return replace(verdict, reason=f"{score}; {verdict.reason}"), is_best

    def _has_test_set(self, version: ProjectVersion) -> bool:
        """Return whether a version was tested with the loop's own images.

        If not, Rekognition tests each version with other images, and two scores say nothing about each other.
        """
        attempt = self.attempt
        return bool(attempt and attempt.version_name == version.name and attempt.test_manifest_key)

    def tested(self, version: ProjectVersion) -> Iterator[EvaluatedImage]:
        """Yield what a version said of its test images; nothing if its snapshot is gone or cannot be read."""
        if version.evaluation_snapshot is None:
            return
        bucket, key = version.evaluation_snapshot
        try:
            body = self.context.clients.s3_client.get_object(Bucket=bucket, Key=key)["Body"]
        except ClientError as error:
            problem = object_problem(error)
            if problem is None:
                raise
            log.warning("What %s said of its test images, %s, %s", version.name, key, problem)
            return
        lines = body.iter_lines(_SNAPSHOT_CHUNK_BYTES)
        yield from evaluated_images.parse(lines, self.context.store.record.bucket)

    def _trained(self, version: ProjectVersion) -> set[str]:
        """Return the contents that a version was trained with."""
        images = TrainingSet(self.context).in_manifest(manifest_key(version.name))
        return {image.content for image in images if image.content}

    def _record_outcome(self, version_name: str, outcome: str, verdict: str = "") -> None:
        def judged(state: LoopState) -> LoopState:
            attempt = state.last_training_attempt
            if attempt is None or attempt.version_name != version_name:
                return state
            return replace(state, last_training_attempt=replace(attempt, outcome=outcome, verdict=verdict))

        self.context.store.refresh()
        self.context.store.change_state(judged)
