"""A deployment of the AWS sample as its CloudFormation template leaves it: its names, its record, and no queues."""

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from label_loop.loop import Loop
from label_loop.parameters import PARAMETERS, Group
from label_loop.system_record import SYSTEM_RECORD

ACCOUNT = "123456789012"
UPLOADS, ANSWERS = "images_for_detection/", "a2i-human-loop-data/"
_FOLDERS = ("images_labeled_by_folder/", ANSWERS, UPLOADS, "manifests/", "evaluation/")
_SCHEDULING = (
    "Automatic-Training-Poll-Frequency",
    "Automatic-Human-Sampling-Frequency",
    "Enable-Automatic-Training",
    "Enable-Automatic-Human-Sampling",
)
_KEY, _DATE, _SAMPLED = "DetectLabelRequestId", "DetectLabelDate", "Sampled"
_UNITS = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}

type Client = Callable[[str], Any]


@dataclass(frozen=True)
class SampleStack:
    """One stack of the sample. All names have the stack's own, and a part of the id that AWS gave it."""

    name: str = "the-sample"
    id_part: str = "1a2b3c4d5e6f"

    @property
    def prefix(self) -> str:
        return f"{self.name}-{self.id_part}"

    @property
    def loop(self) -> Loop:
        """The loop that takes it over: the sample's parameters have a path of two parts."""
        return Loop(f"/{self.name}/{self.id_part}")

    @property
    def bucket(self) -> str:
        return f"{self.name}-s3bucket-q5x0"

    @property
    def table(self) -> str:
        return f"{self.prefix}-rekognition-a2i-logs"

    @property
    def project(self) -> str:
        return f"{self.prefix}-custom-labels-project"

    def function(self, client: Client) -> str:
        """Return the ARN of the function that S3 notifies."""
        return self._arn(client, "lambda", f"function:{self.prefix}-s3-event-trigger")

    def lay_out(self, client: Client) -> dict[str, Any]:
        """Make the resources and parameters, without what triggers the sample; return the system record."""
        self._make_bucket(client("s3"))
        make_table(client("dynamodb"), self.table)
        record = {
            "s3_bucket": self.bucket,
            "events_scheduled_rule": f"{self.prefix}-scheduled-poll",
            "sampling_scheduled_rule": f"{self.prefix}-sampling-poll",
            "rekognition_project_arn": client("rekognition").create_project(ProjectName=self.project)["ProjectArn"],
            "sns-topic": client("sns").create_topic(Name=f"{self.prefix}-sns-topic")["TopicArn"],
            "state_machine_arn": self._arn(client, "states", f"stateMachine:{self._machine}"),
            "previous_trained_images": 0,
            "a2i_workflow": False,
            "dynamodb_table": self.table,
            "dynamodb_table_GSI": "Sampled_GSI",
            "flow_definition_arn": self._flow_definition(client("sagemaker")),
        }
        for name, parameter in PARAMETERS.items():
            if parameter.group is Group.LOOP:
                client("ssm").put_parameter(Name=self.loop.parameter(name), Value=parameter.default, Type="String")
        self.put_record(client, record)
        return record

    def put_record(self, client: Client, values: dict[str, Any]) -> None:
        name = self.loop.parameter(SYSTEM_RECORD)
        client("ssm").put_parameter(Name=name, Value=json.dumps(values), Type="String", Overwrite=True)

    def add_triggers(self, client: Client, disabled: Collection[str] = ()) -> None:
        """Have S3 notify the function, and make the stack with its state machine and rules, some of them disabled."""
        notifications = {"LambdaFunctionConfigurations": self.notifications(client)}
        client("s3").put_bucket_notification_configuration(Bucket=self.bucket, NotificationConfiguration=notifications)
        role = f"arn:aws:iam::{ACCOUNT}:role/{self.prefix}-StepFunctionsRole"
        machine = {
            "StateMachineName": self._machine,
            "RoleArn": role,
            "DefinitionString": json.dumps({"StartAt": "a", "States": {"a": {"Type": "Pass", "End": True}}}),
        }
        resources: dict[str, Any] = {"Machine": {"Type": "AWS::StepFunctions::StateMachine", "Properties": machine}}
        changed = {
            "source": ["aws.ssm"],
            "detail-type": ["Parameter Store Change"],
            "detail": {"name": list(map(self.loop.parameter, _SCHEDULING)), "operation": ["Update"]},
        }
        triggers: dict[str, dict[str, Any]] = {
            "scheduled-poll": {"ScheduleExpression": "rate(600 minutes)"},
            "sampling-poll": {"ScheduleExpression": "rate(600 minutes)"},
            "paramater-store": {"EventPattern": changed},
        }
        for name, trigger in triggers.items():
            targets = [{"Id": "t", "Arn": {"Ref": "Machine"}, "RoleArn": role}]
            state = "DISABLED" if name in disabled else "ENABLED"
            rule = {"Name": f"{self.prefix}-{name}", "State": state, "Targets": targets, **trigger}
            resources[name.title().replace("-", "")] = {"Type": "AWS::Events::Rule", "Properties": rule}
        client("cloudformation").create_stack(StackName=self.name, TemplateBody=json.dumps({"Resources": resources}))

    def notifications(self, client: Client) -> list[dict[str, Any]]:
        """Return what S3 tells the function of: uploads, and answers by their suffix."""
        filters = ([("prefix", UPLOADS)], [("prefix", ANSWERS), ("suffix", ".json")])
        return [
            {
                "LambdaFunctionArn": self.function(client),
                "Events": ["s3:ObjectCreated:Put"],
                "Filter": {"Key": {"FilterRules": [{"Name": name, "Value": value} for name, value in rules]}},
            }
            for rules in filters
        ]

    @property
    def _machine(self) -> str:
        return f"{self.prefix}-project-state-machine"

    def _arn(self, client: Client, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{client('s3').meta.region_name}:{ACCOUNT}:{resource}"

    def _make_bucket(self, s3: Any) -> None:
        region = s3.meta.region_name
        where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        s3.create_bucket(Bucket=self.bucket, **where)
        rule = {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}
        s3.put_bucket_cors(Bucket=self.bucket, CORSConfiguration={"CORSRules": [rule]})
        for folder in _FOLDERS:
            s3.put_object(Bucket=self.bucket, Key=folder)

    def _flow_definition(self, sagemaker: Any) -> str:
        members = {"CognitoMemberDefinition": {"UserPool": "us-east-1_a", "UserGroup": "group", "ClientId": "client"}}
        team = sagemaker.create_workteam(
            WorkteamName=f"{self.prefix}-a2i-work-team", Description="The reviewers", MemberDefinitions=[members]
        )
        form = {"Content": "<crowd-form></crowd-form>"}
        task_ui = sagemaker.create_human_task_ui(HumanTaskUiName=f"{self.prefix}-task-ui", UiTemplate=form)
        return str(
            sagemaker.create_flow_definition(
                FlowDefinitionName=f"{self.prefix}-flow-definition",
                RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{self.prefix}-Flow-Definition-Role",
                HumanLoopConfig={
                    "WorkteamArn": team["WorkteamArn"],
                    "HumanTaskUiArn": task_ui["HumanTaskUiArn"],
                    "TaskTitle": "Which label fits?",
                    "TaskDescription": "Pick the label of the image",
                    "TaskCount": 1,
                },
                OutputConfig={"S3OutputPath": f"s3://{self.bucket}/{ANSWERS}"},
            )["FlowDefinitionArn"]
        )


def make_table(dynamodb: Any, name: str) -> None:
    """Make the inference log as the sample's template does: of little capacity, with an index of keys only."""
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": _KEY, "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": one, "AttributeType": "S"} for one in (_KEY, _SAMPLED, _DATE)],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "Sampled_GSI",
                "KeySchema": [
                    {"AttributeName": _SAMPLED, "KeyType": "HASH"},
                    {"AttributeName": _DATE, "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
                "ProvisionedThroughput": _UNITS,
            }
        ],
        ProvisionedThroughput=_UNITS,
    )
