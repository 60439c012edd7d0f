"""What the AWS sample's stack makes, with its record."""

import json

from label_loop.system_record import SYSTEM_RECORD

ACCOUNT = "123456789012"
FUNCTION = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:sample-detection"


def lay_out(client, loop):
    """Make what the sample's stack makes, and its record; return the record."""
    name = f"sample-{loop.name}"
    s3 = client("s3")
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_object(Bucket=name, Key="images_labeled_by_folder/cat/1.png", Body=b"x")
    _table(client("dynamodb"), name)
    sagemaker = client("sagemaker")
    team = sagemaker.create_workteam(
        WorkteamName=name,
        Description="people",
        MemberDefinitions=[{"CognitoMemberDefinition": {"UserPool": "a_1", "UserGroup": "g", "ClientId": "c"}}],
    )["WorkteamArn"]
    template = {"Content": "<crowd-form></crowd-form>"}
    ui = sagemaker.create_human_task_ui(HumanTaskUiName=name, UiTemplate=template)["HumanTaskUiArn"]
    flow = sagemaker.create_flow_definition(
        FlowDefinitionName=name,
        HumanLoopConfig={
            "WorkteamArn": team,
            "HumanTaskUiArn": ui,
            "TaskTitle": "t",
            "TaskDescription": "d",
            "TaskCount": 1,
        },
        OutputConfig={"S3OutputPath": f"s3://{name}/a2i-human-loop-data"},
        RoleArn=f"arn:aws:iam::{ACCOUNT}:role/sample",
    )["FlowDefinitionArn"]
    values = {
        "s3_bucket": name,
        "rekognition_project_arn": client("rekognition").create_project(ProjectName=name)["ProjectArn"],
        "sns-topic": client("sns").create_topic(Name=name)["TopicArn"],
        "dynamodb_table": name,
        "dynamodb_table_GSI": "Sampled_GSI",
        "flow_definition_arn": flow,
        "rekognition_project_version_arn": "",
        "previous_trained_images": "12",
        "a2i_private_team": "kept",
    }
    put(client, loop, values)
    return values


def put(client, loop, values):
    name = loop.parameter(SYSTEM_RECORD)
    client("ssm").put_parameter(Name=name, Value=json.dumps(values), Type="String", Overwrite=True)


def _table(dynamodb, name):
    units = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "DetectLabelRequestId", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "DetectLabelRequestId", "AttributeType": "S"}],
        ProvisionedThroughput=units,
    )
