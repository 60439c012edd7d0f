"""The audit of labels: while a version trains, those that the serving version contradicts are listed."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from heapq import nsmallest
from itertools import chain, islice

from botocore.exceptions import ClientError

from label_loop.context import LoopContext
from label_loop.domain.deployment import InferenceUnits
from label_loop.domain.label_audit import (
    SHOWN_SUSPECTS,
    LabelAudit,
    PredictedImage,
    merged,
    still_suspect,
    suspect_labels,
)
from label_loop.domain.log_row import LogRow, content_of
from label_loop.domain.moments import timestamp
from label_loop.domain.pacing import Pacer
from label_loop.hooks.aws_errors import object_problem
from label_loop.hooks.rekognition import concerns_the_image, is_not_ready
from label_loop.inbox.sources import uploads_inbox
from label_loop.model_project import ModelProject, manifest_key, test_manifest_key
from label_loop.payloads import (
    AUDIT_KEY,
    NONE_OF_THE_ABOVE,
    Event,
    LabelledImage,
    ProjectVersion,
    S3Upload,
)
from label_loop.workflows.evaluation_snapshot import EvaluationSnapshots
from label_loop.workflows.training_set import TrainingSet

log = logging.getLogger(__name__)

MOST_ASKED = 200
MOST_SECONDS = 120.0
"""Of asking: a deployment by hand waits until the run has ended."""
_BATCH = 10  # images between two looks whether uploads wait
_LOG_PAGES = 10  # of about 1 MB, newest first
_EVER = "0000"
_MOST_BYTES = 4 << 20


def latest_audit(context: LoopContext) -> LabelAudit | None:
    """Return the latest audit of a loop; None if there is none, or it is gone or cannot be read."""
    try:
        response = context.clients.s3_client.get_object(Bucket=context.store.record.bucket, Key=AUDIT_KEY)
    except ClientError as error:
        if object_problem(error) is None:
            raise
        return None
    return LabelAudit.from_json(response["Body"].read(_MOST_BYTES))


class LabelAuditWorkflow(ModelProject):
    """Audits the labels that a version trains and tests with. Repeating it changes nothing and announces nothing again.

    An image is audited if a version that did not train with it has said what it shows: as an upload that was logged, as
    a test image, or asked now, if the serving version does not know it. Uploads come first: if some wait, the rest is
    not asked.
    """

    def __init__(
        self,
        context: LoopContext,
        clock: Callable[[], float] | None = None,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        super().__init__(context)
        self.clock, self.sleep = clock or time.monotonic, sleep or time.sleep
        self._set = TrainingSet(context)

    def audit(self, version_name: str) -> LabelAudit | None:
        """Audit the images of a version that trains, and write and announce the result.

        None if no other version serves: nobody can say anything then.
        """
        arn = self.context.store.refresh().endpoint_arn
        serving = next((version for version in self.versions() if version.arn == arn), None)
        if serving is None or serving.name == version_name:
            return None
        predicted, total = self._predicted(version_name, serving)
        before = latest_audit(self.context)
        audited = {one.image.key for one in predicted}
        kept = still_suspect(before.suspects if before else (), self._images(version_name), audited)
        suspects = merged(suspect_labels(predicted), kept)
        known = len(audited | {one.key for one in kept})
        found = LabelAudit(version_name, timestamp(datetime.now(UTC)), known, total - known, suspects)
        self._announce(found, before)
        # Afterwards: what is announced and not written is announced again, and what is not announced is not lost.
        self.context.clients.s3_client.put_object(
            Bucket=self.context.store.record.bucket,
            Key=AUDIT_KEY,
            Body=found.to_json().encode(),
            ContentType="application/json",
        )
        return found

    def _images(self, version_name: str) -> Iterator[LabelledImage]:
        keys = (manifest_key(version_name), test_manifest_key(version_name))
        return chain.from_iterable(map(self._set.in_manifest, keys))

    def _predicted(self, version_name: str, serving: ProjectVersion) -> tuple[list[PredictedImage], int]:
        """Return the images of a version of which something is known, and how many it has in all."""
        stored, knows = self._stored(serving), self._known_to(serving)
        predicted: list[PredictedImage] = []
        older: dict[str, PredictedImage] = {}
        total = 0

        def unknown() -> Iterator[LabelledImage]:
            nonlocal total
            for image in self._images(version_name):
                total += 1
                is_known, found = knows(image), stored.of(image)
                if found and (is_known or not stored.is_older(image)):
                    predicted.append(found)
                elif not is_known:
                    if found:
                        older[image.key] = found
                    yield image

        # By content: the same ones each time, whatever their labels.
        asked = nsmallest(MOST_ASKED, unknown(), key=lambda image: (image.content, image.key))
        fresh = {one.image.key: one for one in self._asked(asked, serving)}
        return [*predicted, *(older | fresh).values()], total

    def _stored(self, serving: ProjectVersion) -> "_Stored":
        found = _Stored(serving.arn)
        for one in EvaluationSnapshots(self.context).images(serving):
            if one.image.content:
                found.tested[one.image.content] = (one.guess, one.confidence_percent)
        pages = self.context.clients.log.answered(_EVER, timestamp(datetime.now(UTC)))
        for row in chain.from_iterable(islice(pages, _LOG_PAGES)):
            found.add(row)
        return found

    def _known_to(self, serving: ProjectVersion) -> Callable[[LabelledImage], bool]:
        """Return whether the serving version may have trained with an image; of one that it tested with, see above."""
        trained = {image.content for image in self._set.in_manifest(manifest_key(serving.name))} - {""}
        if trained:
            return lambda image: image.content in trained
        then = timestamp(serving.created_at) if serving.created_at else None
        return lambda image: then is None or image.modified <= then

    def _asked(self, images: Iterable[LabelledImage], serving: ProjectVersion) -> Iterator[PredictedImage]:
        """Ask the serving version about images, as long as there is time, no upload waits, and it serves."""
        inbox, deadline = uploads_inbox(self.context), self.clock() + MOST_SECONDS
        pacer = Pacer(serving.inference_units or InferenceUnits.of_settings(self.context.settings).minimum)
        for number, image in enumerate(images):
            if self.clock() > deadline or (number % _BATCH == 0 and inbox.has_unfinished()):
                return
            self.sleep(pacer.delay_seconds(self.clock()))
            upload = S3Upload(self.context.store.record.bucket, image.key, image.etag)
            try:
                labels = self.context.clients.rekognition.detect(serving.arn, upload)
            except ClientError as error:
                if is_not_ready(error):
                    return
                if not concerns_the_image(error):
                    raise
                continue
            for best in labels[:1]:
                yield PredictedImage(image, best["Name"], float(best["Confidence"]))

    def _announce(self, found: LabelAudit, before: LabelAudit | None) -> None:
        log.info("%s", found)
        known = {(one.key, one.label) for one in before.suspects} if before else set()
        if not {(one.key, one.label) for one in found.suspects} - known:
            return
        facts = {
            "version": found.version,
            "suspects": len(found.suspects),
            "images": [one.key for one in found.suspects[:SHOWN_SUSPECTS]],
            "report": f"s3://{self.context.store.record.bucket}/{AUDIT_KEY}",
        }
        self.context.clients.announcer.publish([Event("quality", str(found), facts=facts)])


@dataclass
class _Stored:
    """What versions have said of images: by content, of the serving version's test images, and in the log."""

    serving_arn: str
    tested: dict[str, tuple[str, float]] = field(default_factory=dict)
    _by_copy: dict[str, LogRow] = field(default_factory=dict)
    _by_content: dict[str, LogRow] = field(default_factory=dict)

    def add(self, row: LogRow) -> None:
        """Add a row of the log; of several about one image, the first is used."""
        if row.copied_key:
            self._by_copy.setdefault(row.copied_key, row)
        if content := content_of(row.etag):
            self._by_content.setdefault(content, row)

    def of(self, image: LabelledImage) -> PredictedImage | None:
        """Return what was said of an image by a version that did not train with it, if it is known."""
        if image.content in self.tested:
            return PredictedImage(image, *self.tested[image.content])
        row = self._row(image)
        # An image that was uploaded after it was labelled may have trained the version that detected it.
        if row is None or row.failure or row.detected_at > image.modified:
            return None
        guess = row.detected_label or (NONE_OF_THE_ABOVE if row.confidence_percent else "")
        return PredictedImage(image, guess, row.confidence_percent, row.detection_id)

    def is_older(self, image: LabelledImage) -> bool:
        """Return whether another version than the serving one said it, so that asking again may tell more."""
        row = self._row(image)
        return image.content not in self.tested and row is not None and row.project_version_arn != self.serving_arn

    def _row(self, image: LabelledImage) -> LogRow | None:
        return self._by_copy.get(image.key) or self._by_content.get(content_of(image.etag))
