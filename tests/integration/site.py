"""A loop's resources at a running endpoint."""

import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import Any
from urllib.parse import quote_plus

from boto3.dynamodb.types import TypeSerializer
from moto.dynamodb.models import dynamodb_backends
from moto.s3.models import s3_backends
from moto.sqs.models import sqs_backends
from tests.integration.clients import ACCOUNT, REGION, SharedSession, client, dynamodb
from tests.integration.model import registry
from tests.integration.pictures import FRESH_DIGITS

from label_loop.context import LoopContext
from label_loop.loop import Loop
from label_loop.loop_state import LoopState
from label_loop.parameters import PARAMETERS
from label_loop.payloads import LABELLED_FOLDER, UPLOADS_FOLDER
from label_loop.provisioning import Options, provision
from label_loop.system_record import SYSTEM_RECORD
from label_loop.variables import SYNC_STATE
from local_aws.moto_lock import MOTO_LOCK
from local_aws.server import LocalAws
from sample_images.digits import Picture


class Site:
    """A loop's resources, and what services and people do to them."""

    def __init__(self, aws: LocalAws, loop: Loop, variables: dict[str, str]) -> None:
        self.aws = aws
        self.loop = loop
        self._use(variables)

    def _use(self, variables: dict[str, str]) -> None:
        """Take these as Airflow's Variables; by what they say, a first sync has been."""
        self.variables = variables
        self.set_variable(SYNC_STATE, "{}")

    # ----------------------------------------------------------------- services

    def client(self, service: str) -> Any:
        return client(service, self.aws.url)

    def provision(self, **options: Any) -> None:
        labels = tuple(str(digit) for digit in range(10))
        provision(self.loop, Options(**{"labels": labels, **options}), SharedSession(self.aws.url), lambda line: None)  # type: ignore[arg-type]
        self._told_url = self._subscribe()
        for purpose in ("uploads", "answers"):
            self._queue(purpose)._messages.clear()  # S3's test messages

        self._initial = (self.record(), {name: self.parameter(name) for name in PARAMETERS})
        # The labels that provisioning made; a loop that is set up once more may have objects by then.
        self._folders = [key for key in self.backend_bucket().keys if key.endswith("/")]

    def reset(self, variables: dict[str, str]) -> None:
        """Bring the loop back to where provisioning left it, in the endpoint's memory: it is done for each test."""
        self._use(variables)
        record, parameters = self._initial
        bucket = self.backend_bucket()
        with MOTO_LOCK:
            bucket.keys.clear()
            for key in self._folders:
                s3_backends[ACCOUNT]["aws"].put_object(bucket.name, key, b"", disable_notification=True)
            for kind in ("dynamodb_table", "reviews_table", "statistics_table", "state_table", "labels_table"):
                dynamodb_backends[ACCOUNT][REGION].tables[record[kind]].items.clear()
            for name, queue in sqs_backends[ACCOUNT][REGION].queues.items():
                if name == f"{self.loop.name}-told" or name.startswith(f"label-loop-{self.loop.name}-"):
                    queue._messages.clear()
                    queue.pending_messages.clear()
        loops = self.aws.human_review.portal._loops._store.loops
        for key in [key for key, loop in loops.items() if loop.flow.arn == record["flow_definition_arn"]]:
            del loops[key]
        with registry(self.aws).lock:
            project = registry(self.aws).project(record["rekognition_project_arn"], REGION)
            project.versions.clear()
            project.datasets.clear()
        self.put_parameter(SYSTEM_RECORD, json.dumps(record))
        pages = self.client("ssm").get_paginator("get_parameters_by_path").paginate(Path=self.loop.path)
        present = {one["Name"].rsplit("/", 1)[-1]: one["Value"] for page in pages for one in page["Parameters"]}
        for name, text in parameters.items():
            if present.get(name) != text:
                self.put_parameter(name, text)
        self.aws.calls.reset()

    def _subscribe(self) -> str:
        sqs = self.client("sqs")
        url = sqs.create_queue(QueueName=f"{self.loop.name}-told")["QueueUrl"]
        arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{self.loop.name}-told"
        self.client("sns").subscribe(TopicArn=self.record()["sns-topic"], Protocol="sqs", Endpoint=arn)
        return str(url)

    def told(self) -> list[dict[str, Any]]:
        """Return what SNS delivered since the last look: body, attributes and the whole text of each message."""
        found = []
        for _ in range(200):
            answer = self.client("sqs").receive_message(QueueUrl=self._told_url, MaxNumberOfMessages=10)
            for message in answer.get("Messages", []):
                self.client("sqs").delete_message(QueueUrl=self._told_url, ReceiptHandle=message["ReceiptHandle"])
                envelope = json.loads(message["Body"])
                attributes = {name: one["Value"] for name, one in envelope.get("MessageAttributes", {}).items()}
                found.append({"body": json.loads(envelope["Message"]), "attributes": attributes, "text": envelope})
            if not answer.get("Messages"):
                return found
        raise AssertionError("SNS tells without end")

    def counts(self) -> dict[str, int]:
        return self.aws.calls.counts()

    def calls(self, work: Callable[[], Any]) -> dict[str, int]:
        """Return the AWS calls that some work makes."""
        self.aws.calls.reset()
        work()
        return self.counts()

    def fault(self, service: str, operation: str, **how: Any) -> None:
        """Let calls fail: by default with a server error, until ``heal``."""
        self.aws.faults.replace([{"service": service, "operation": operation, "kind": "error", **how}])

    def heal(self) -> None:
        self.aws.faults.replace([])

    # -------------------------------------------------------- record, variables

    def record(self) -> dict[str, Any]:
        """Return the system record as it is stored."""
        name = self.loop.parameter(SYSTEM_RECORD)
        values: dict[str, Any] = json.loads(self.client("ssm").get_parameter(Name=name)["Parameter"]["Value"])
        return values

    def set_record(self, **changes: Any) -> None:
        values = {key: value for key, value in {**self.record(), **changes}.items() if value is not None}
        self.put_parameter(SYSTEM_RECORD, json.dumps(values))

    def state(self) -> LoopState:
        return self.context().store.state

    def set_state(self, **changes: Any) -> None:
        self.context().store.change_state(lambda state: replace(state, **changes))

    def put_parameter(self, name: str, text: str) -> None:
        self.client("ssm").put_parameter(Name=self.loop.parameter(name), Value=text, Type="String", Overwrite=True)

    def parameter(self, name: str) -> str:
        return str(self.client("ssm").get_parameter(Name=self.loop.parameter(name))["Parameter"]["Value"])

    def set_variable(self, name: str, text: str) -> None:
        self.variables[self.loop.variable(name)] = text

    def variable(self, name: str) -> str | None:
        return self.variables.get(self.loop.variable(name))

    def context(self) -> LoopContext:
        return LoopContext.of(self.loop, aws_conn_id=None)

    # ------------------------------------------------------------------ objects

    @property
    def bucket(self) -> str:
        return str(self.record()["s3_bucket"])

    @cached_property
    def _bucket(self) -> str:
        return self.bucket

    def put(self, key: str, body: bytes) -> str:
        """Write an object; return its eTag."""
        return str(self.client("s3").put_object(Bucket=self._bucket, Key=key, Body=body)["ETag"]).strip('"')

    def upload(self, name: str, body: bytes | None = None) -> str:
        self.put(f"{UPLOADS_FOLDER}{name}", FRESH_DIGITS[0].body if body is None else body)
        return f"{UPLOADS_FOLDER}{name}"

    def upload_digits(self, count: int) -> list[str]:
        assert self._bucket
        with ThreadPoolExecutor(8) as pool:
            return list(
                pool.map(lambda n: self.upload(f"{n:04}.png", FRESH_DIGITS[n % len(FRESH_DIGITS)].body), range(count))
            )

    def label(self, pictures: Sequence[Picture]) -> None:
        assert self._bucket
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda p: self.put(f"{LABELLED_FOLDER}{p.label}/{p.name}", p.body), pictures))

    def keys(self, prefix: str = "") -> list[str]:
        pages = self.client("s3").get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
        found = [item["Key"] for page in pages for item in page.get("Contents", [])]
        return [key for key in found if not key.endswith("/")]

    def backend_bucket(self) -> Any:
        return s3_backends[ACCOUNT]["aws"].buckets[self._bucket]

    def date(self, key: str, moment: datetime) -> None:
        """Change when an object was written."""
        self.backend_bucket().keys[key].last_modified = moment.replace(tzinfo=None)

    def fill(self, folder: str, count: int) -> None:
        """Put many small objects at once, untold."""
        backend = s3_backends[ACCOUNT]["aws"]
        for n in range(count):
            backend.put_object(self._bucket, f"{folder}{n:05}.png", b"x", disable_notification=True)

    # ------------------------------------------------------------------- tables

    def _log(self) -> Any:
        return dynamodb(self.aws.url).Table(self.record()["dynamodb_table"])

    def rows(self) -> list[dict[str, Any]]:
        table = self._log()
        rows: list[dict[str, Any]] = []
        options: dict[str, Any] = {}
        for _ in range(100):
            answer = table.scan(**options)
            rows += answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return sorted(rows, key=lambda row: (row["DetectLabelDate"], row["DetectLabelRequestId"]))
            options["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
        raise AssertionError("the log has no end")

    def row(self) -> dict[str, Any]:
        (row,) = self.rows()
        return row

    def add_rows(self, rows: Sequence[dict[str, Any]]) -> None:
        self.add_items("dynamodb_table", rows)

    def add_items(self, record_key: str, rows: Sequence[dict[str, Any]]) -> None:
        """Put many items into one of the loop's tables at once."""
        table = dynamodb_backends[ACCOUNT][REGION].tables[self.record()[record_key]]
        serialize = TypeSerializer().serialize
        with MOTO_LOCK:
            for row in rows:
                table.put_item({name: serialize(value) for name, value in row.items()})

    # ------------------------------------------------------------------- queues

    def _queue(self, purpose: str) -> Any:
        name = self.record()[f"{purpose}_queue_url"].rsplit("/", 1)[-1]
        return sqs_backends[ACCOUNT][REGION].queues[name]

    def waiting(self, purpose: str = "uploads") -> list[Any]:
        """Return the messages that were not deleted."""
        return list(self._queue(purpose)._messages)

    def come_again(self, purpose: str = "uploads") -> int:
        """Let the visibility timeout of all messages in flight end now; return how many there are."""
        for message in self._queue(purpose)._messages:
            message.change_visibility(0)
        time.sleep(0.002)  # moto counts in milliseconds
        return len(self._queue(purpose)._messages)

    def dead_letters(self, purpose: str = "uploads") -> list[str]:
        name = self.record()[f"{purpose}_dead_letter_queue_url"].rsplit("/", 1)[-1]
        return [message.body for message in sqs_backends[ACCOUNT][REGION].queues[name]._messages]

    def send(self, body: str, purpose: str = "uploads") -> None:
        self.client("sqs").send_message(QueueUrl=self.record()[f"{purpose}_queue_url"], MessageBody=body)

    def notification(self, key: str, etag: str = "e", sequencer: str = "01", size: int = 1000) -> str:
        """Return S3's notification of an object."""
        described = {"key": quote_plus(key, safe="/"), "size": size, "eTag": etag, "sequencer": sequencer}
        s3 = {"bucket": {"name": self._bucket}, "object": described}
        return json.dumps({"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": s3}]})


def events(told: Sequence[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    """Return the told messages of one kind."""
    return [one for one in told if one["attributes"].get("event") == kind]
