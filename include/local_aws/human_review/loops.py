"""The life of a human loop: answered, expired or stopped, with its output file and its status event."""

import json
import logging
import time
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from local_aws import events
from local_aws.errors import AwsError
from local_aws.human_review.store import HumanLoop, Store, now

_LOG = logging.getLogger(__name__)
_EXPIRED = "The task was not answered within its TaskAvailabilityLifetimeInSeconds."


class HumanLoops:
    """Changes loops and tells of it: the file first, then the status, then the event, as A2I does."""

    def __init__(self, store: Store, s3: Any, stop_seconds: float) -> None:
        self._store = store
        self._s3 = s3
        self._stop_seconds = stop_seconds

    def all(self) -> list[HumanLoop]:
        """List every loop of every region, oldest first."""
        self.advance()
        with self._store.lock:
            return sorted(self._store.loops.values(), key=lambda loop: (loop.created, loop.name))

    def find(self, name: str) -> HumanLoop:
        """Find a loop by its name alone, in whichever region; of several, the one that can be answered."""
        found = [loop for loop in self.all() if loop.name == name]
        if not found:
            raise AwsError("ResourceNotFoundException", f"No human loop {name!r}.", 404)
        return next((loop for loop in found if loop.status == "InProgress"), found[0])

    def stop(self, loop: HumanLoop) -> None:
        """Begin to stop a loop."""
        with self._store.lock:
            loop.status = "Stopping"
            loop.stopped_clock = time.monotonic()

    def advance(self) -> None:
        """Let expire what nobody answered in time, and end what is being stopped."""
        present = time.monotonic()
        with self._store.lock:
            ended = [loop for loop in self._store.loops.values() if self._end_if_due(loop, present)]
        for loop in ended:
            _announce(loop)

    def _end_if_due(self, loop: HumanLoop, present: float) -> bool:
        if loop.status == "Stopping" and present - (loop.stopped_clock or 0) >= self._stop_seconds:
            loop.status = "Stopped"
            return True
        if loop.status == "InProgress" and present - loop.started_clock >= loop.availability_seconds:
            loop.status, loop.failure_code, loop.failure_reason = "Failed", "Expired", _EXPIRED
            return True
        return False

    def add_answer(self, loop: HumanLoop, worker: str | None, content: dict[str, Any]) -> None:
        """Add one worker's answer; the last that is wanted completes the loop."""
        with self._store.lock:
            if loop.status != "InProgress" or len(loop.answers) >= loop.task_count:
                raise AwsError("ConflictException", f"Human loop {loop.name!r} is {loop.status}.", 409)
            worker = worker or f"local-worker-{len(loop.answers) + 1}"
            if any(answer["workerId"] == worker for answer in loop.answers):
                raise AwsError("ConflictException", f"{worker} has answered {loop.name!r} already.", 409)
            loop.answers.append(_answer(worker, content))
            if len(loop.answers) < loop.task_count:
                return
            self._complete(loop)
        _announce(loop)

    def _complete(self, loop: HumanLoop) -> None:
        bucket, key = _output_place(loop)
        document = {
            "flowDefinitionArn": loop.flow.arn,
            "humanAnswers": loop.answers,
            "humanLoopName": loop.name,
            "inputContent": loop.input_content,
        }
        try:
            body = json.dumps(document).encode()
            self._s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/json")
        except (ClientError, BotoCoreError) as error:
            loop.status, loop.failure_code = "Failed", "ValidationError"
            loop.failure_reason = f"The output could not be written to s3://{bucket}/{key}: {error}"[:1024]
            _LOG.warning("human loop %s failed: %s", loop.name, loop.failure_reason)
            return
        loop.status, loop.output_uri = "Completed", f"s3://{bucket}/{key}"


def _answer(worker: str, content: dict[str, Any]) -> dict[str, Any]:
    identity = {"identityProviderType": "Cognito", "issuer": "https://local-aws.invalid", "sub": worker}
    return {
        "answerContent": content,
        "submissionTime": now().isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "workerId": worker,
        "workerMetadata": {"identityData": identity},
    }


def _output_place(loop: HumanLoop) -> tuple[str, str]:
    """Return bucket and key; the folders are the time the loop was created."""
    url = urlsplit(loop.flow.about["OutputConfig"]["S3OutputPath"])
    prefix = url.path.strip("/")
    moment = loop.created.strftime("%Y/%m/%d/%H/%M/%S")
    key = f"{loop.flow.name}/{moment}/{loop.name}/output.json"
    return url.netloc, f"{prefix}/{key}" if prefix else key


def _announce(loop: HumanLoop) -> None:
    """Send the status event."""
    detail = {
        "creationTime": loop.created.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "failureCode": loop.failure_code,
        "failureReason": loop.failure_reason,
        "flowDefinitionArn": loop.flow.arn,
        "humanLoopArn": loop.arn,
        "humanLoopName": loop.name,
        "humanLoopOutput": {"outputS3Uri": loop.output_uri} if loop.output_uri else None,
        "humanLoopStatus": loop.status,
    }
    events.emit(loop.region, "aws.sagemaker", "SageMaker A2I HumanLoop Status Change", [loop.arn], detail)
