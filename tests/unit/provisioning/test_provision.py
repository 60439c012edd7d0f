import json
from collections import Counter

import pytest

from label_loop.exceptions import ReviewRefusedError
from label_loop.parameters import PARAMETERS
from label_loop.payloads import EVALUATION_FOLDER, UPLOADS_FOLDER
from label_loop.provisioning import ProvisioningError, ResourceOutcome
from label_loop.system_record import SYSTEM_RECORD

LABELS = ("cat", "dog")
READING = ("Get", "List", "Describe", "Head")
KEYS = {
    "s3_bucket",
    "rekognition_project_arn",
    "sns-topic",
    "dynamodb_table",
    "dynamodb_table_GSI",
    "reviews_table",
    "statistics_table",
    "state_table",
    "labels_table",
    "flow_definition_arn",
    "uploads_queue_url",
    "answers_queue_url",
    "uploads_dead_letter_queue_url",
    "answers_dead_letter_queue_url",
    "review_backend",
    "sampling_since",
}


def outcomes(lines):
    return Counter(line.outcome for line in lines)


def record(client, loop):
    answer = client("ssm").get_parameter(Name=loop.parameter(SYSTEM_RECORD))
    return json.loads(answer["Parameter"]["Value"])


def changes(aws):
    return [call for call in aws.calls.counts() if not call.split(".")[1].startswith(READING)]


def test_a_new_loop_gets_everything_and_a_second_run_changes_nothing(aws, run, client, loop):
    values, lines = run(labels=LABELS, operator_email="operator@example.com")
    assert set(outcomes(lines)) == {ResourceOutcome.CREATED}
    assert set(values) == KEYS
    assert record(client, loop) == values
    assert values["review_backend"] == "a2i"

    aws.calls.reset()
    again, lines = run(labels=LABELS, operator_email="operator@example.com")
    assert set(outcomes(lines)) == {ResourceOutcome.UNCHANGED}
    assert again == values
    assert changes(aws) == []

    without_options, lines = run()
    assert set(outcomes(lines)) == {ResourceOutcome.UNCHANGED}
    assert without_options == values


def test_a_dry_run_tells_the_same_and_changes_nothing(aws, run):
    aws.calls.reset()
    _, planned = run(labels=LABELS, dry_run=True)
    assert changes(aws) == []
    assert all(line.planned for line in planned)
    _, made = run(labels=LABELS)
    assert [(line.kind, line.name, line.outcome) for line in planned if line.kind != "flow definition"] == [
        (line.kind, line.name, line.outcome) for line in made if line.kind != "flow definition"
    ]
    assert str(planned[0]).startswith("to be created stack")


# Interrupted at its first call, before and after the stack, and at the very last.
INTERRUPTED_AT = [
    "cloudformation.CreateChangeSet",
    "cloudformation.ExecuteChangeSet",
    "s3.PutObject",
    "ssm.PutParameter",
]
AND_AT = [
    "cloudformation.DescribeChangeSet",
    "cloudformation.SetStackPolicy",
    "sagemaker.CreateHumanTaskUi",
    "events.PutRule",
    "events.PutTargets",
]


@pytest.mark.parametrize("call", [*INTERRUPTED_AT, *(pytest.param(call, marks=pytest.mark.slow) for call in AND_AT)])
def test_an_interrupted_run_is_continued(aws, run, client, loop, call):
    service, operation = call.split(".")
    fault = {"service": service, "operation": operation, "kind": "error", "code": "Interrupted"}
    aws.faults.replace([fault])
    with pytest.raises(
        ProvisioningError,
        match=rf"Interrupted in {operation}: .*To fix this, correct the cause, then run the command again",
    ):
        run(labels=LABELS)
    aws.faults.replace([])
    values, _ = run(labels=LABELS)
    assert set(values) == KEYS
    assert record(client, loop) == values
    assert set(outcomes(run(labels=LABELS)[1])) == {ResourceOutcome.UNCHANGED}


def test_values_that_people_chose_are_never_overwritten(run, client, loop):
    ssm = client("ssm")
    chosen = loop.parameter("Minimum-F1-Score")
    ssm.put_parameter(Name=chosen, Value="0.95", Type="String", Description="ours")
    run(labels=LABELS)
    described = ssm.get_parameter(Name=chosen)["Parameter"]
    assert described["Value"] == "0.95"
    for name, parameter in PARAMETERS.items():
        if name != "Minimum-F1-Score":
            assert ssm.get_parameter(Name=loop.parameter(name))["Parameter"]["Value"] == parameter.default


def test_keys_of_the_record_written_meanwhile_are_kept(aws, run, client, loop):
    values, _ = run(labels=LABELS)
    later = {**values, "previous_trained_images": 7, "unknown": {"a": [1]}}
    later.pop("uploads_queue_url")
    name = loop.parameter(SYSTEM_RECORD)
    client("ssm").put_parameter(Name=name, Value=json.dumps(later), Type="String", Overwrite=True)
    again, lines = run(labels=LABELS)
    assert again == {**later, "uploads_queue_url": values["uploads_queue_url"]}
    assert [line.detail for line in lines if line.outcome == ResourceOutcome.UPDATED] == ["uploads_queue_url"]


def test_datasets_of_the_project_are_told_with_what_they_mean(run, client):
    values, lines = run(labels=("cat",))
    assert "datasets of" not in {line.kind for line in lines}
    client("rekognition").create_dataset(ProjectArn=values["rekognition_project_arn"], DatasetType="TRAIN")
    for options in ({}, {"dry_run": True}):
        (line,) = [line for line in run(**options)[1] if line.kind == "datasets of"]
        assert line.outcome == ResourceOutcome.FOUND
        assert line.detail.startswith("the project has a training dataset, so Rekognition takes no manifests: ")


def test_new_labels_make_a_new_flow_definition_and_leave_the_old_one(run, client):
    before = run(labels=LABELS)[0]["flow_definition_arn"]
    values, lines = run(labels=(*LABELS, "owl"))
    after = values["flow_definition_arn"]
    assert after != before
    assert {line.kind: line.outcome for line in lines}["worker template"] == ResourceOutcome.CREATED
    sagemaker = client("sagemaker")
    for arn in (before, after):
        name = arn.rsplit("/", 1)[-1]
        described = sagemaker.describe_flow_definition(FlowDefinitionName=name)
        assert described["OutputConfig"]["S3OutputPath"] == f"s3://{values['s3_bucket']}/a2i-human-loop-data"
        assert described["HumanLoopConfig"]["TaskCount"] == 1
    rule = client("events").describe_rule(Name=_rule(values))
    assert json.loads(rule["EventPattern"])["detail"]["flowDefinitionArn"] == [before, after]


def _rule(values):
    return f"{values['dynamodb_table']}-reviews"


def test_a_page_that_is_too_long_for_a_parameter_is_made_by_the_setup(run, client, loop):
    labels = tuple(f"{n} {'x' * 100}" for n in range(20))
    values, lines = run(labels=labels, review_backend="a2i")
    (stack,) = client("cloudformation").describe_stacks(StackName=f"label-loop-{loop.name}")["Stacks"]
    given = {one["ParameterKey"]: one["ParameterValue"] for one in stack["Parameters"]}
    assert (given["A2I"], given["TaskUiName"]) == ("true", "")
    assert {line.kind: line.outcome for line in lines}["worker template"] == ResourceOutcome.CREATED
    assert values["review_backend"] == "a2i"


def test_folders_of_labels_are_the_labels_where_none_are_given(run, client):
    values, lines = run(review_backend="airflow")
    assert "flow definition" not in {line.kind for line in lines}
    assert values["review_backend"] == "airflow"
    assert "flow_definition_arn" not in values
    for key in ("images_labeled_by_folder/owl/1.png", "images_labeled_by_folder/None of the Above/1.png"):
        client("s3").put_object(Bucket=values["s3_bucket"], Key=key, Body=b"x")
    assert run()[0]["review_backend"] == "airflow", "a choice stays until another is made"
    found, _ = run(review_backend="a2i")
    given, _ = run(labels=("owl",), review_backend="a2i")
    assert found["flow_definition_arn"] == given["flow_definition_arn"]
    assert found["review_backend"] == "a2i"


def test_a_label_in_another_spelling_is_the_one_that_has_a_folder(run, client):
    values, _ = run(labels=("owl",), review_backend="a2i")
    again, _ = run(labels=("Owl",), review_backend="a2i")
    assert again["flow_definition_arn"] == values["flow_definition_arn"]
    listed = client("s3").list_objects_v2(Bucket=values["s3_bucket"], Prefix="images_labeled_by_folder/")["Contents"]
    assert [item["Key"] for item in listed] == ["images_labeled_by_folder/", "images_labeled_by_folder/owl/"]


@pytest.mark.parametrize(
    ("labels", "rule"),
    [
        (("cat", "Cat"), "the same label as 'cat'"),
        (("a/b",), "have no slash"),
        (("None of the above",), "not be None of"),
    ],
)
def test_what_is_no_label_or_twice_the_same_is_refused_before_anything_is_made(run, labels, rule):
    with pytest.raises(ProvisioningError, match=rule):
        run(labels=labels)


def test_a_refusal_of_a2i_leaves_a_loop_that_works_without_it(aws, run, client, loop):
    refusal = {"service": "sagemaker", "operation": "CreateFlowDefinition", "kind": "error"}
    aws.faults.replace([{**refusal, "code": "AccessDeniedException"}])
    values, lines = run(labels=LABELS)
    assert set(values) == KEYS - {"flow_definition_arn"}
    assert values["review_backend"] == "airflow"
    (line,) = [line for line in lines if line.outcome == ResourceOutcome.SKIPPED]
    assert line.kind == "flow definition"
    assert "AccessDeniedException" in str(line)


def test_a_refusal_of_a2i_that_was_asked_for_is_an_error_after_everything_else(aws, run, client, loop):
    refusal = {"service": "sagemaker", "operation": "CreateFlowDefinition", "kind": "error"}
    aws.faults.replace([{**refusal, "code": "AccessDeniedException"}])
    with pytest.raises(ReviewRefusedError) as raised:
        run(labels=LABELS, review_backend="a2i")
    message = str(raised.value)
    for part in ("AccessDeniedException", "no new customers", "--review-backend airflow", "Everything else"):
        assert part in message
    assert set(record(client, loop)) == KEYS - {"flow_definition_arn"}


def test_a2i_without_labels_says_what_is_missing(run):
    with pytest.raises(ReviewRefusedError, match=r"no labels yet.*--labels.*Everything else"):
        run(review_backend="a2i")


def test_trouble_that_is_no_refusal_does_not_choose_the_other_backend(aws, run, client, loop):
    aws.faults.replace(
        [
            {
                "service": "sagemaker",
                "operation": "CreateFlowDefinition",
                "kind": "error",
                "code": "ResourceLimitExceeded",
            }
        ]
    )
    with pytest.raises(ProvisioningError, match=r"ResourceLimitExceeded.*raise the service quota"):
        run(labels=LABELS)
    with pytest.raises(client("ssm").exceptions.ParameterNotFound):
        record(client, loop)


@pytest.mark.parametrize("label", ["a/b", "none of the above", "x" * 256, ".."])
def test_what_cannot_be_a_label_is_refused_before_anything_is_made(aws, run, label):
    aws.calls.reset()
    with pytest.raises(ProvisioningError, match="correct --labels"):
        run(labels=("cat", label))
    assert changes(aws) == []


def test_a_loop_keeps_its_bucket(run):
    values, _ = run(bucket="a-bucket-of-my-choice")
    assert values["s3_bucket"] == "a-bucket-of-my-choice"
    assert run()[0]["s3_bucket"] == "a-bucket-of-my-choice"
    with pytest.raises(ProvisioningError, match="leave out --bucket"):
        run(bucket="another-bucket")


def test_a_record_that_is_no_object_is_left_alone(run, client, loop):
    name = loop.parameter(SYSTEM_RECORD)
    client("ssm").put_parameter(Name=name, Value="[1]", Type="String")
    with pytest.raises(ProvisioningError, match="not a JSON object"):
        run()
    assert client("ssm").get_parameter(Name=name)["Parameter"]["Value"] == "[1]"


def test_the_folders_are_there_and_events_of_both_folders_arrive(run, client):
    values, _ = run(labels=LABELS)
    s3, sqs = client("s3"), client("sqs")
    keys = {one["Key"] for one in s3.list_objects_v2(Bucket=values["s3_bucket"])["Contents"]}
    assert {UPLOADS_FOLDER, EVALUATION_FOLDER, "images_labeled_by_folder/cat/"} <= keys
    for key, queue in ((f"{UPLOADS_FOLDER}a.png", "uploads"), ("a2i-human-loop-data/o.json", "answers")):
        s3.put_object(Bucket=values["s3_bucket"], Key=key, Body=b"x")
        messages = sqs.receive_message(QueueUrl=values[f"{queue}_queue_url"], MaxNumberOfMessages=10)["Messages"]
        assert any(key.split("/")[1] in message["Body"] for message in messages)
