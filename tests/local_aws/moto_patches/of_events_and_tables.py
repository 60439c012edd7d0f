"""Looks at the patches of EventBridge, Parameter Store, SNS, SQS and DynamoDB."""

import json
from typing import Any
from uuid import uuid4

from jsonpath_ng.ext.parser import ExtentedJsonPathParser
from moto.dynamodb.models.table import Table
from moto.sqs.models import SQSBackend
from tests.local_aws.endpoint import Endpoint
from tests.local_aws.moto_patches.looks import code_of, counted, look

from local_aws.moto_patches import (
    dynamodb_transactions,
    event_rules,
    parameter_store,
    sns_batches,
    sqs_messages,
    sqs_retention,
)

PATTERN: dict[str, Any] = {"source": ["mine"]}


def put_event(endpoint: Endpoint, **detail: Any) -> None:
    entry = {"Source": "mine", "DetailType": "Test", "Detail": json.dumps(detail)}
    endpoint.client("events").put_events(Entries=[entry])


@look(event_rules.parse_a_path_once, aws=1, moto=2)
def readings_of_a_path_for_two_events(endpoint: Endpoint) -> int:
    path = f"$.detail.f{uuid4().hex}"
    endpoint.rule(PATTERN)
    target = {
        "Id": "queue",
        "Arn": endpoint.queue("rule-queue")[1],
        "InputTransformer": {"InputPathsMap": {"x": path}, "InputTemplate": "{}"},
    }
    endpoint.client("events").put_targets(Rule="rule", Targets=[target])
    with counted(ExtentedJsonPathParser, "parse") as calls:
        for _ in range(2):
            put_event(endpoint)
    return sum(path in call for call in calls)


@look(event_rules.send_to_topics, aws=1, moto="NotImplemented")
def events_to_a_topic(endpoint: Endpoint) -> Any:
    events, sns = endpoint.client("events"), endpoint.client("sns")
    url, queue = endpoint.queue()
    topic = sns.create_topic(Name="topic")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    events.put_rule(Name="topic", EventPattern=json.dumps(PATTERN))
    events.put_targets(Rule="topic", Targets=[{"Id": "topic", "Arn": topic}])
    code = code_of(lambda: put_event(endpoint))
    return len(endpoint.messages(url)) if code == "none" else code


@look(event_rules.send_nothing_by_rules_that_match_nothing, aws=(0, 0), moto=(1, 1))
def events_by_a_disabled_and_by_a_scheduled_rule(endpoint: Endpoint) -> tuple[int, int]:
    events = endpoint.client("events")
    disabled = endpoint.rule(PATTERN, "disabled")
    events.disable_rule(Name="disabled")
    scheduled, arn = endpoint.queue("scheduled")
    events.put_rule(Name="scheduled", ScheduleExpression="rate(1 day)")
    events.put_targets(Rule="scheduled", Targets=[{"Id": "queue", "Arn": arn}])
    put_event(endpoint)
    return len(endpoint.messages(disabled)), len(endpoint.messages(scheduled))


@look(parameter_store.limit_the_size_of_parameters, aws="ValidationException", moto="none")
def write_more_than_a_standard_parameter_takes(endpoint: Endpoint) -> str:
    return code_of(endpoint.client("ssm").put_parameter, Name="/a", Value="x" * 4097, Type="String")


@look(parameter_store.keep_the_type_of_parameters, aws="HierarchyTypeMismatchException", moto="none")
def change_the_type_of_a_parameter(endpoint: Endpoint) -> str:
    put = endpoint.client("ssm").put_parameter
    put(Name="/a", Value="1", Type="String")
    return code_of(put, Name="/a", Value="1", Type="StringList", Overwrite=True)


@look(parameter_store.refuse_values_that_refer_to_parameters, aws="ValidationException", moto="none")
def write_a_value_that_refers_to_another(endpoint: Endpoint) -> str:
    return code_of(endpoint.client("ssm").put_parameter, Name="/a", Value="{{ssm:/b}}", Type="String")


@look(event_rules.limit_the_targets_of_a_rule, aws="LimitExceededException", moto="none")
def give_a_rule_six_targets(endpoint: Endpoint) -> str:
    events = endpoint.client("events")
    events.put_rule(Name="rule", EventPattern=json.dumps(PATTERN))
    arn = endpoint.queue()[1]
    return code_of(events.put_targets, Rule="rule", Targets=[{"Id": str(n), "Arn": arn} for n in range(6)])


def publish(endpoint: Endpoint, *messages: str, **more: Any) -> Any:
    """Publish messages to a new topic in one batch; return the code of the error, or the answer."""
    sns = endpoint.client("sns")
    entries = [{"Id": str(n), "Message": text, **more} for n, text in enumerate(messages)]
    request = {"TopicArn": sns.create_topic(Name="topic")["TopicArn"], "PublishBatchRequestEntries": entries}
    code = code_of(sns.publish_batch, **request)
    return sns.publish_batch(**request) if code == "none" else code


@look(sns_batches.tell_of_refused_subjects, aws=["0"], moto=[])
def entries_that_failed_for_their_subject(endpoint: Endpoint) -> list[str]:
    return [one["Id"] for one in publish(endpoint, "x", Subject="x" * 101)["Failed"]]


@look(sns_batches.refuse_batches_beyond_the_limits, aws="BatchRequestTooLong", moto=3)
def publish_more_than_a_batch_takes(endpoint: Endpoint) -> Any:
    answer = publish(endpoint, *["x" * 100_000] * 3)
    return answer if isinstance(answer, str) else len(answer["Successful"])


def send(endpoint: Endpoint, body: str, **more: Any) -> str:
    return code_of(endpoint.client("sqs").send_message, QueueUrl=endpoint.queue()[0], MessageBody=body, **more)


@look(sqs_messages.refuse_messages_that_xml_cannot_represent, aws="InvalidMessageContents", moto="none")
def send_a_control_character(endpoint: Endpoint) -> str:
    return send(endpoint, "\x07")


@look(sqs_messages.count_the_attributes_of_messages, aws="InvalidParameterValue", moto="none")
def send_more_than_a_queue_takes_with_an_attribute(endpoint: Endpoint) -> str:
    attributes = {"Reason": {"DataType": "String", "StringValue": "x"}}
    return send(endpoint, "x" * 1_048_576, MessageAttributes=attributes)


@look(sqs_retention.read_the_retention_period_alone, aws=0, moto=3)
def readings_of_all_attributes_for_three_messages(endpoint: Endpoint) -> int:
    sqs = endpoint.client("sqs")
    url, _ = endpoint.queue()
    for _ in range(3):
        sqs.send_message(QueueUrl=url, MessageBody="{}")
    with counted(SQSBackend, "get_queue_attributes") as calls:
        assert len(sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]) == 3
    return len(calls)


def rows(endpoint: Endpoint) -> Any:
    """Make a table; return the client."""
    dynamodb = endpoint.client("dynamodb")
    dynamodb.create_table(
        TableName="rows",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    return dynamodb


@look(dynamodb_transactions.make_a_repeated_transaction_once, aws="1", moto="2")
def count_after_a_repeated_transaction(endpoint: Endpoint) -> str:
    dynamodb = rows(endpoint)
    add: dict[str, Any] = {"TableName": "rows", "Key": {"id": {"S": "a"}}, "UpdateExpression": "ADD n :one"}
    add["ExpressionAttributeValues"] = {":one": {"N": "1"}}
    for _ in range(2):
        dynamodb.transact_write_items(TransactItems=[{"Update": add}], ClientRequestToken="token")
    return str(dynamodb.get_item(TableName="rows", Key={"id": {"S": "a"}})["Item"]["n"]["N"])


@look(dynamodb_transactions.limit_the_size_of_transactions, aws="ValidationException", moto="none")
def write_more_than_a_transaction_takes(endpoint: Endpoint) -> str:
    items = [{"id": {"S": str(n)}, "x": {"S": "x" * 390_000}} for n in range(11)]
    puts = [{"Put": {"TableName": "rows", "Item": item}} for item in items]
    return code_of(rows(endpoint).transact_write_items, TransactItems=puts)


@look(dynamodb_transactions.undo_without_copies_of_tables, aws=0, moto=2)
def copies_of_a_table_in_a_transaction_of_two_items(endpoint: Endpoint) -> int:
    dynamodb = rows(endpoint)
    puts = [{"Put": {"TableName": "rows", "Item": {"id": {"S": id_}}}} for id_ in ("a", "b")]
    with counted(Table, "__reduce_ex__") as calls:  # what copy.deepcopy calls for want of a __deepcopy__
        dynamodb.transact_write_items(TransactItems=puts)
    return len(calls)
