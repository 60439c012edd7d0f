"""The loop as its users access it: boto3 with the stack's endpoint."""

import mimetypes
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

import boto3
import botocore.session

from demo.errors import DemoError
from demo.pictures import AnyPicture
from label_loop.domain.label_audit import LabelAudit
from label_loop.domain.log_row import Attribute, LogRow
from label_loop.loop import Loop
from label_loop.loop_state import LoopState
from label_loop.payloads import AUDIT_KEY, LABELLED_FOLDER, TrainingAttempt
from label_loop.provisioning import Options, ResourceLine, provision
from label_loop.provisioning.review import AIRFLOW
from label_loop.system_record import SYSTEM_RECORD, SystemRecord
from local_aws.requests import INTERNAL_USER_AGENT

_UPLOADS_AT_ONCE = 8


class LoopAws:
    """One loop's AWS resources. The endpoint does not count these calls: they are the demo's, not the loop's."""

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        session = botocore.session.get_session()
        session.user_agent_extra = INTERNAL_USER_AGENT
        self._session = boto3.Session(botocore_session=session)
        self._ssm: Any = self._session.client("ssm")
        self._s3: Any = self._session.client("s3")
        self._rekognition: Any = self._session.client("rekognition")

    def provision(self, labels: Sequence[str], report: Callable[[ResourceLine], None]) -> None:
        """Create the loop's resources."""
        options = Options(labels=tuple(labels), review_backend=AIRFLOW)
        provision(self.loop, options, self._session, report)

    # ------------------------------------------------------------ parameters

    def parameter(self, name: str) -> str:
        """Return a parameter's text in Parameter Store."""
        found = self._ssm.get_parameter(Name=self.loop.parameter(name), WithDecryption=True)
        return str(found["Parameter"]["Value"])

    def put_parameter(self, name: str, value: str) -> None:
        """Change a parameter in Parameter Store, as an operator does."""
        self._ssm.put_parameter(Name=self.loop.parameter(name), Value=value, Overwrite=True)

    @cached_property
    def record(self) -> SystemRecord:
        """The names of the loop's resources."""
        return SystemRecord.parse(self.loop, self.parameter(SYSTEM_RECORD))

    @cached_property
    def _state_table(self) -> Any:
        return self._session.resource("dynamodb").Table(self.record.state_table)

    def state(self) -> LoopState:
        """Return the loop's state, which is empty until a task of the loop has read it."""
        return LoopState.parse(self._state_table.get_item(Key={"Loop": self.loop.path}).get("Item", {}))

    def last_attempt(self) -> TrainingAttempt:
        """Return the last training attempt. Raises DemoError if there was none."""
        attempt = self.state().last_training_attempt
        if attempt is None:
            raise DemoError("No training was attempted.")
        return attempt

    @property
    def bucket(self) -> str:
        """The loop's bucket."""
        return self.record.bucket

    # ---------------------------------------------------------------- images

    def upload(self, keys: Mapping[str, AnyPicture], progress: Callable[[int], None]) -> None:
        """Upload pictures to their keys, several at once; ``progress`` is called with the number uploaded so far."""
        with ThreadPoolExecutor(_UPLOADS_AT_ONCE) as pool:
            for count, _ in enumerate(pool.map(self._put, keys.items()), start=1):
                progress(count)

    def _put(self, item: tuple[str, AnyPicture]) -> None:
        key, picture = item
        content_type = mimetypes.guess_type(PurePosixPath(key).name)[0] or "application/octet-stream"
        self._s3.put_object(Bucket=self.bucket, Key=key, Body=picture.body, ContentType=content_type)

    def move(self, targets: Mapping[str, str], progress: Callable[[int], None]) -> None:
        """Move objects to other keys, as moving a file to another folder does; ``progress`` as for ``upload``."""
        with ThreadPoolExecutor(_UPLOADS_AT_ONCE) as pool:
            for count, _ in enumerate(pool.map(self._move, targets.items()), start=1):
                progress(count)

    def _move(self, item: tuple[str, str]) -> None:
        key, target = item
        self._s3.copy_object(Bucket=self.bucket, Key=target, CopySource={"Bucket": self.bucket, "Key": key})
        self._s3.delete_object(Bucket=self.bucket, Key=key)

    def labelled_images(self) -> int:
        """Return the number of training images, without the folders' markers."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=LABELLED_FOLDER)
        return sum(not item["Key"].endswith("/") for page in pages for item in page.get("Contents", []))

    # ------------------------------------------------------------------- log

    @cached_property
    def _table(self) -> Any:
        return self._session.resource("dynamodb").Table(self.record.log_table)

    def count_rows(self, *, learned: bool = False) -> int:
        """Return the number of detections in the log: all, or those whose image an answer added for training."""
        chosen = {"FilterExpression": f"attribute_exists({Attribute.COPIED_KEY})"} if learned else {}
        pages = self._table.meta.client.get_paginator("scan").paginate(
            TableName=self._table.name, ConsistentRead=True, Select="COUNT", **chosen
        )
        return sum(page["Count"] for page in pages)

    def count_open_reviews(self) -> int:
        """Return the number of reviews that wait for an answer."""
        pages = self._table.meta.client.get_paginator("scan").paginate(
            TableName=self.record.reviews_table,
            ConsistentRead=True,
            Select="COUNT",
            FilterExpression="Queue = :open",
            ExpressionAttributeValues={":open": "open"},
        )
        return sum(page["Count"] for page in pages)

    def rows(self) -> list[LogRow]:
        """Return the whole inference log."""
        # The client of a resource returns plain Python values.
        pages = self._table.meta.client.get_paginator("scan").paginate(TableName=self._table.name, ConsistentRead=True)
        return [LogRow.from_item(item) for page in pages for item in page["Items"]]

    def suspect_keys(self) -> set[str]:
        """Return the keys of the images whose labels the latest audit took for wrong; none without an audit."""
        try:
            body = self._s3.get_object(Bucket=self.bucket, Key=AUDIT_KEY)["Body"].read()
        except self._s3.exceptions.NoSuchKey:
            return set()
        audit = LabelAudit.from_json(body)
        return {suspect.key for suspect in audit.suspects} if audit else set()

    # ---------------------------------------------------------------- models

    def versions(self) -> list[dict[str, Any]]:
        """Return the project's versions, oldest first."""
        pages = self._rekognition.get_paginator("describe_project_versions").paginate(
            ProjectArn=self.record.project_arn
        )
        found = [version for page in pages for version in page["ProjectVersionDescriptions"]]
        return sorted(found, key=lambda version: version["CreationTimestamp"])
