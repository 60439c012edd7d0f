"""One loop's resources in the fakes, and what people and AWS do to them beside the workflows."""

import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from PIL import Image
from tests.simulation.clients import SWITCHBOARD
from tests.simulation.clock import CLOCK
from tests.simulation.events import PROMPT, Way, notification
from tests.simulation.fakes.a2i import FakeA2i
from tests.simulation.fakes.dynamodb import FakeDynamoDb, Table
from tests.simulation.fakes.rekognition import RUNNING, STOPPED, FakeRekognition
from tests.simulation.fakes.s3 import Bucket, FakeS3, Version
from tests.simulation.fakes.sns import FakeSns
from tests.simulation.fakes.sqs import FakeSqs, Queue
from tests.simulation.fakes.ssm import FakeSsm
from tests.simulation.gate import Gate, Process

PATH = "/sim"
BUCKET = "sim-bucket"
LABELS = ("cat", "dog", "owl")
UPLOADS, LABELLED, ANSWERS = "images_for_detection/", "images_labeled_by_folder/", "a2i-human-loop-data/"
LOG, REVIEWS, STATISTICS, STATE = "sim-log", "sim-reviews", "sim-statistics", "sim-state"
RECORD = f"{PATH}/For-System-Use-Only"
ENDPOINT = "rekognition_project_version_arn"
_PROJECT = "arn:aws:rekognition:eu-west-1:123456789012:project/sim/1"
_FLOW = "arn:flow"
_QUEUES = ("uploads", "answers")
_MISTAKES = (ArithmeticError, AssertionError, AttributeError, LookupError, NameError, TypeError, ValueError)
NONE_FITS = "None of the Above"


def queue_url(purpose: str) -> str:
    return f"https://sqs/{purpose}"


def dead_letters_url(purpose: str) -> str:
    return f"https://sqs/{purpose}-dead"


@lru_cache(maxsize=4096)
def _png(seed: str) -> bytes:
    """Return a pattern that looks like that of no other seed."""
    file = io.BytesIO()
    Image.frombytes("L", (8, 8), hashlib.sha512(seed.encode()).digest()).resize((64, 64)).save(file, "PNG")
    return file.getvalue()


def picture(label: str, confidence: float, number: int = 0) -> bytes:
    """Return a readable image that says what is seen in it; its number makes it one of its kind."""
    return _png(f"{number} {label} {confidence}") + f"\n{number}\n{label} {confidence}".encode()


@dataclass
class Uploaded:
    """An upload as the world remembers it."""

    key: str
    version_id: str
    etag: str
    is_removed: bool = False


@dataclass
class Stops:
    """What people and AWS did to models, which no promise is about."""

    stopped_outside: set[str] = field(default_factory=set)
    started_outside: set[str] = field(default_factory=set)


class World:
    """A loop, set up as provisioning does it, and its surroundings. One at a time is connected."""

    def __init__(
        self,
        *,
        backend: str = "a2i",
        serves: bool = True,
        most_running: int = 2,
        at_a_receive: int = 10,
        has_queues: bool = True,
    ) -> None:
        CLOCK.reset()
        self.gate = Gate()
        self.variables: dict[str, str] = {}
        self.ssm, self.s3, self.sqs, self.sns = FakeSsm(), FakeS3(), FakeSqs(), FakeSns()
        self.dynamodb, self.a2i = FakeDynamoDb(), FakeA2i(_FLOW)
        self.sqs.most_at_a_receive = at_a_receive
        self.rekognition = FakeRekognition(self.s3, _PROJECT, most_running)
        self.uploads: list[Uploaded] = []
        self.ways: list[Way] = []  # of the next objects' events, first to last
        self.given_answers: dict[str, set[str]] = {}  # labels that people gave, by human loop
        self.edits: dict[str, dict[str, str]] = {}  # the last of each side, by the parameter
        self.stops = Stops()
        self.memory: dict[str, Any] = {}  # of runs and of what the promises have seen
        self._set_up(backend, has_queues=has_queues)
        if serves:
            self._serve()
        self.s3.created = self._announce
        self.connect()

    def connect(self) -> None:
        fakes = {
            "ssm": self.ssm,
            "s3": self.s3,
            "sqs": self.sqs,
            "sns": self.sns,
            "dynamodb": self.dynamodb,
            "rekognition": self.rekognition,
            "sagemaker-a2i-runtime": self.a2i,
        }
        SWITCHBOARD.connect(fakes, self.variables, self.gate)

    def _set_up(self, backend: str, *, has_queues: bool) -> None:
        self.s3.buckets[BUCKET] = Bucket()
        for label in LABELS:
            self.s3.put(BUCKET, f"{LABELLED}{label}/", b"")
        record = {
            "s3_bucket": BUCKET,
            "rekognition_project_arn": _PROJECT,
            "sns-topic": "arn:topic",
            "dynamodb_table": LOG,
            "dynamodb_table_GSI": "Sampled_GSI",
            "statistics_table": STATISTICS,
            "reviews_table": REVIEWS,
            "state_table": STATE,
            "flow_definition_arn": _FLOW,
            "review_backend": backend,
        }
        for purpose in _QUEUES:
            dead = self.sqs.queues[dead_letters_url(purpose)] = Queue()
            self.sqs.queues[queue_url(purpose)] = Queue(dead)
            if has_queues:
                record[f"{purpose}_queue_url"] = queue_url(purpose)
                record[f"{purpose}_dead_letter_queue_url"] = dead_letters_url(purpose)
        self.dynamodb.tables |= {
            LOG: Table(("DetectLabelRequestId",), {"Sampled_GSI": ("Sampled", "DetectLabelDate")}),
            STATISTICS: Table(("Month", "DayAndVersion")),
            STATE: Table(("Loop",)),
            REVIEWS: Table(
                ("HumanLoopName",),
                {
                    "Queue_Confidence_GSI": ("Queue", "ConfidenceOrder"),
                    "Queue_Date_GSI": ("Queue", "DateOrder"),
                },
            ),
        }
        self.ssm.write(RECORD, json.dumps(record))

    def _serve(self) -> None:
        """Let a version serve from before the history on, with an earlier one and their images beside it."""
        self.rekognition.add("v0", STOPPED)
        version = self.rekognition.add("v1", RUNNING)
        version.units = 1
        for label in LABELS[:2]:
            for number in range(2):
                self.label(label, f"old-{number}", number)
        changes = {ENDPOINT: version.arn, "previous_trained_images": 4}
        self.ssm.write(RECORD, json.dumps({**self.record(), **changes}))

    # ------------------------------------------------------------------ looks

    def record(self) -> dict[str, Any]:
        values: dict[str, Any] = json.loads(self.ssm.text(RECORD))
        return values

    def state(self) -> dict[str, Any]:
        """Return the loop's state as it is stored; the record's, before it is first read."""
        return self.dynamodb.tables[STATE].items.get((PATH,)) or self.record()

    def rows(self) -> list[dict[str, Any]]:
        return list(self.dynamodb.tables[LOG].items.values())

    def objects(self, folder: str) -> list[Version]:
        """Return the present objects in a folder, without the markers of folders."""
        return [one for one in self.s3.objects(BUCKET, folder) if not one.key.endswith("/")]

    # ------------------------------------------------------------------ events

    def _announce(self, bucket: str, version: Version) -> None:
        for folder, purpose in ((UPLOADS, "uploads"), (ANSWERS, "answers")):
            if version.key.startswith(folder):
                way = self.ways.pop(0) if self.ways else PROMPT
                body = notification(bucket, version, way.form)
                for delay in way.delays:
                    self.sqs.send(queue_url(purpose), body, delay_seconds=delay)

    # ------------------------------------------------------------------ people

    def upload(self, name: str, body: bytes, way: Way = PROMPT) -> Uploaded:
        self.ways.insert(0, way)
        version = self.s3.put(BUCKET, f"{UPLOADS}{name}", body)
        self.uploads.append(Uploaded(version.key, version.id, version.etag))
        return self.uploads[-1]

    def remove(self, upload: Uploaded) -> None:
        self.s3.remove(BUCKET, upload.key, upload.version_id)
        upload.is_removed = True

    def label(self, label: str, name: str, number: int) -> None:
        self.s3.put(BUCKET, f"{LABELLED}{label}/{name}.png", picture(label, 99.0, number))

    def answer(self, name: str, label: str, way: Way = PROMPT) -> None:
        """Answer a human loop of A2I, which writes its file."""
        loop = self.a2i.loops[name]
        loop.status = "Completed"
        self.given_answers.setdefault(name, set()).add(label)
        self.ways.insert(0, way)
        created = CLOCK.now().strftime("%Y/%m/%d/%H/%M/%S")
        self.s3.put(BUCKET, f"{ANSWERS}flow/{created}/{name}/output.json", self.a2i.output(loop, label))

    def expire(self, name: str) -> None:
        """Let a human loop end without an answer, as A2I tells by EventBridge."""
        self.a2i.loops[name].status = "Failed"
        detail = {"humanLoopName": name, "humanLoopStatus": "Failed", "failureReason": "It was not answered in time."}
        body = {"detail-type": "SageMaker A2I HumanLoop Status Change", "detail": detail}
        self.sqs.send(queue_url("answers"), json.dumps(body))

    def edit_store(self, name: str, text: str) -> None:
        self.edits.setdefault(name, {})["store"] = text
        self.ssm.write(f"{PATH}/{name}", text)

    def edit_variable(self, name: str, text: str) -> None:
        self.edits.setdefault(name, {})["variable"] = text
        self.variables[f"{PATH}/{name}".removeprefix("/")] = text

    def send_dead_letters_again(self) -> None:
        for purpose in _QUEUES:
            dead = self.sqs.queues[dead_letters_url(purpose)]
            for message in dead.messages:
                self.sqs.send(queue_url(purpose), message.body)
            dead.messages.clear()

    # ------------------------------------------------------------------ reviews

    def open_loops(self) -> list[str]:
        """Return the names of A2I's human loops that wait for an answer."""
        return [loop.name for loop in self.a2i.loops.values() if loop.status == "InProgress"]

    def final_answers(self) -> list[str]:
        """Return the reviews whose answers have been written for good."""
        written = {version.key.split("/")[-2] for version in self.objects(ANSWERS)}
        return [name for name in self.given_answers if name in written]

    # ------------------------------------------------------------------ runs

    def stop_disturbing(self) -> None:
        """Let AWS be well from now on."""
        self.ways.clear()
        self.ssm.late_by_seconds = 0.0
        self.rekognition.next_f1, self.rekognition.next_start_fails = 0.95, False

    def run(self, *processes: Process, turns: Sequence[int] = ()) -> None:
        """Run processes to their end. Raises AssertionError where one fails by a mistake, and not by what it met."""
        self.gate.run(*processes, turns=turns)
        for process in processes:
            assert not isinstance(process.error, _MISTAKES), f"{process.name} fails: {process.error!r}"

    @property
    def endpoint(self) -> str | None:
        return self.state().get(ENDPOINT)
