"""What only a running Airflow shows: how soon an upload is logged, what a training run adds, and who holds a worker."""

import os
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import quote

from boto3.dynamodb.conditions import Key
from tests.testing.stack import RunningStack, airflow_over_endpoint
from tests.waiting import eventually

from bench.figures import Figure
from label_loop.domain.log_row import INDEX_KEY, SAMPLED_NO, Attribute
from label_loop.domain.moments import timestamp
from label_loop.loop import Loop
from label_loop.provisioning import Options, provision
from label_loop.system_record import SYSTEM_RECORD, SystemRecord
from sample_images.digits import digits

# Long enough to look at what waits meanwhile; what a fit takes on top is read from the version.
_TRAINING_SECONDS, _START_SECONDS = 30, 10
# More loops than one, so that one can come to rest while another is measured; each has a model.
_LOOPS = [Loop("/first"), Loop("/second"), Loop("/third")]
_ENDPOINT = {
    "LOCAL_AWS_TRAINING_SECONDS": str(_TRAINING_SECONDS),
    "LOCAL_AWS_START_SECONDS": str(_START_SECONDS),
    "LOCAL_AWS_MAX_RUNNING_MODELS": str(len(_LOOPS) + 1),
}
_PICTURES = [picture for picture in digits() if picture.label in "01"]
_LABELLED = 40
# A wait looks for the first time some seconds after its task has deferred (triggers/settling.py), and then at once.
_AT_REST_SECONDS = 15
_LOOK_SECONDS = 0.1
_LOOKS_AT_WORKERS = 10  # a second apart


def measure(uploads: int, load_seconds: int) -> list[Figure]:
    """Return the latencies of single uploads and of a steady half load, what a training adds, and the slots held."""
    with _airflow() as running:
        loops = [_MeasuredLoop(running, loop) for loop in _LOOPS]
        overheads, held = zip(*[loop.train() for loop in loops], strict=True)
        single = [loop.time_one_upload() for loop in islice(cycle(loops), uploads)]
        loaded = loops[0].time_half_load(load_seconds)
        for loop in loops:
            loop.come_to_rest()
        at_rest = _busy_workers(running)
    p95 = statistics.quantiles(loaded, n=20)[-1]
    one = f"upload to logged, one image on an idle loop, {uploads} times"
    return [
        Figure(f"{one}: p50", statistics.median(single), at_most=5, unit="s"),
        Figure(f"{one}: p95", statistics.quantiles(single, n=20)[-1], at_most=8, unit="s"),
        Figure(f"upload to logged, half load, {len(loaded)} uploads: p95", p95, at_most=2, unit="s"),
        Figure("training run beyond training and start", max(overheads), at_most=45, sample=">= 600", unit="s"),
        Figure("worker slots held while all waits", max(*held, at_rest), at_most=0, sample="1 a wait", digits=0),
    ]


@contextmanager
def _airflow() -> Iterator[RunningStack]:
    with (
        tempfile.TemporaryDirectory(prefix="label-loop-bench-", ignore_cleanup_errors=True) as home,
        patch.dict(os.environ, _ENDPOINT),
        airflow_over_endpoint(Path(home) / "airflow", ",".join(loop.path for loop in _LOOPS), _prepare) as running,
    ):
        yield running


def _prepare(running: RunningStack) -> None:
    for loop in _LOOPS:
        provision(loop, Options(labels=("0", "1")), running.session(), lambda _: None)
        running.set_parameter(loop.parameter("Enable-Automatic-Training"), "false")  # each is begun, and timed, here
        for picture in _PICTURES[:_LABELLED]:
            key = f"images_labeled_by_folder/{picture.label}/{picture.name}"
            running.client("s3").put_object(Bucket=_record(running, loop).bucket, Key=key, Body=picture.body)


def _record(running: RunningStack, loop: Loop) -> SystemRecord:
    return SystemRecord.parse(loop, running.parameter(loop.parameter(SYSTEM_RECORD)))


def _busy_workers(running: RunningStack, dag_id: str = "~", run_id: str = "~") -> int:
    """Return the most task instances that hold or ask for a worker while one looks."""
    path = f"/dags/{dag_id}/dagRuns/{quote(run_id, safe='~')}/taskInstances?state=running&state=queued&state=scheduled"
    most = 0
    for _ in range(_LOOKS_AT_WORKERS):
        most = max(most, running.call("GET", path)["total_entries"])
        time.sleep(1)
    return most


class _MeasuredLoop:
    """A loop in a running Airflow, seen from outside: its bucket, its log, and Airflow's REST API."""

    def __init__(self, running: RunningStack, loop: Loop) -> None:
        self.running = running
        self.loop = loop
        self.record = _record(running, loop)
        self.s3 = running.client("s3")
        self.table = (
            running.session().resource("dynamodb", endpoint_url=running.stack.aws_url).Table(self.record.log_table)
        )
        self._uploads = 0

    def train(self) -> tuple[float, int]:
        """Run a training; return how long it took beyond training and start, and the workers held while it waited."""
        dag_id = self.loop.dag_id("training")
        run_id = self.running.trigger(dag_id)
        waits = "wait_for_training"
        eventually(lambda: self.running.tasks(dag_id, run_id).get(waits) == "deferred", f"{run_id} to wait")
        held = _busy_workers(self.running, dag_id, run_id)
        if self.running.finished(dag_id, run_id) != "success":
            raise RuntimeError(f"The training of {self.loop.path} failed: {self.running.tasks(dag_id, run_id)}")
        (run,) = [run for run in self.running.runs(dag_id) if run["dag_run_id"] == run_id]
        (version,) = self.running.client("rekognition").describe_project_versions(ProjectArn=self.record.project_arn)[
            "ProjectVersionDescriptions"
        ]
        needed = version["TrainingEndTimestamp"] - version["CreationTimestamp"] + timedelta(seconds=_START_SECONDS)
        took = datetime.fromisoformat(run["end_date"]) - datetime.fromisoformat(run["start_date"])
        return (took - needed).total_seconds(), held

    def time_one_upload(self) -> float:
        """Upload one image once the loop waits for it; return the seconds until its row is in the log."""
        self.come_to_rest()
        began = datetime.now(UTC)
        key = self._upload()
        return eventually(lambda: self._logged(began).get(key, 0.0), f"the row of {key}") - began.timestamp()

    def time_half_load(self, seconds: int) -> list[float]:
        """Upload at half of what one inference unit serves; return each upload's seconds until its row is there.

        The first seconds, in which the load begins, are not counted.
        """
        warm_up_seconds, interval_seconds = 20, 1 / 2.5
        self.come_to_rest()
        uploaded: dict[str, float] = {}
        logged: dict[str, float] = {}
        over = threading.Event()
        with ThreadPoolExecutor(1) as pool:
            watching = pool.submit(self._watch, logged, over)
            try:
                began = time.time()
                for number in range(round((warm_up_seconds + seconds) / interval_seconds)):
                    time.sleep(max(0, began + number * interval_seconds - time.time()))
                    at = time.time()
                    uploaded[self._upload()] = at
                eventually(lambda: uploaded.keys() <= logged.keys(), "all rows")
            finally:
                over.set()
            watching.result()
        return [logged[key] - at for key, at in uploaded.items() if at >= began + warm_up_seconds]

    def _watch(self, logged: dict[str, float], over: threading.Event) -> None:
        while not over.wait(_LOOK_SECONDS):
            for key, at in self._logged(datetime.now(UTC) - timedelta(seconds=30)).items():
                logged.setdefault(key, at)

    def _logged(self, since: datetime) -> dict[str, float]:
        """Return the keys that are in the log from a time on, each with this moment."""
        sampled, detected_at = INDEX_KEY
        found: Sequence[Any] = self.table.query(
            IndexName=self.record.log_index,
            KeyConditionExpression=Key(sampled).eq(SAMPLED_NO) & Key(detected_at).gte(timestamp(since)),
            ProjectionExpression=Attribute.KEY,
        )["Items"]
        now = time.time()
        return {item[Attribute.KEY]: now for item in found}

    def _upload(self) -> str:
        picture = _PICTURES[_LABELLED + self._uploads % (len(_PICTURES) - _LABELLED)]
        key = f"images_for_detection/{self._uploads:06}.png"
        self._uploads += 1
        self.s3.put_object(Bucket=self.record.bucket, Key=key, Body=picture.body)
        return key

    def come_to_rest(self) -> None:
        """Wait until the loop waits for uploads."""
        eventually(self._is_at_rest, f"{self.loop.name} to wait for uploads")

    def _is_at_rest(self) -> bool:
        path = f"/dags/{self.loop.dag_id('detection')}/dagRuns/~/taskInstances?state=deferred"
        waits = self.running.call("GET", path)["task_instances"]
        trigger = waits and waits[0]["trigger"]
        if not trigger:
            return False
        waited = datetime.now(UTC) - datetime.fromisoformat(trigger["created_date"])
        return waited.total_seconds() > _AT_REST_SECONDS and trigger["classpath"].endswith("QueueTrigger")
