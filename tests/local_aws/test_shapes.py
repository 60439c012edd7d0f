"""Every operation's raw answer, held against botocore's model, so that the fake cannot drift from AWS."""

import json
from datetime import datetime
from typing import Any

import pytest
from botocore.model import ListShape, Shape, StructureShape
from tests.local_aws.endpoint import Endpoint
from tests.local_aws.reviews import make_flow, start_loop

_TYPES: dict[str, Any] = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "long": int,
    "float": (int, float),
    "double": (int, float),
}


def faults_of(shape: Shape, value: Any, path: str = "answer") -> list[str]:
    """List how a raw JSON value departs from its shape."""
    if isinstance(shape, StructureShape):
        if not isinstance(value, dict):
            return [f"{path} is no object"]
        found = [f"{path}.{name} is missing" for name in shape.required_members if name not in value]
        found += [f"{path}.{name} is unknown" for name in value if name not in shape.members]
        for name in set(value) & set(shape.members):
            found += faults_of(shape.members[name], value[name], f"{path}.{name}")
        return found
    if isinstance(shape, ListShape):
        return [fault for item in value for fault in faults_of(shape.member, item, f"{path}[]")]
    return _scalar_faults(shape, value, path)


def _scalar_faults(shape: Shape, value: Any, path: str) -> list[str]:
    if shape.type_name == "timestamp":
        return _timestamp_faults(shape, value, path)
    if not isinstance(value, _TYPES[shape.type_name]):
        return [f"{path} is {value!r}"]
    if shape.metadata.get("enum") and value not in shape.metadata["enum"]:
        return [f"{path} is {value!r}, not of the enum"]
    return []


def _timestamp_faults(shape: Shape, value: Any, path: str) -> list[str]:
    if shape.serialization.get("timestampFormat") == "iso8601":
        return [] if isinstance(value, str) and datetime.fromisoformat(value).tzinfo else [f"{path} is {value!r}"]
    return [] if isinstance(value, int | float) and value > 1.7e9 else [f"{path} is {value!r}"]


class Recorder:
    """Keeps the raw answers of a client and what the model says of them."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.seen: dict[str, list[str]] = {}
        client.meta.events.register(f"before-parse.{client.meta.service_model.service_name}", self._keep)

    def _keep(self, operation_model: Any, response_dict: dict[str, Any], **_: Any) -> None:
        value = json.loads(response_dict["body"] or b"{}")
        shape = operation_model.output_shape
        found = faults_of(shape, value) if shape else ([] if value == {} else ["it is not empty"])
        self.seen.setdefault(operation_model.name, []).extend(found)


@pytest.mark.parametrize("value", [{}, {"CreationTime": "now"}, {"Extra": 1}])
def test_the_check_itself_finds_faults(endpoint: Endpoint, value: dict[str, Any]) -> None:
    shape = endpoint.client("sagemaker").meta.service_model.operation_model("DescribeHumanTaskUi").output_shape
    assert faults_of(shape, value)


def test_sagemakers_answers_fit_the_model(endpoint: Endpoint) -> None:
    recorder = Recorder(endpoint.client("sagemaker"))
    sagemaker = recorder.client
    make_flow(sagemaker, TaskKeywords=["label"], TaskAvailabilityLifetimeInSeconds=60)
    sagemaker.describe_human_task_ui(HumanTaskUiName="ui")
    sagemaker.list_human_task_uis(SortOrder="Descending")
    sagemaker.describe_workteam(WorkteamName="team")
    assert len(sagemaker.list_workteams(NameContains="ea", SortBy="Name")["Workteams"]) == 1
    sagemaker.describe_flow_definition(FlowDefinitionName="flow")
    sagemaker.list_flow_definitions(MaxResults=1)
    sagemaker.delete_flow_definition(FlowDefinitionName="flow")
    assert sagemaker.delete_workteam(WorkteamName="team")["Success"]
    sagemaker.delete_human_task_ui(HumanTaskUiName="ui")
    offered = {
        f"{verb}{kind}"
        for verb in ("Create", "Describe", "Delete")
        for kind in ("HumanTaskUi", "Workteam", "FlowDefinition")
    }
    offered |= {"ListHumanTaskUis", "ListWorkteams", "ListFlowDefinitions"}
    assert recorder.seen == {name: [] for name in offered}


def test_a2is_answers_fit_the_model(endpoint: Endpoint) -> None:
    flow = make_flow(endpoint.client("sagemaker"), endpoint.client("s3"))
    recorder = Recorder(endpoint.client("sagemaker-a2i-runtime"))
    a2i = recorder.client
    start_loop(a2i, flow, "answered")
    start_loop(a2i, flow, "stopped")
    a2i.describe_human_loop(HumanLoopName="answered")
    endpoint.control("POST", "human-loops/answered/answer", {"label": "cat"})
    a2i.describe_human_loop(HumanLoopName="answered")
    a2i.list_human_loops(FlowDefinitionArn=flow, MaxResults=1)
    a2i.stop_human_loop(HumanLoopName="stopped")
    a2i.delete_human_loop(HumanLoopName="answered")
    assert recorder.seen == {name: [] for name in a2i.meta.service_model.operation_names}


def test_rekognitions_answers_fit_the_model_through_the_front(endpoint: Endpoint) -> None:
    recorder = Recorder(endpoint.client("rekognition"))
    rekognition = recorder.client
    arn = rekognition.create_project(ProjectName="logos")["ProjectArn"]
    rekognition.describe_projects()
    rekognition.describe_project_versions(ProjectArn=arn)
    rekognition.delete_project(ProjectArn=arn)
    expected = {"CreateProject", "DescribeProjects", "DescribeProjectVersions", "DeleteProject"}
    assert recorder.seen == {name: [] for name in expected}
