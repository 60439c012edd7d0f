import json
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError
from tests.local_aws.endpoint import Endpoint
from tests.local_aws.reviews import TEAM, add_flow, make_flow, start_loop


def until(check: Callable[[], Any], seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = check()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("it did not happen in time")


def code_of(call: Callable[..., Any], **parameters: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    return str(caught.value.response["Error"]["Code"])


def test_an_answer_completes_the_loop_writes_the_file_and_is_told(endpoint: Endpoint) -> None:
    s3, a2i = endpoint.client("s3"), endpoint.client("sagemaker-a2i-runtime")
    flow = make_flow(endpoint.client("sagemaker"), s3)
    told = endpoint.rule({"detail-type": ["SageMaker A2I HumanLoop Status Change"]})
    url, queue = endpoint.queue("uploads")
    configuration = {"QueueArn": queue, "Events": ["s3:ObjectCreated:*"]}
    s3.put_bucket_notification_configuration(
        Bucket="reviews", NotificationConfiguration={"QueueConfigurations": [configuration]}
    )
    endpoint.messages(url)
    arn = start_loop(a2i, flow)
    (waiting,) = endpoint.control("GET", "human-loops?status=InProgress")[1]
    assert (waiting["name"], waiting["flow_definition_arn"]) == ("loop", flow)
    assert waiting["input_content"] == {"taskObject": "s3://b/ü.png"}
    assert endpoint.control("POST", "human-loops/loop/answer", {"label": "cat"})[0] == 200
    described = a2i.describe_human_loop(HumanLoopName="loop")
    assert described["HumanLoopStatus"] == "Completed"
    place = urlsplit(described["HumanLoopOutput"]["OutputS3Uri"])
    moment = described["CreationTime"].strftime("%Y/%m/%d/%H/%M/%S")
    assert place.path == f"/a2i-human-loop-data/flow/{moment}/loop/output.json"
    output = json.loads(s3.get_object(Bucket="reviews", Key=place.path[1:])["Body"].read())
    assert (output["humanLoopName"], output["flowDefinitionArn"]) == ("loop", flow)
    assert output["inputContent"] == {"taskObject": "s3://b/ü.png"}
    (answer,) = output["humanAnswers"]
    assert answer["answerContent"] == {"crowd-image-classifier": {"label": "cat"}}
    assert answer["submissionTime"].endswith("Z")
    (upload,) = endpoint.messages(url)
    assert upload["Records"][0]["s3"]["object"]["key"] == place.path[1:]
    (event,) = endpoint.messages(told)
    assert event["source"] == "aws.sagemaker"
    assert event["detail"]["humanLoopStatus"] == "Completed"
    assert event["detail"]["humanLoopArn"] == arn
    assert event["detail"]["humanLoopOutput"]["outputS3Uri"] == described["HumanLoopOutput"]["OutputS3Uri"]
    assert endpoint.control("POST", "human-loops/loop/answer", {"label": "dog"})[0] == 409
    assert endpoint.counts()["s3.GetObject"] == 1
    assert "s3.PutObject" not in endpoint.counts()


def test_as_many_workers_answer_as_the_flow_wants(endpoint: Endpoint) -> None:
    a2i, s3 = endpoint.client("sagemaker-a2i-runtime"), endpoint.client("s3")
    start_loop(a2i, make_flow(endpoint.client("sagemaker"), s3, task_count=2))
    assert endpoint.control("POST", "human-loops/loop/answer", {"label": "cat", "worker": "ann"})[1]["answers"] == 1
    assert endpoint.control("POST", "human-loops/loop/answer", {"label": "dog", "worker": "ann"})[0] == 409
    assert a2i.describe_human_loop(HumanLoopName="loop")["HumanLoopStatus"] == "InProgress"
    done = endpoint.control("POST", "human-loops/loop/answer", {"answerContent": {}, "worker": "bob"})[1]
    assert (done["status"], done["answers"]) == ("Completed", 2)
    key = urlsplit(done["output"]).path[1:]
    answers = json.loads(s3.get_object(Bucket="reviews", Key=key)["Body"].read())["humanAnswers"]
    assert [answer["workerId"] for answer in answers] == ["ann", "bob"]
    assert answers[1]["answerContent"] == {}


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("human-loops/none/answer", {"label": "cat"}, 404),
        ("human-loops/loop/answer", {}, 400),
        ("human-loops/loop/answer", {"label": 1}, 400),
        ("human-loops/loop/answer", {"label": "cat", "more": 1}, 400),
        ("human-loops/loop/answer", ["cat"], 400),
    ],
)
def test_bad_answers_are_refused(endpoint: Endpoint, path: str, body: Any, status: int) -> None:
    start_loop(endpoint.client("sagemaker-a2i-runtime"), make_flow(endpoint.client("sagemaker")))
    assert endpoint.control("POST", path, body)[0] == status
    assert endpoint.control("GET", "human-loops?status=Nonsense")[0] == 400


def test_a_loop_nobody_answers_expires_without_a_file(endpoint: Endpoint) -> None:
    s3, a2i = endpoint.client("s3"), endpoint.client("sagemaker-a2i-runtime")
    flow = make_flow(endpoint.client("sagemaker"), s3, TaskAvailabilityLifetimeInSeconds=1)
    told = endpoint.rule({"source": ["aws.sagemaker"]})
    start_loop(a2i, flow)
    assert a2i.describe_human_loop(HumanLoopName="loop")["HumanLoopStatus"] == "InProgress"
    (event,) = endpoint.messages(told, wait=5)
    assert (event["detail"]["humanLoopStatus"], event["detail"]["failureCode"]) == ("Failed", "Expired")
    described = a2i.describe_human_loop(HumanLoopName="loop")
    assert (described["HumanLoopStatus"], described["FailureCode"]) == ("Failed", "Expired")
    assert "HumanLoopOutput" not in described
    assert s3.list_objects_v2(Bucket="reviews")["KeyCount"] == 0
    assert endpoint.control("POST", "human-loops/loop/answer", {"label": "cat"})[0] == 409


def test_an_output_that_cannot_be_written_fails_the_loop(endpoint: Endpoint) -> None:
    a2i = endpoint.client("sagemaker-a2i-runtime")
    start_loop(a2i, make_flow(endpoint.client("sagemaker")))
    endpoint.control("POST", "human-loops/loop/answer", {"label": "cat"})
    described = a2i.describe_human_loop(HumanLoopName="loop")
    assert (described["HumanLoopStatus"], described["FailureCode"]) == ("Failed", "ValidationError")
    assert "NoSuchBucket" in described["FailureReason"]


def test_stopping_and_deleting(endpoint: Endpoint) -> None:
    a2i, sagemaker = endpoint.client("sagemaker-a2i-runtime"), endpoint.client("sagemaker")
    start_loop(a2i, make_flow(sagemaker))
    assert code_of(a2i.delete_human_loop, HumanLoopName="loop") == "ValidationException"
    assert code_of(sagemaker.delete_flow_definition, FlowDefinitionName="flow") == "ResourceInUse"
    a2i.stop_human_loop(HumanLoopName="loop")
    assert a2i.describe_human_loop(HumanLoopName="loop")["HumanLoopStatus"] == "Stopping"
    until(lambda: a2i.describe_human_loop(HumanLoopName="loop")["HumanLoopStatus"] == "Stopped")
    assert code_of(a2i.stop_human_loop, HumanLoopName="loop") == "ValidationException"
    a2i.delete_human_loop(HumanLoopName="loop")
    assert code_of(a2i.describe_human_loop, HumanLoopName="loop") == "ResourceNotFoundException"
    assert code_of(a2i.delete_human_loop, HumanLoopName="loop") == "ResourceNotFoundException"


def test_what_starts_no_loop(endpoint: Endpoint) -> None:
    a2i = endpoint.client("sagemaker-a2i-runtime")
    flow = make_flow(endpoint.client("sagemaker"))
    start_loop(a2i, flow)

    def start(name: str = "other", arn: str = flow, content: str = "{}") -> str:
        return code_of(lambda: start_loop(a2i, arn, name, content))

    assert start("loop") == "ConflictException"
    assert start("Upper") == "ValidationException"
    assert start("-a") == "ValidationException"
    assert start("a" * 64) == "ValidationException"
    assert start(arn=flow + "x") == "ValidationException"
    assert start(content="not json") == "ValidationException"
    assert start(content=json.dumps("x" * 3 * 1024 * 1024)) == "ValidationException"
    assert start(content=json.dumps("ü" * 1_600_000, ensure_ascii=False)) == "ValidationException"
    start_loop(a2i, flow, "a" * 63, json.dumps("x" * (3 * 1024 * 1024 - 2)))
    assert len(endpoint.control("GET", "human-loops")[1]) == 2


def test_listing_pages_filters_and_sorts(endpoint: Endpoint) -> None:
    a2i = endpoint.client("sagemaker-a2i-runtime")
    flow = make_flow(endpoint.client("sagemaker"))
    names = [f"loop-{number:02}" for number in range(12)]
    for name in names:
        start_loop(a2i, flow, name)

    def listed(**options: Any) -> list[str]:
        pages = a2i.get_paginator("list_human_loops").paginate(FlowDefinitionArn=flow, **options)
        return [loop["HumanLoopName"] for page in pages for loop in page["HumanLoopSummaries"]]

    assert listed(PaginationConfig={"PageSize": 5}) == names
    assert listed(SortOrder="Descending") == names[::-1]
    middle = a2i.describe_human_loop(HumanLoopName="loop-05")["CreationTime"]
    before = listed(CreationTimeBefore=middle)
    after = listed(CreationTimeAfter=middle - timedelta(milliseconds=1))
    assert before + after == names
    assert code_of(a2i.list_human_loops, FlowDefinitionArn=flow, NextToken="!") == "ValidationException"
    assert code_of(a2i.list_human_loops, FlowDefinitionArn=flow, MaxResults=101) == "ValidationException"
    assert code_of(a2i.list_human_loops, FlowDefinitionArn=flow + "x") == "ResourceNotFoundException"


def test_an_account_that_never_used_a2i_is_refused(start: Callable[..., Endpoint]) -> None:
    endpoint = start(refuse_human_loops=True)
    assert code_of(lambda: make_flow(endpoint.client("sagemaker"))) == "AccessDeniedException"
    arn = "arn:aws:sagemaker:us-east-1:123456789012:flow-definition/flow"
    with pytest.raises(ClientError, match="not available to new customers"):
        start_loop(endpoint.client("sagemaker-a2i-runtime"), arn)


def test_flow_definitions_become_active_and_need_their_parts(start: Callable[..., Endpoint]) -> None:
    endpoint = start(flow_definition_seconds=0.5)
    sagemaker = endpoint.client("sagemaker")
    make_flow(sagemaker)

    def status() -> str:
        return str(sagemaker.describe_flow_definition(FlowDefinitionName="flow")["FlowDefinitionStatus"])

    assert status() == "Initializing"
    until(lambda: status() == "Active")
    team = sagemaker.describe_workteam(WorkteamName="team")["Workteam"]["WorkteamArn"]
    missing = "arn:aws:sagemaker:us-east-1:123456789012:human-task-ui/none"
    assert code_of(lambda: add_flow(sagemaker, team, missing, "other")) == "ValidationException"
    task_ui = missing.replace("none", "ui")
    assert code_of(lambda: add_flow(sagemaker, team, task_ui, "flow")) == "ResourceInUse"
    assert code_of(sagemaker.create_workteam, **TEAM) == "ResourceInUse"
    assert code_of(sagemaker.describe_flow_definition, FlowDefinitionName="none") == "ResourceNotFound"
    other_region = endpoint.client("sagemaker", region="eu-west-1")
    assert code_of(other_region.describe_flow_definition, FlowDefinitionName="flow") == "ResourceNotFound"
