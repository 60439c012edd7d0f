"""Rekognition Custom Labels: requests and answers by botocore's own model."""

from datetime import UTC, datetime

import pytest
from botocore.exceptions import ClientError, WaiterError
from botocore.stub import Stubber

from label_loop.exceptions import LabelLoopError
from label_loop.hooks.rekognition import RekognitionHook, concerns_the_image, is_not_ready
from label_loop.payloads import ProjectVersion, S3Upload

PROJECT = "arn:aws:rekognition:eu-west-1:123456789012:project/logos/1700000000000"
DESCRIBE = "describe_project_versions"


def arn(name, project="logos"):
    return f"arn:aws:rekognition:eu-west-1:123456789012:project/{project}/version/{name}/1700000000001"


def described(name, status="RUNNING", project="logos", **more):
    return {"ProjectVersionArn": arn(name, project), "Status": status, **more}


@pytest.fixture(scope="module")
def hook():
    return RekognitionHook(aws_conn_id=None)


@pytest.fixture
def rekognition(hook):
    with Stubber(hook.conn) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def test_all_versions_are_listed_over_several_pages(hook, rekognition):
    evaluated = described("v3", "TRAINING_COMPLETED", EvaluationResult={"F1Score": 0.5}, StatusMessage="done")
    rekognition.add_response(
        DESCRIBE,
        {"ProjectVersionDescriptions": [evaluated, described("v2")], "NextToken": "n"},
        {"ProjectArn": PROJECT},
    )
    rekognition.add_response(
        DESCRIBE,
        {"ProjectVersionDescriptions": [described("v1", "STOPPED", EvaluationResult={})]},
        {"ProjectArn": PROJECT, "NextToken": "n"},
    )
    assert list(hook.versions(PROJECT)) == [
        ProjectVersion(arn("v3"), "v3", "TRAINING_COMPLETED", "done", 0.5),
        ProjectVersion(arn("v2"), "v2", "RUNNING"),
        ProjectVersion(arn("v1"), "v1", "STOPPED"),
    ]


@pytest.mark.parametrize("project", ["logos", "version", "project"])
@pytest.mark.parametrize("name", ["v1", "version", "a.b-c_d"])
def test_a_version_is_found_by_name(hook, rekognition, project, name):
    rekognition.add_response(
        DESCRIBE,
        {"ProjectVersionDescriptions": [described(name, project=project)]},
        {"ProjectArn": PROJECT, "VersionNames": [name]},
    )
    assert hook.version(PROJECT, name).name == name


def test_a_version_is_read_with_its_age_its_units_and_where_its_scores_are(hook, rekognition):
    created = datetime(2026, 11, 23, 9, tzinfo=UTC)
    summary = {"S3Object": {"Bucket": "bucket", "Name": "evaluation/v1/EvaluationSummary-logos-v1.json"}}
    description = described(
        "v1", CreationTimestamp=created, MinInferenceUnits=2, EvaluationResult={"F1Score": 0.5, "Summary": summary}
    )
    rekognition.add_response(DESCRIBE, {"ProjectVersionDescriptions": [description]})
    found = hook.version(PROJECT, "v1")
    assert (found.created_at, found.inference_units) == (created, 2)
    assert found.evaluation_summary == ("bucket", "evaluation/v1/EvaluationSummary-logos-v1.json")


def test_a_version_that_is_not_there_is_a_named_error(hook, rekognition):
    rekognition.add_response(DESCRIBE, {"ProjectVersionDescriptions": []})
    with pytest.raises(LabelLoopError, match="no version named v9"):
        hook.version(PROJECT, "v9")


def create(hook, test_manifest_key=None):
    return hook.create_version(
        project_arn=PROJECT,
        name="v1",
        bucket="bucket",
        manifest_key="manifests/1.manifest",
        test_manifest_key=test_manifest_key,
        output_prefix="evaluation/",
    )


def asset(key):
    return {"GroundTruthManifest": {"S3Object": {"Bucket": "bucket", "Name": key}}}


@pytest.mark.parametrize(
    ("test_manifest_key", "testing"),
    [(None, {"AutoCreate": True}), ("manifests/t.manifest", {"Assets": [asset("manifests/t.manifest")]})],
)
def test_a_training_is_started_with_a_split_or_a_test_set(hook, rekognition, test_manifest_key, testing):
    rekognition.add_response(
        "create_project_version",
        {"ProjectVersionArn": arn("v1")},
        {
            "ProjectArn": PROJECT,
            "VersionName": "v1",
            "OutputConfig": {"S3Bucket": "bucket", "S3KeyPrefix": "evaluation/"},
            "TrainingData": {"Assets": [asset("manifests/1.manifest")]},
            "TestingData": testing,
        },
    )
    assert create(hook, test_manifest_key) == arn("v1")


def test_a_training_that_was_started_before_is_not_paid_again(hook, rekognition):
    rekognition.add_client_error("create_project_version", "ResourceInUseException")
    rekognition.add_response(DESCRIBE, {"ProjectVersionDescriptions": [described("v1", "TRAINING_IN_PROGRESS")]})
    assert create(hook) == arn("v1")


def test_other_refusals_of_a_training_are_raised(hook, rekognition):
    rekognition.add_client_error("create_project_version", "LimitExceededException")
    with pytest.raises(ClientError, match="LimitExceededException"):
        create(hook)


def test_a_version_is_started_with_its_units_and_again_without_harm(hook, rekognition):
    expected = {"ProjectVersionArn": arn("v1"), "MinInferenceUnits": 3}
    rekognition.add_response("start_project_version", {"Status": "STARTING"}, expected)
    rekognition.add_client_error("start_project_version", "ResourceInUseException", expected_params=expected)
    rekognition.add_client_error("start_project_version", "LimitExceededException", expected_params=expected)
    hook.start_version(arn("v1"), 3)
    hook.start_version(arn("v1"), 3)
    with pytest.raises(ClientError, match="LimitExceededException"):
        hook.start_version(arn("v1"), 3)


def test_a_version_that_may_scale_is_started_with_its_maximum(hook, rekognition):
    expected = {"ProjectVersionArn": arn("v1"), "MinInferenceUnits": 2, "MaxInferenceUnits": 5}
    rekognition.add_response("start_project_version", {"Status": "STARTING"}, expected)
    hook.start_version(arn("v1"), 2, 5)
    rekognition.assert_no_pending_responses()
    scaling = described("v1", MinInferenceUnits=2, MaxInferenceUnits=5)
    rekognition.add_response(DESCRIBE, {"ProjectVersionDescriptions": [scaling]})
    found = hook.version(PROJECT, "v1")
    assert (found.inference_units, found.maximum_inference_units) == (2, 5)


def test_a_version_that_changes_its_state_has_to_be_stopped_later(hook, rekognition):
    rekognition.add_response("stop_project_version", {"Status": "STOPPING"}, {"ProjectVersionArn": arn("v1")})
    rekognition.add_client_error("stop_project_version", "ResourceInUseException")
    rekognition.add_client_error("stop_project_version", "AccessDeniedException")
    assert hook.stop_version(arn("v1")) is True
    assert hook.stop_version(arn("v1")) is False
    with pytest.raises(ClientError, match="AccessDeniedException"):
        hook.stop_version(arn("v1"))


@pytest.mark.parametrize(("version_id", "sent"), [("v1", {"Version": "v1"}), (None, {})])
@pytest.mark.parametrize("labels", [[], [{"Name": "cat", "Confidence": 42.5}]])
def test_exactly_the_uploaded_version_is_detected_with_no_threshold(hook, rekognition, version_id, sent, labels):
    image = {"Bucket": "bucket", "Name": "a b+ü.png", **sent}
    rekognition.add_response(
        "detect_custom_labels",
        {"CustomLabels": labels},
        {"ProjectVersionArn": arn("v1"), "Image": {"S3Object": image}, "MaxResults": 5, "MinConfidence": 0},
    )
    assert hook.detect(arn("v1"), S3Upload("bucket", "a b+ü.png", "e", version_id)) == labels


@pytest.mark.parametrize(
    ("code", "not_ready"),
    [("ResourceNotReadyException", True), ("ResourceNotFoundException", True), ("ThrottlingException", False)],
)
def test_what_does_not_run_is_told_from_other_failures(hook, code, not_ready):
    with Stubber(hook.conn) as rekognition:
        rekognition.add_client_error("detect_custom_labels", code)
        with pytest.raises(ClientError) as caught:
            hook.detect(arn("v1"), S3Upload("bucket", "k", "e"))
    assert is_not_ready(caught.value) is not_ready
    assert is_not_ready(ValueError(code)) is False


def wait(hook, rekognition, name, *statuses):
    for status in statuses:
        rekognition.add_response(DESCRIBE, {"ProjectVersionDescriptions": [described("v1", status)]})
    hook.get_waiter(name).wait(
        ProjectArn=PROJECT, VersionNames=["v1"], WaiterConfig={"Delay": 0, "MaxAttempts": len(statuses)}
    )


@pytest.mark.parametrize(
    ("name", "statuses"),
    [
        ("project_version_trained", ["TRAINING_IN_PROGRESS", "TRAINING_IN_PROGRESS", "TRAINING_COMPLETED"]),
        # Somebody started it before the waiter looked again: it is trained all the same.
        *(("project_version_trained", [status]) for status in ("STARTING", "RUNNING", "STOPPING", "STOPPED")),
        ("project_version_running", ["STARTING", "STARTING", "RUNNING"]),
    ],
)
def test_waiters_end_well(hook, rekognition, name, statuses):
    wait(hook, rekognition, name, *statuses)


@pytest.mark.parametrize(
    ("name", "status"),
    [
        *(("project_version_trained", status) for status in ("TRAINING_FAILED", "FAILED", "DELETING")),
        *(
            ("project_version_running", status)
            for status in ("FAILED", "STOPPING", "STOPPED", "TRAINING_COMPLETED", "TRAINING_FAILED", "DELETING")
        ),
    ],
)
def test_waiters_do_not_wait_for_what_will_not_come(hook, rekognition, name, status):
    with pytest.raises(WaiterError, match="terminal failure state"):
        wait(hook, rekognition, name, status)


@pytest.mark.parametrize(
    ("name", "status"),
    [("project_version_trained", "TRAINING_IN_PROGRESS"), ("project_version_running", "STARTING")],
)
def test_waiters_give_up(hook, rekognition, name, status):
    with pytest.raises(WaiterError, match="Max attempts exceeded"):
        wait(hook, rekognition, name, status, status)


def test_waiters_outlast_the_longest_training_and_start(hook):
    for name in ("project_version_trained", "project_version_running"):
        config = hook.get_waiter(name).config
        assert config.delay * config.max_attempts >= 24 * 3600


def test_making_a_hook_calls_nothing(monkeypatch):
    monkeypatch.setattr("boto3.session.Session.client", lambda *_, **__: pytest.fail("a client was made"))
    RekognitionHook(aws_conn_id=None)


@pytest.mark.parametrize(
    ("code", "of_the_image"),
    [
        ("InvalidS3ObjectException", True),
        ("InvalidImageFormatException", True),
        ("ImageTooLargeException", True),
        ("ResourceNotReadyException", False),
        ("AccessDeniedException", False),
        ("ThrottlingException", False),
    ],
)
def test_an_error_of_one_image_is_told_from_those_of_all(code: str, of_the_image: bool) -> None:
    error = ClientError({"Error": {"Code": code}}, "DetectCustomLabels")
    assert concerns_the_image(error) is of_the_image
