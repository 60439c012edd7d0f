"""What is recorded of a loop's versions in S3: with what each was compared, and who decided what."""

from dataclasses import replace
from datetime import UTC, datetime

from botocore.exceptions import ClientError

from label_loop.context import LoopContext
from label_loop.domain import training
from label_loop.domain.comparison import Comparison
from label_loop.domain.model_version import THE_LOOP, Decision, ModelVersion, Pairs, model_key
from label_loop.domain.moments import timestamp
from label_loop.domain.version_numbers import number_of
from label_loop.hooks.aws_errors import object_problem
from label_loop.payloads import ProjectVersion

_MOST_BYTES = 1 << 20


class ModelVersions:
    """Records decisions on versions that have a number. Recording the same one again changes nothing."""

    def __init__(self, context: LoopContext) -> None:
        self.context = context

    def judged(
        self, version: ProjectVersion, champion: str | None, comparison: Comparison | None, outcome: str, reason: str
    ) -> None:
        """Record how a version was judged. ``champion`` is the name of the version that served then, if any."""
        found = self._found(version.name)
        if found:
            pairs = Pairs(comparison.gained, comparison.lost, comparison.pairs) if comparison else None
            judged = replace(found, champion=champion, pairs=pairs, f1=version.f1_score)
            self._put(found, judged.decided(Decision(outcome, THE_LOOP, _now(), reason)))

    def decided(self, version_name: str, decision: str, by: str, reason: str = "", *, at: str | None = None) -> None:
        """Record another decision on a version. ``at`` is its moment; by default it is made now."""
        found = self._found(version_name)
        if found:
            self._put(found, found.decided(Decision(decision, by, at or _now(), reason)))

    def answered(self, version_name: str, outcome: str, answered_by: str | None, reason: str) -> None:
        """Record the answer to the question about a version, unless it is recorded already."""
        found = self._found(version_name)
        if found and found.decision and found.decision.decision == training.ASKED:
            by = answered_by or "nobody answered in time"
            self._put(found, found.decided(Decision(outcome, by, _now(), reason)))

    def _found(self, version_name: str) -> ModelVersion | None:
        """Return what is recorded of a version so far; None for one without a number."""
        number = number_of(version_name)
        if number is None:
            return None
        store = self.context.store
        try:
            response = self.context.clients.s3_client.get_object(Bucket=store.record.bucket, Key=model_key(number))
        except ClientError as error:
            if object_problem(error) is None:
                raise
            return ModelVersion(number, version_name)
        found = ModelVersion.from_json(response["Body"].read(_MOST_BYTES))
        return found if found and found.version == version_name else ModelVersion(number, version_name)

    def _put(self, before: ModelVersion, after: ModelVersion) -> None:
        if after != before:
            self.context.clients.s3_client.put_object(
                Bucket=self.context.store.record.bucket,
                Key=model_key(after.number),
                Body=after.to_json().encode(),
                ContentType="application/json",
            )


def _now() -> str:
    return timestamp(datetime.now(UTC))
