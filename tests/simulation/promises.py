"""What docs/reliability.md promises, looked at after each call and after each step of a history."""

import io
from collections import Counter
from collections.abc import Mapping
from typing import Any

from tests.simulation import runs
from tests.simulation.events import objects_of
from tests.simulation.fakes.rekognition import BILLED, FAILED, RUNNING
from tests.simulation.fakes.sqs import Message
from tests.simulation.world import (
    BUCKET,
    LABELLED,
    NONE_FITS,
    REVIEWS,
    STATISTICS,
    UPLOADS,
    World,
    dead_letters_url,
    queue_url,
)

from label_loop.domain.dataset_file import DatasetReader
from label_loop.domain.dataset_version import dataset_key
from label_loop.domain.version_numbers import number_of
from label_loop.payloads import DATASETS_FOLDER, NONE_FOLDER, TEST_FOLDER

_MOST_PAID = 2
_KEY = "DetectLabelRequestId"


def is_filed(row: Mapping[str, Any]) -> bool:
    """Return whether the image of a row is filed once it is answered: all but human samples that no label fits."""
    return row.get("HumanLabel", NONE_FITS) != NONE_FITS or ("HumanLabel" in row and row["Sampled"] != "Yes")


class Promises:
    """Notes what is broken: an error raised under a call could be caught by the code that makes the call."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.problems: list[str] = []
        self._labels: dict[str, str] = {}  # of rows, as they were first seen
        self._has_served = False
        self._trainings = 0
        world.gate.after_call = self.after_call
        world.sqs.deleting = self._before_deletion

    # ------------------------------------------------------------- after each call

    def after_call(self, operation: str) -> None:
        if operation.startswith("rekognition:") or operation == "dynamodb:UpdateItem":
            self._look_at_models(operation)
        if operation == "rekognition:CreateProjectVersion":
            self._look_at_trainings()

    def _note(self, problem: str) -> None:
        self.problems.append(f"{problem} (call {len(self.world.gate.trace)})")

    def _look_at_models(self, operation: str) -> None:
        """At most two are paid, and once one serves, one serves, unless it was stopped by a person or as idle."""
        world = self.world
        versions = {version.arn: version for version in world.rekognition.settled()}
        paid = [v.name for v in versions.values() if v.status in BILLED and v.arn not in world.stops.started_outside]
        if len(paid) > _MOST_PAID:
            self._note(f"{paid} are paid at once, after {operation}")
        state = world.state()
        arn = world.endpoint
        if arn is None:
            if self._has_served:
                self._note("the endpoint is gone from the state")
            return
        if arn not in versions:
            self._note(f"the endpoint {arn} is no version")
            return
        endpoint = versions[arn]
        if endpoint.status == RUNNING:
            self._has_served = True
            world.stops.stopped_outside.discard(arn)
        is_excused = state.get("stopped_because") or arn in world.stops.stopped_outside or endpoint.status == FAILED
        if self._has_served and endpoint.status != RUNNING and not is_excused:
            self._note(f"nothing serves: {endpoint.name} is {endpoint.status}, after {operation}")

    def _look_at_trainings(self) -> None:
        """A set of images, by their content, is paid once, unless a person asks for it again."""
        trainings = self.world.rekognition.trainings
        for version in trainings[self._trainings :]:
            earlier = [other.name for other in trainings if other.training_set == version.training_set]
            if earlier[0] != version.name and not runs.is_forced(self.world):
                self._note(f"{version.name} trains the images of {earlier[0]} again")
            self._look_at_dataset(version.name)
        self._trainings = len(trainings)

    def _look_at_dataset(self, version_name: str) -> None:
        """What a version is trained with is recorded before that is paid, and under a number of its own."""
        key = dataset_key(number_of(version_name) or 0)
        body = next((one.body for one in self.world.objects(DATASETS_FOLDER) if one.key == key), b"")
        if not body or DatasetReader(key, io.BytesIO(body)).header().version != version_name:
            self._note(f"{key} is not the dataset of {version_name}")

    def _before_deletion(self, url: str, message: Message) -> None:
        """A message is deleted only when its work is done, or when it is kept elsewhere."""
        purpose = "uploads" if url == queue_url("uploads") else "answers"
        if any(one.body == message.body for one in self.world.sqs.queues[dead_letters_url(purpose)].messages):
            return
        rows = {row[_KEY]: row for row in self.world.rows()}
        for key, version_id, etag in objects_of(message.body):
            if purpose == "uploads" and key.startswith(UPLOADS):
                if runs.detection_id(BUCKET, key, etag, version_id) not in rows:
                    self._note(f"the message of {key} is deleted before its row is written")
            elif purpose == "answers":
                row = rows.get(key.split("/")[-2].removeprefix("label-loop-"), {})
                if "HumanLabel" not in row or self._awaits_copy(row):
                    self._note(f"the message of {key} is deleted before its answer is applied")

    # ------------------------------------------------------------- after each step

    def check(self) -> None:
        """Assert what holds at any moment."""
        self._look_at_models("a step")
        self._look_at_rows()
        self._look_at_reviews()
        self._look_at_answers()
        self._look_at_statistics()
        assert self.problems == [], "\n".join(self.problems)

    def _look_at_rows(self) -> None:
        uploaded = {(one.key, one.version_id) for one in self.world.uploads}
        counts = Counter((row["S3ObjectKey"], row.get("S3ObjectVersionId")) for row in self.world.rows())
        self.problems += [f"{key} has {count} rows" for key, count in counts.items() if count > 1]
        self.problems += [f"{key} was never uploaded" for key in counts if key not in uploaded]
        # Each sample stands for the detections of its block, and no detection is in two blocks.
        rows = [row for row in self.world.rows() if "Sampled" in row]
        weight = sum(row.get("SampleWeight", 0) for row in rows)
        if weight > len(rows):
            self._note(f"samples stand for {weight} of {len(rows)} detections")
        if any(("SampleWeight" in row) != (row["Sampled"] == "Yes") for row in rows):
            self._note("a sample has no weight, or a weight no sample")

    def _look_at_reviews(self) -> None:
        counts = Counter(loop.input_content["detectLabelRequestId"] for loop in self.world.a2i.loops.values())
        counts.update(item["Task"]["detection_id"] for item in self.world.dynamodb.tables[REVIEWS].items.values())
        self.problems += [f"{id_} has {count} reviews" for id_, count in counts.items() if count > 1]

    def _look_at_answers(self) -> None:
        copies = [image.key for folder in (LABELLED, TEST_FOLDER, NONE_FOLDER) for image in self.world.objects(folder)]
        for row in self.world.rows():
            id_, label = row[_KEY], row.get("HumanLabel")
            if label is None:
                if id_ in self._labels:
                    self._note(f"the label of {id_} is gone")
                continue
            given = self.world.given_answers.get(f"label-loop-{id_}", set())
            if label not in given:
                self._note(f"{id_} has the label {label}, and people said {given}")
            if self._labels.setdefault(id_, label) != label:
                self._note(f"the label of {id_} was {self._labels[id_]} and is {label}")
            own = [key for key in copies if f"-{id_[:13]}." in key]
            recorded = [row["CopiedS3ObjectKey"]] if "CopiedS3ObjectKey" in row else []
            if own != recorded and not (self._awaits_copy(row) and len(own) == 1):
                self._note(f"{id_} is answered {label}, and its copies are {own}")

    def _awaits_copy(self, row: Mapping[str, Any]) -> bool:
        """Return whether a row's image is to be filed, and it does not yet say what became of it."""
        return not {"CopiedS3ObjectKey", "CopyFailure"} & row.keys() and is_filed(row)

    def _look_at_statistics(self) -> None:
        kept = {
            key: {name: int(value) for name, value in item.items() if name not in ("Month", "DayAndVersion")}
            for key, item in self.world.dynamodb.tables[STATISTICS].items.items()
            if not key[1].endswith("#given-up")  # which no row tells
        }
        expected = runs.expected_statistics(self.world.rows())
        if kept != expected:
            self._note(f"the statistics say {kept}, and the log {expected}")
