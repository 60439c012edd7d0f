"""The stories that are killed: what is there before each, and what shall be there after it, whatever was killed."""

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType
from tests.integration.clients import ACCOUNT, REGION
from tests.integration.model import Model, registry
from tests.integration.pictures import TRAINING_DIGITS
from tests.integration.test_human_sampling import moment
from tests.integration.test_human_sampling import rows as log_rows
from tests.integration.test_quality import fill
from tests.integration.test_serving import age
from tests.integration.world import World
from tests.waiting import eventually

from label_loop.domain.log_row import LogRow
from label_loop.domain.review_queue import AnswersWanted
from label_loop.domain.statistics import of_row, summed
from label_loop.parameters import PARAMETERS
from label_loop.payloads import AUDIT_KEY, LABELLED_FOLDER, QUALITY_FOLDER, UPLOADS_FOLDER
from label_loop.review.desk import ReviewDesk
from label_loop.variables import SYNC_STATE
from label_loop.workflows import detection
from label_loop.workflows.parameter_sync import ParameterSyncWorkflow
from local_aws.moto_lock import MOTO_LOCK

ENDPOINT = "rekognition_project_version_arn"
_PROJECT = "rekognition_project_arn"
_DAYS_AGO = (datetime.now(UTC) - timedelta(days=2)).isoformat()
_BILLED = {"STARTING", "RUNNING"}


@dataclass(frozen=True)
class Story:
    """``work`` names what the process does; ``serves`` tells that a model serves from beginning to end.

    ``goes_on`` lets the time between two runs pass, and tells whether the second has something to do.
    """

    work: str
    prepare: Callable[[World, Model], None]
    params: Mapping[str, Any] = field(default_factory=dict)
    serves: bool = True
    goes_on: Callable[[World], bool] = lambda world: come_again(world) > 0


def come_again(world: World) -> int:
    """Let the messages that a killed process has taken come again; return how many messages there are."""
    return sum(
        world.come_again(purpose) for purpose in ("uploads", "answers") if f"{purpose}_queue_url" in world.record()
    )


def _uploads(world: World, model: Model) -> None:
    world.upload_digits(2)
    world.upload("none.png", b"no image")
    world.send("no event")
    gone = {"Bucket": world.bucket, "Key": world.upload("gone.png")}
    s3 = world.client("s3")
    s3.delete_object(**gone, VersionId=s3.head_object(**gone)["VersionId"])


def _unsure_uploads(world: World, model: Model) -> None:
    world.set_variable("Minimum-Label-Detection-Confidence", "100")
    world.upload_digits(2)


def _uploads_for_the_page(world: World, model: Model) -> None:
    world.set_record(review_backend="airflow")
    _unsure_uploads(world, model)


def _uploads_within_a_budget(world: World, model: Model) -> None:
    world.set_variable("Review-Budget-Per-Day", "1")
    _unsure_uploads(world, model)


def _reviews_of_an_earlier_version(world: World, model: Model) -> None:
    _uploads_for_the_page(world, model)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(detection, "is_drawn", lambda *_: False)  # those that are drawn are not withdrawn
        world.detect()
    world.set_variable("Minimum-Label-Detection-Confidence", "0")
    world.set_state(endpoint_moved_at=(datetime.now(UTC) + timedelta(minutes=1)).isoformat())


def _uploads_without_a_queue(world: World, model: Model) -> None:
    world.set_record(uploads_queue_url=None)
    _unsure_uploads(world, model)


def _uploads_without_an_event(world: World, model: Model) -> None:
    now = datetime.now(UTC)
    world.set_state(uploads_reconciled_until=(now - timedelta(hours=3)).isoformat())
    _unsure_uploads(world, model)
    for key in world.keys(UPLOADS_FOLDER):
        world.date(key, now - timedelta(hours=1))
    world._queue("uploads")._messages.clear()


def _answers(world: World, model: Model) -> None:
    _unsure_uploads(world, model)
    world.detect()
    loops = sorted(world.human_loops(), key=lambda loop: loop["input_content"]["taskObject"])
    for loop, label in zip(loops, ("1", "2"), strict=True):
        world.answer(label, loop["name"])


def _answers_of_the_page(world: World, model: Model) -> None:
    _uploads_for_the_page(world, model)
    world.detect()
    desk = ReviewDesk(world.context().clients.reviews.table, "ann", AnswersWanted(), clock=lambda: time.time() - 60)
    taken = sorted(desk.take(2, oldest_first=True), key=lambda review: review.task.image_uri)
    for review, label in zip(taken, ("1", "2"), strict=True):
        desk.answer(review.name, label)


def _detections(world: World, model: Model) -> None:
    world.set_variable("Human-Sampling-Interval", "2")
    world.set_state(sampling_since=moment(0), sampling_secret="the same in each run")
    world.add_rows(log_rows(1, 5))


def _labelled(world: World, model: Model) -> None:
    world.label(TRAINING_DIGITS[:20])


def _earlier_version(world: World, model: Model) -> None:
    world.label(TRAINING_DIGITS[:1])
    world.add_version(model, "v0", "STOPPED")


def _idle(world: World, model: Model) -> None:
    age(world, "v1")
    world.set_state(endpoint_moved_at=_DAYS_AGO)
    world.set_variable("Idle-Model-Stop-Minutes", "60")


def _still_awake(world: World) -> bool:
    state = world.state()
    moments = ("endpoint_started_at", "stopping_since")
    world.set_state(**{name: _DAYS_AGO for name in moments if getattr(state, name)})
    return world.status("v1") == "RUNNING"


def _asleep(world: World, model: Model) -> None:
    world.set_status(world.state().endpoint_arn, "STOPPED")
    world.set_state(stopped_because="idle")
    world.set_variable("Idle-Model-Stop-Minutes", "60")
    _uploads(world, model)


def _drifting(world: World, model: Model) -> None:
    fill(world, 40, changed=5)


def _changed_parameters(world: World, model: Model) -> None:
    ParameterSyncWorkflow(world.context()).sync()
    world.put_parameter("Minimum-F1-Score", "0.9")
    world.set_variable("Human-Sampling-Interval", "7")
    world.put_parameter("Enable-Automatic-Human-Sampling", "false")
    ParameterSyncWorkflow(world.context()).sync()
    world.put_parameter("Enable-Automatic-Human-Sampling", "true")
    world.put_parameter("Minimum-F1-Score", "0.7")
    world.set_variable("Human-Sampling-Interval", "9")


STORIES = {
    "uploads": Story("detect", _uploads),
    "uploads that are reviewed": Story("detect", _unsure_uploads),
    "uploads that are reviewed in the Airflow UI": Story("detect", _uploads_for_the_page),
    "uploads within a budget of reviews": Story("detect_undrawn", _uploads_within_a_budget),
    "reviews of an earlier version": Story(
        "rescore", _reviews_of_an_earlier_version, goes_on=lambda world: world.state().rescored_until is None
    ),
    "uploads without a queue": Story("detect", _uploads_without_a_queue),
    "uploads without an event": Story("detect", _uploads_without_an_event),
    "answers": Story("review", _answers),
    "answers from the Airflow UI": Story("review", _answers_of_the_page),
    "sampling": Story("sample", _detections),
    "training": Story("train", _labelled),
    "deployment by hand": Story("train", _earlier_version, {"version": "v0"}),
    "falling asleep": Story("fall_asleep", _idle, serves=False, goes_on=_still_awake),
    "waking up": Story("detect", _asleep, serves=False),
    "parameter sync": Story("sync", _changed_parameters),
    "quality": Story("report", _drifting),
}


# ----------------------------------------------------------------------- what is there in the end


def outcome(world: World) -> dict[str, Any]:
    """Return all that a story leaves behind, without what every run names anew."""
    record, state = world.record(), world.state()
    statistics = _statistics(record)
    attempt = state.last_training_attempt
    return {
        "rows": sorted(map(_row, world.rows()), key=str),
        "statistics": {name: count for name, count in statistics.items() if not name.startswith(_DRAWN)},
        "draws are as in the log": {name: count for name, count in statistics.items() if name.startswith(_DRAWN)}
        == {name: count for name, count in _counted(world).items() if name.startswith(_DRAWN)},
        "human tasks": dict(_human_tasks(world, record)),
        "labelled": dict(Counter(key.rpartition("/")[0] for key in world.keys(LABELLED_FOLDER))),
        "versions": sorted((_name(name), status) for name, status in _settled(world).items()),
        "endpoint": _name(str(state.endpoint_arn).split("/")[-2]),
        "stopped because": state.stopped_because,
        "reports": {key: _reported(world, key) for key in world.keys(QUALITY_FOLDER)},
        "is deploying": state.deploying_since is not None,
        "last attempt": attempt and attempt.outcome,
        "parameters": {name: (world.parameter(name), world.variable(name)) for name in PARAMETERS}
        if world.variable(SYNC_STATE) != "{}"
        else {},
        "waiting": come_again(world),
        # Cut while it is given up, a message is there twice: sent again, it is worked on once.
        "dead letters": sorted(set(world.dead_letters())),
    }


_DRAWN = "drawn "  # by the upload's id, which is another one each time
_OF_ROW = ("S3ObjectKey", "DetectedLabel", "Sampled", "HumanLabel", "CopyFailure", "ReviewWithheld", "HumanLoopStatus")


def _row(row: dict[str, Any]) -> dict[str, Any]:
    # The names of loops and copies are made of the upload's id, which is another one each time.
    named = {name: row.get(name) for name in _OF_ROW}
    return named | {name: name in row for name in ("HumanLoopName", "HumanLoopCompletionDate", "CopiedS3ObjectKey")}


def _statistics(record: Mapping[str, Any]) -> Counter[str]:
    found: Counter[str] = Counter()
    for item in dynamodb_backends[ACCOUNT][REGION].tables[record["statistics_table"]].all_items():
        found.update({name: int(one.value) for name, one in item.attrs.items() if one.type == "N"})
    return found


def _counted(world: World) -> Counter[str]:
    found: Counter[str] = Counter()
    for counters in summed(of_row(LogRow.from_item(row)) for row in world.rows()).values():
        found.update(counters)
    return found


def _human_tasks(world: World, record: Mapping[str, Any]) -> Counter[str]:
    images = [loop["input_content"]["taskObject"] for loop in world.human_loops()]
    table = dynamodb_backends[ACCOUNT][REGION].tables[record["reviews_table"]]
    images += [item.attrs["Task"].value["image_uri"].value for item in table.all_items()]
    return Counter(images)


def _reported(world: World, key: str) -> list[str]:
    found = json.loads(world.client("s3").get_object(Bucket=world.bucket, Key=key)["Body"].read())
    if key == AUDIT_KEY:
        return [suspect["key"] for suspect in found["suspects"]]
    return [alarm["kind"] for alarm in found["alarms"]]


def _name(name: str) -> str:
    return name if name in {"v0", "v1"} else "new"


def _settled(world: World) -> dict[str, str]:
    project_arn = world.record()[_PROJECT]

    def statuses() -> dict[str, str]:
        with registry(world.aws).lock:
            project = registry(world.aws).project(project_arn, REGION)
            for version in project.versions.values():
                version.advance(registry(world.aws).now(), registry(world.aws).settings)
            return {version.name: version.status for version in project.versions.values()}

    eventually(lambda: not {"STARTING", "STOPPING", "TRAINING_IN_PROGRESS"} & set(statuses().values()))
    return statuses()


# ----------------------------------------------------------------------- what is so at each moment


class Watch:
    """Looks at every call at what serves and what is paid: between two calls, neither can get worse."""

    def __init__(self, world: World, story: Story) -> None:
        self.world = world
        self.story = story
        self.problems: list[str] = []
        self._add = world.aws.calls.add
        self._project = world.record()[_PROJECT]
        self._table = world.record()["state_table"]

    def __enter__(self) -> "Watch":
        self.world.aws.calls.add = self._look  # type: ignore[method-assign]
        return self

    def __exit__(self, *_: object) -> None:
        del self.world.aws.calls.add
        self._look_now("the end")

    def _look(self, service: str, operation: str, app: str = "") -> None:
        self._look_now(f"{service}.{operation}")
        self._add(service, operation, app)

    def _endpoint(self) -> str:
        with MOTO_LOCK:  # not by a call, which would be looked at as well
            table = dynamodb_backends[ACCOUNT][REGION].tables[self._table]
            item = table.get_item(DynamoType({"S": self.world.loop.path}))
            assert item, "a story begins with a state"
        return str(item.attrs[ENDPOINT].value)

    def _look_now(self, moment: str) -> None:
        state = registry(self.world.aws)
        endpoint = self._endpoint()
        with state.lock:
            versions = list(state.project(self._project, REGION).versions.values())
            for version in versions:
                version.advance(state.now(), state.settings)
            paid = [version.name for version in versions if version.status in _BILLED]
            serving = [version.status for version in versions if version.arn == endpoint]
        if self.story.serves and serving != ["RUNNING"]:
            self.problems.append(f"at {moment}: the endpoint is {serving or 'gone'}")
        if len(paid) > 2:
            self.problems.append(f"at {moment}: {paid} are paid")
