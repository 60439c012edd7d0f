"""Amazon A2I's runtime: starting, describing, listing, stopping and deleting human loops."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from local_aws.errors import AwsError
from local_aws.human_review.loops import HumanLoops
from local_aws.human_review.paging import page
from local_aws.human_review.refusal import refuse_if_never_used
from local_aws.human_review.store import HumanLoop, Resource, Store, arn
from local_aws.services import RequestContext
from local_aws.settings import EndpointSettings

MAX_INPUT_BYTES = 3 * 1024 * 1024
_Operation = Callable[[Mapping[str, Any], str], dict[str, Any]]


class A2iRuntime:
    """The service that boto3 calls ``sagemaker-a2i-runtime``."""

    name = "sagemaker-a2i-runtime"

    def __init__(self, settings: EndpointSettings, store: Store, loops: HumanLoops) -> None:
        self._settings = settings
        self._store = store
        self._loops = loops
        self._operations: dict[str, _Operation] = {
            "StartHumanLoop": self._start,
            "DescribeHumanLoop": self._describe,
            "ListHumanLoops": self._list,
            "StopHumanLoop": self._stop,
            "DeleteHumanLoop": self._delete,
        }

    def call(self, operation: str, request: Mapping[str, Any], context: RequestContext) -> dict[str, Any]:
        """Answer one call."""
        handler = self._operations.get(operation)
        if handler is None:
            text = f"The local endpoint does not offer sagemaker-a2i-runtime {operation}."
            raise AwsError("UnknownOperationException", text)
        self._loops.advance()
        with self._store.lock:
            return handler(request, context.region)

    def _start(self, request: Mapping[str, Any], region: str) -> dict[str, Any]:
        refuse_if_never_used(self._settings)
        name = request["HumanLoopName"]
        # For StartHumanLoop the model declares no ResourceNotFoundException.
        flow = self._flow(request["FlowDefinitionArn"], "ValidationException")
        content = _input_content(request["HumanLoopInput"]["InputContent"])
        if (region, name) in self._store.loops:
            raise AwsError("ConflictException", f"A human loop {name!r} exists already.", 409)
        loop = HumanLoop(name, region, arn(region, "human-loop", name), flow, content)
        self._store.loops[region, name] = loop
        return {"HumanLoopArn": loop.arn}

    def _describe(self, request: Mapping[str, Any], region: str) -> dict[str, Any]:
        loop = self._find(region, request["HumanLoopName"])
        return {
            "CreationTime": loop.created,
            "FailureReason": loop.failure_reason,
            "FailureCode": loop.failure_code,
            "HumanLoopStatus": loop.status,
            "HumanLoopName": loop.name,
            "HumanLoopArn": loop.arn,
            "FlowDefinitionArn": loop.flow.arn,
            "HumanLoopOutput": {"OutputS3Uri": loop.output_uri} if loop.output_uri else None,
        }

    def _list(self, request: Mapping[str, Any], region: str) -> dict[str, Any]:
        flow = self._flow(request["FlowDefinitionArn"], "ResourceNotFoundException")
        loops = [loop for loop in self._store.loops.values() if loop.flow is flow and loop.region == region]
        found, token = page(loops, request)
        return {"HumanLoopSummaries": [_summary(loop) for loop in found], "NextToken": token}

    def _stop(self, request: Mapping[str, Any], region: str) -> dict[str, Any]:
        loop = self._find(region, request["HumanLoopName"])
        if loop.status != "InProgress":
            raise AwsError("ValidationException", f"Human loop {loop.name!r} is {loop.status}, not InProgress.")
        self._loops.stop(loop)
        return {}

    def _delete(self, request: Mapping[str, Any], region: str) -> dict[str, Any]:
        loop = self._find(region, request["HumanLoopName"])
        if loop.status in ("InProgress", "Stopping"):
            text = f"Human loop {loop.name!r} is {loop.status}: it must end before it is deleted."
            raise AwsError("ValidationException", text)
        del self._store.loops[region, loop.name]
        return {}

    def _flow(self, wanted: str, code: str) -> Resource:
        for flow in self._store.flows.values():
            if flow.arn == wanted:
                return flow
        raise AwsError(code, f"Flow definition {wanted} does not exist.")

    def _find(self, region: str, name: str) -> HumanLoop:
        if (region, name) not in self._store.loops:
            raise AwsError("ResourceNotFoundException", f"No human loop {name!r} in {region}.", 404)
        return self._store.loops[region, name]


def _summary(loop: HumanLoop) -> dict[str, Any]:
    return {
        "HumanLoopName": loop.name,
        "HumanLoopStatus": loop.status,
        "CreationTime": loop.created,
        "FailureReason": loop.failure_reason,
        "FlowDefinitionArn": loop.flow.arn,
    }


def _input_content(text: str) -> Any:
    if len(text.encode()) > MAX_INPUT_BYTES:
        raise AwsError("ValidationException", f"InputContent is larger than {MAX_INPUT_BYTES} bytes.")
    try:
        return json.loads(text)
    except ValueError as error:
        raise AwsError("ValidationException", f"InputContent is not JSON: {error}") from error
