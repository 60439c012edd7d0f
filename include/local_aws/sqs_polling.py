"""SQS long polls that wait outside moto's lock, so that a waiting receiver keeps nobody from sending."""

import json
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from moto.sqs.models import sqs_backends

from local_aws.answers import Answer
from local_aws.requests import Request
from local_aws.services import ACCOUNT_ID

MAX_WAIT_SECONDS = 20.0  # SQS's own limit
_LOOK_SECONDS = 0.25  # how often messages are looked for that become visible by time alone
_BLOCKED_SECONDS = 0.05  # pause when messages are there but held back, as in a FIFO group being worked on


def receive(request: Request, dispatch: Callable[[Request], Answer], closing: threading.Event) -> Answer:
    """Ask for messages at once, and again when some arrive, until the wait that the caller wants is over."""
    queue = _queue(request)
    wait_seconds = _wait_seconds(request, queue)
    if queue is None or not 0 < wait_seconds <= MAX_WAIT_SECONDS:
        return dispatch(request)
    _ask_without_waiting(request)
    deadline = time.monotonic() + wait_seconds
    answer = dispatch(request)
    while not (answer.status != 200 or b"ReceiptHandle" in answer.body or closing.is_set()):
        left = deadline - time.monotonic()
        if left <= 0:
            break
        if queue.messages:
            time.sleep(min(left, _BLOCKED_SECONDS))
        queue.wait_for_messages(min(left, _LOOK_SECONDS))
        if queue.messages:
            answer = dispatch(request)
    return answer


def _queue(request: Request) -> Any:
    name = str(_parameters(request).get("QueueUrl") or request.path).rstrip("/").rpartition("/")[2]
    return sqs_backends[ACCOUNT_ID][request.scope.region].queues.get(name)


def _wait_seconds(request: Request, queue: Any) -> float:
    default = queue.receive_message_wait_time_seconds if queue else 0
    try:
        return float(_parameters(request).get("WaitTimeSeconds", default) or 0)
    except (TypeError, ValueError):
        return 0.0  # moto words the error


def _parameters(request: Request) -> dict[str, Any]:
    if request.protocol == "json":
        try:
            body = json.loads(request.body or b"{}")
        except ValueError:
            return {}
        return body if isinstance(body, dict) else {}
    return {name: values[0] for name, values in request.form.items()}


def _ask_without_waiting(request: Request) -> None:
    parameters = _parameters(request) | {"WaitTimeSeconds": 0}
    text = json.dumps(parameters) if request.protocol == "json" else urlencode(parameters)
    request.replace_body(text.encode())
