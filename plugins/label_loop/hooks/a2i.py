"""Amazon Augmented AI (A2I) human loops."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook

from label_loop.hooks.retries import PATIENT

if TYPE_CHECKING:
    from types_boto3_sagemaker_a2i_runtime import AugmentedAIRuntimeClient


class AugmentedAIRuntimeHook(AwsBaseHook):
    """Wraps ``boto3.client("sagemaker-a2i-runtime")``. Takes AwsBaseHook's arguments."""

    if TYPE_CHECKING:
        conn: AugmentedAIRuntimeClient

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("config", PATIENT)
        kwargs["client_type"] = "sagemaker-a2i-runtime"
        super().__init__(*args, **kwargs)

    def start_human_loop(self, *, name: str, flow_definition_arn: str, input_content: Mapping[str, Any]) -> str | None:
        """Start a human loop; return the request id, or None if a loop of that name already exists."""
        client = self.conn  # read once: threads may race to create it, and exception classes differ between clients
        try:
            response = client.start_human_loop(
                HumanLoopName=name,
                FlowDefinitionArn=flow_definition_arn,
                HumanLoopInput={"InputContent": json.dumps(input_content)},
            )
        except client.exceptions.ConflictException:
            return None
        request_id: str = response["ResponseMetadata"]["RequestId"]
        return request_id
