"""A loop as the AWS sample's CloudFormation template leaves it: its names, its record, and no queues."""

import json
from typing import Any

from label_loop.parameters import PARAMETERS, Group

BUCKET, TABLE, PATH = "the-samples-own-bucket", "the-samples-own-table", "/sample"


def lay_out(client: Any) -> dict[str, Any]:
    """Make the resources and parameters; return the system record."""
    client("s3").create_bucket(Bucket=BUCKET)
    client("dynamodb").create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "DetectLabelRequestId", "KeyType": "HASH"}],
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"}
            for name in ("DetectLabelRequestId", "Sampled", "DetectLabelDate")
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "Sampled_GSI",
                "KeySchema": [
                    {"AttributeName": "Sampled", "KeyType": "HASH"},
                    {"AttributeName": "DetectLabelDate", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    record = {
        "s3_bucket": BUCKET,
        "rekognition_project_arn": client("rekognition").create_project(ProjectName="the-sample")["ProjectArn"],
        "sns-topic": client("sns").create_topic(Name="the-sample")["TopicArn"],
        "dynamodb_table": TABLE,
        "dynamodb_table_GSI": "Sampled_GSI",
        "flow_definition_arn": _flow_definition(client("sagemaker")),
        "rekognition_project_version_arn": "",
        "previous_trained_images": 0,
    }
    ssm = client("ssm")
    for name, parameter in PARAMETERS.items():
        if parameter.group is not Group.LOOP:
            continue
        # The sample writes booleans as Python does.
        text = {"true": "True", "false": "False"}.get(parameter.default, parameter.default)
        ssm.put_parameter(Name=f"{PATH}/{name}", Value=text, Type="String")
    ssm.put_parameter(Name=f"{PATH}/For-System-Use-Only", Value=json.dumps(record), Type="String")
    return record


def _flow_definition(sagemaker: Any) -> str:
    task_ui = sagemaker.create_human_task_ui(
        HumanTaskUiName="the-sample", UiTemplate={"Content": "<crowd-form></crowd-form>"}
    )
    team = sagemaker.create_workteam(
        WorkteamName="the-sample",
        Description="The reviewers",
        MemberDefinitions=[
            {
                "CognitoMemberDefinition": {
                    "UserPool": "us-east-1_sample",
                    "UserGroup": "reviewers",
                    "ClientId": "sample",
                }
            }
        ],
    )
    return sagemaker.create_flow_definition(
        FlowDefinitionName="the-sample",
        RoleArn="arn:aws:iam::123456789012:role/the-sample",
        HumanLoopConfig={
            "WorkteamArn": team["WorkteamArn"],
            "HumanTaskUiArn": task_ui["HumanTaskUiArn"],
            "TaskTitle": "Which label fits?",
            "TaskDescription": "Pick the label of the image",
            "TaskCount": 1,
        },
        OutputConfig={"S3OutputPath": f"s3://{BUCKET}/a2i-human-loop-data"},
    )["FlowDefinitionArn"]
