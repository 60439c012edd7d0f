"""What a human loop needs before it can start."""

from typing import Any

ROLE = "arn:aws:iam::123456789012:role/review"
TEAM = {
    "WorkteamName": "team",
    "Description": "reviewers",
    "MemberDefinitions": [
        {"CognitoMemberDefinition": {"UserPool": "us-east-1_abc", "UserGroup": "group", "ClientId": "id"}}
    ],
}


def make_flow(sagemaker: Any, s3: Any = None, name: str = "flow", task_count: int = 1, **config: Any) -> str:
    """Create work team, task template, bucket and flow definition; return the flow's ARN."""
    if s3 is not None:
        s3.create_bucket(Bucket="reviews")
    team = sagemaker.create_workteam(**TEAM)["WorkteamArn"]
    template = {"Content": "<crowd-form></crowd-form>"}
    task_ui = sagemaker.create_human_task_ui(HumanTaskUiName="ui", UiTemplate=template)["HumanTaskUiArn"]
    return add_flow(sagemaker, team, task_ui, name, task_count, **config)


def add_flow(sagemaker: Any, team: str, task_ui: str, name: str, task_count: int = 1, **config: Any) -> str:
    return sagemaker.create_flow_definition(
        FlowDefinitionName=name,
        RoleArn=ROLE,
        OutputConfig={"S3OutputPath": "s3://reviews/a2i-human-loop-data"},
        HumanLoopConfig={
            "WorkteamArn": team,
            "HumanTaskUiArn": task_ui,
            "TaskTitle": "Pick the label",
            "TaskDescription": "Which label fits?",
            "TaskCount": task_count,
            **config,
        },
    )["FlowDefinitionArn"]


def start_loop(a2i: Any, flow: str, name: str = "loop", content: str = '{"taskObject": "s3://b/ü.png"}') -> str:
    return a2i.start_human_loop(HumanLoopName=name, FlowDefinitionArn=flow, HumanLoopInput={"InputContent": content})[
        "HumanLoopArn"
    ]
