"""A hook knows its client's errors, though a thread that came at the same time has put another client in its place."""

import boto3
import pytest
from botocore.stub import Stubber

from label_loop.exceptions import LoopNotSetUpError
from label_loop.hooks.a2i import AugmentedAIRuntimeHook
from label_loop.hooks.parameter_store import ParameterStoreHook
from label_loop.hooks.rekognition import RekognitionHook
from label_loop.loop import Loop

LOOP = Loop("/logos")
ARN = "arn:aws:rekognition:eu-west-1:123456789012:project/logos/version/v1/1"


@pytest.fixture
def replaced(monkeypatch):
    """Let a hook have another client each time it is asked for, which answers one call with an error."""

    def replace(kind, service, operation, code):
        def another(_self):
            client = boto3.session.Session().client(service)
            stubber = Stubber(client)
            stubber.add_client_error(operation, code, http_status_code=400)
            stubber.activate()
            return client

        monkeypatch.setattr(kind, "conn", property(another))
        return kind(aws_conn_id=None)

    return replace


def test_a_human_loop_that_exists(replaced):
    hook = replaced(AugmentedAIRuntimeHook, "sagemaker-a2i-runtime", "start_human_loop", "ConflictException")
    flow = "arn:aws:sagemaker:eu-west-1:123456789012:flow-definition/logos"
    assert hook.start_human_loop(name="label-loop-1", flow_definition_arn=flow, input_content={}) is None


def test_a_record_that_is_missing(replaced):
    hook = replaced(ParameterStoreHook, "ssm", "get_parameter", "ParameterNotFound")
    with pytest.raises(LoopNotSetUpError):
        hook.record(LOOP)


def test_a_parameter_without_history(replaced):
    hook = replaced(ParameterStoreHook, "ssm", "get_parameter_history", "ParameterNotFound")
    assert hook.history(LOOP, "Minimum-F1-Score") == []


def test_a_version_that_changes_its_state(replaced):
    replaced(RekognitionHook, "rekognition", "start_project_version", "ResourceInUseException").start_version(ARN, 1)
    hook = replaced(RekognitionHook, "rekognition", "stop_project_version", "ResourceInUseException")
    assert hook.stop_version(ARN) is False
