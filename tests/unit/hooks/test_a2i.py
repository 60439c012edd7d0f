"""Amazon A2I: a human loop is started once, and what A2I refuses is not hidden."""

import json

import pytest
from botocore.exceptions import ClientError
from botocore.stub import ANY, Stubber

from label_loop.hooks.a2i import AugmentedAIRuntimeHook

FLOW = "arn:aws:sagemaker:eu-west-1:123456789012:flow-definition/logos"
CONTENT = {"source": "A2I Workflow", "detectedLabel": "ü", "detectedConfidenceLevel": 42.5}


@pytest.fixture(scope="module")
def hook():
    return AugmentedAIRuntimeHook(aws_conn_id=None)


@pytest.fixture
def a2i(hook):
    with Stubber(hook.conn) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def start(hook):
    return hook.start_human_loop(name="label-loop-1", flow_definition_arn=FLOW, input_content=CONTENT)


def test_a_human_loop_is_started_with_its_input_as_json(hook, a2i):
    sent = {}
    hook.conn.meta.events.register(
        "provide-client-params.sagemaker-a2i-runtime.*", lambda params, **_: sent.update(params)
    )
    arn = "arn:aws:sagemaker:eu-west-1:123456789012:human-loop/label-loop-1"
    a2i.add_response(
        "start_human_loop",
        {"HumanLoopArn": arn, "ResponseMetadata": {"RequestId": "r1"}},
        {"HumanLoopName": "label-loop-1", "FlowDefinitionArn": FLOW, "HumanLoopInput": ANY},
    )
    assert start(hook) == "r1"
    assert json.loads(sent["HumanLoopInput"]["InputContent"]) == CONTENT


def test_a_human_loop_that_exists_is_not_started_again(hook, a2i):
    a2i.add_client_error("start_human_loop", "ConflictException", http_status_code=409)
    assert start(hook) is None


@pytest.mark.parametrize("code", ["AccessDeniedException", "ValidationException", "ThrottlingException"])
def test_a_refusal_is_raised(hook, a2i, code):
    a2i.add_client_error("start_human_loop", code)
    with pytest.raises(ClientError, match=code):
        start(hook)
