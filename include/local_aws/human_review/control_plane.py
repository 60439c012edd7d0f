"""SageMaker's operations for human review: task templates, work teams and flow definitions."""

import hashlib
import time
from collections.abc import Callable, Mapping
from typing import Any

from local_aws.errors import AwsError
from local_aws.human_review.paging import page
from local_aws.human_review.refusal import refuse_if_never_used
from local_aws.human_review.store import Resource, Store, arn
from local_aws.services import ACCOUNT_ID, RequestContext
from local_aws.settings import EndpointSettings

_Operation = Callable[[Mapping[str, Any], str], dict[str, Any]]
_Table = dict[tuple[str, str], Resource]


class SageMaker:
    """The part of SageMaker that human review needs; every other operation is unknown."""

    name = "sagemaker"

    def __init__(self, settings: EndpointSettings, store: Store) -> None:
        self._settings = settings
        self._store = store
        self._operations: dict[str, _Operation] = {
            "CreateHumanTaskUi": self._create_task_ui,
            "DescribeHumanTaskUi": self._describe_task_ui,
            "ListHumanTaskUis": self._list_task_uis,
            "DeleteHumanTaskUi": self._delete_task_ui,
            "CreateWorkteam": self._create_workteam,
            "DescribeWorkteam": self._describe_workteam,
            "ListWorkteams": self._list_workteams,
            "DeleteWorkteam": self._delete_workteam,
            "CreateFlowDefinition": self._create_flow,
            "DescribeFlowDefinition": self._describe_flow,
            "ListFlowDefinitions": self._list_flows,
            "DeleteFlowDefinition": self._delete_flow,
        }

    def call(self, operation: str, request: Mapping[str, Any], context: RequestContext) -> dict[str, Any]:
        """Answer one call."""
        handler = self._operations.get(operation)
        if handler is None:
            text = f"The local endpoint does not offer sagemaker {operation}."
            raise AwsError("UnknownOperationException", text)
        with self._store.lock:
            return handler(request, context.region)

    def _create_task_ui(self, request: Mapping[str, Any], region: str) -> dict[str, Any]:
        created = _create(self._store.task_uis, request, region, "HumanTaskUiName", "human-task-ui")
        return {"HumanTaskUiArn": created.arn}

    def _describe_task_ui(self, request: Mapping[str, Any], region: str) -> dict[str, Any]:
        found = _find(self._store.task_uis, region, request["HumanTaskUiName"], "human task UI")
        digest = hashlib.sha256(found.about["UiTemplate"]["Content"].encode()).hexdigest()
        url = f"https://sagemaker-human-task-ui.invalid/{region}/{found.name}/{digest}"
        return _task_ui(found) | {
            "HumanTaskUiStatus": "Active",
            "UiTemplate": {"Url": url, "ContentSha256": digest},
        }

    def _list_task_uis(self, request: Mapping[str, Any], region: str) -> dict[str, Any]:
        found, token = page(_of_region(self._store.task_uis, region), request)
        return {"HumanTaskUiSummaries": [_task_ui(item) for item in found], "NextToken": token}

    def _delete_task_ui(self, request: Mapping[str, Any], region: str) -> dict[str, Any]:
        found = _find(self._store.task_uis, region, request["HumanTaskUiName"], "human task UI")
        del self._store.task_uis[region, found.name]
        return {}

    def _create_workteam(self, request: Mapping[str, Any], region: str) -> dict[str, Any]:
        created = _create(self._store.workteams, request, region, "WorkteamName", "workteam/private-crowd")
        return {"WorkteamArn": created.arn}

    def _describe_workteam(self, request: Mapping[str, Any], region: str) -> dict[str, Any]:
        found = self._store.workteams.get((region, request["WorkteamName"]))
        if found is None:  # the model declares no ResourceNotFound here
            raise AwsError("ValidationException", f"Workteam {request['WorkteamName']} does not exist.")
        return {"Workteam": _workteam(found, region)}

    def _list_workteams(self, request: Mapping[str, Any], region: str) -> dict[str, Any]:
        part = request.get("NameContains", "")
        found, token = page((item for item in _of_region(self._store.workteams, region) if part in item.name), request)
        return {"Workteams": [_workteam(item, region) for item in found], "NextToken": token}

    def _delete_workteam(self, request: Mapping[str, Any], region: str) -> dict[str, Any]:
        return {"Success": self._store.workteams.pop((region, request["WorkteamName"]), None) is not None}

    def _create_flow(self, request: Mapping[str, Any], region: str) -> dict[str, Any]:
        refuse_if_never_used(self._settings)
        config = request.get("HumanLoopConfig")
        if config is None:
            raise AwsError("ValidationException", "HumanLoopConfig is required for a human review workflow.")
        self._check_exists(self._store.task_uis, config["HumanTaskUiArn"])
        self._check_exists(self._store.workteams, config["WorkteamArn"])
        created = _create(self._store.flows, request, region, "FlowDefinitionName", "flow-definition")
        return {"FlowDefinitionArn": created.arn}

    def _describe_flow(self, request: Mapping[str, Any], region: str) -> dict[str, Any]:
        found = _find(self._store.flows, region, request["FlowDefinitionName"], "flow definition")
        about = {key: value for key, value in found.about.items() if key != "Tags"}
        return about | self._flow(found)

    def _list_flows(self, request: Mapping[str, Any], region: str) -> dict[str, Any]:
        found, token = page(_of_region(self._store.flows, region), request)
        return {"FlowDefinitionSummaries": [self._flow(item) for item in found], "NextToken": token}

    def _delete_flow(self, request: Mapping[str, Any], region: str) -> dict[str, Any]:
        found = _find(self._store.flows, region, request["FlowDefinitionName"], "flow definition")
        for loop in self._store.loops.values():
            if loop.flow is found and loop.status == "InProgress":
                raise AwsError("ResourceInUse", f"Human loop {loop.name} of {found.arn} is in progress.")
        del self._store.flows[region, found.name]
        return {}

    def _flow(self, item: Resource) -> dict[str, Any]:
        age_seconds = time.monotonic() - item.created_clock
        active = age_seconds >= self._settings.flow_definition_seconds
        return {
            "FlowDefinitionName": item.name,
            "FlowDefinitionArn": item.arn,
            "FlowDefinitionStatus": "Active" if active else "Initializing",
            "CreationTime": item.created,
        }

    def _check_exists(self, table: _Table, wanted: str) -> None:
        """Check a resource of this account; another's, such as AWS's public work team, cannot be known."""
        if f":{ACCOUNT_ID}:" in wanted and all(item.arn != wanted for item in table.values()):
            raise AwsError("ValidationException", f"{wanted} does not exist.")


def _create(table: _Table, request: Mapping[str, Any], region: str, key: str, kind: str) -> Resource:
    name = request[key]
    created = Resource(name, arn(region, kind, name), dict(request))
    if (region, name) in table:
        raise AwsError("ResourceInUse", f"{created.arn} exists already.")
    table[region, name] = created
    return created


def _find(table: _Table, region: str, name: str, kind: str) -> Resource:
    if (region, name) not in table:
        raise AwsError("ResourceNotFound", f"No {kind} {name!r} in {region}.")
    return table[region, name]


def _of_region(table: _Table, region: str) -> list[Resource]:
    return [item for (place, _), item in table.items() if place == region]


def _task_ui(item: Resource) -> dict[str, Any]:
    return {"HumanTaskUiName": item.name, "HumanTaskUiArn": item.arn, "CreationTime": item.created}


def _workteam(item: Resource, region: str) -> dict[str, Any]:
    about = {key: value for key, value in item.about.items() if key not in ("Tags", "WorkforceName")}
    return about | {
        "WorkteamArn": item.arn,
        "WorkforceArn": arn(region, "workforce", item.about.get("WorkforceName", "default")),
        "CreateDate": item.created,
        "LastUpdatedDate": item.created,
    }
