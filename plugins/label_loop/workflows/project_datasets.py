"""Training in a project that has datasets, since Rekognition then takes no manifests.

Opening a project in the AWS console after a training is enough for that: AWS makes datasets of the newest manifests.
The loop goes on with datasets of its own images. What people labelled in the console is saved first and reported.
"""

import logging
from collections.abc import Iterable, Sequence

from label_loop.domain import datasets
from label_loop.domain.datasets import TEST, TRAIN, DatasetKind
from label_loop.exceptions import DatasetFailedError
from label_loop.model_project import ModelProject
from label_loop.payloads import CONSOLE_FOLDER, MANIFESTS_FOLDER, LabelledImage, ProjectDataset, TrainingAttempt
from label_loop.workflows.training_set import TrainingSet

log = logging.getLogger(__name__)


class ProjectDatasets(ModelProject):
    """The datasets of a loop's project."""

    def found(self) -> list[ProjectDataset]:
        """Return the datasets that the project has now."""
        return self.context.clients.rekognition.datasets(self.context.store.record.project_arn)

    def hold(self, attempt: TrainingAttempt) -> bool:
        """Return whether the datasets hold an attempt's images; if they do not, begin what makes them so.

        One call makes one step and never waits: call it again once no dataset is changing. Raises DatasetFailedError
        if Rekognition could not make a dataset of the attempt's images.
        """
        found = {one.kind: one for one in self.found()}
        if any(one.is_changing for one in found.values()):
            return False
        wanted = self._images(attempt)
        results = [self._holds(attempt, kind, found.get(kind), images) for kind, images in wanted.items()]
        return all(results)

    def _images(self, attempt: TrainingAttempt) -> dict[DatasetKind, Sequence[LabelledImage]]:
        training_set = TrainingSet(self.context)
        images = list(training_set.in_manifest(attempt.manifest_key))
        if attempt.test_manifest_key:
            return {TRAIN: images, TEST: list(training_set.in_manifest(attempt.test_manifest_key))}
        train, test = datasets.split(images)
        return {TRAIN: train, TEST: test}

    def _holds(
        self,
        attempt: TrainingAttempt,
        kind: DatasetKind,
        dataset: ProjectDataset | None,
        images: Sequence[LabelledImage],
    ) -> bool:
        hook, bucket = self.context.clients.rekognition, self.context.store.record.bucket
        key = f"{MANIFESTS_FOLDER}{attempt.version_name}.{kind.lower()}-dataset.manifest"
        if dataset is None:
            TrainingSet(self.context).write(key, images)
            hook.create_dataset(self.context.store.record.project_arn, kind, bucket, key)
            log.info("Creating the %s dataset of %s with %d images", kind, attempt.version_name, len(images))
            return False
        entries = [] if dataset.status == "CREATE_FAILED" else list(hook.dataset_entries(dataset.arn))
        if datasets.holds(entries, bucket, images):
            return True
        self._save(dataset, entries)
        hook.delete_dataset(dataset.arn)
        if dataset.status == "CREATE_FAILED" and self._is_ours(key):
            raise DatasetFailedError(dataset.name, dataset.status_message, key)
        return False

    def _save(self, dataset: ProjectDataset, entries: Iterable[str]) -> None:
        foreign = datasets.foreign_entries(entries, self.context.store.record.bucket)
        if not foreign:
            return
        key = f"{CONSOLE_FOLDER}{dataset.name}.manifest"
        body = "".join(f"{one.line}\n" for one in foreign).encode()
        bucket, client = self.context.store.record.bucket, self.context.clients.s3_client
        client.put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/x-ndjson")
        labelled = sum(one.label is not None for one in foreign)
        self.announce(
            "datasets",
            f"The dataset {dataset.name} of the project has {len(foreign)} entries that the loop did not write, "
            f"{labelled} of them labelled. They were saved to {key}, and the dataset is replaced by one of the loop's "
            f"images. To take over their labels: python -m label_loop console-labels {self.context.loop.path}",
            entries=len(foreign),
            saved=key,
        )

    def _is_ours(self, key: str) -> bool:
        """Return whether this attempt has begun to make a dataset already."""
        return bool(self.context.clients.s3.check_for_key(key, self.context.store.record.bucket))
