"""What a release before there were stacks made of a loop, with its record."""

import json

from label_loop.parameters import PARAMETERS
from label_loop.provisioning.names import Names
from label_loop.provisioning.policies import rekognition_statements
from label_loop.provisioning.table import INDEX, REVIEWS, STATISTICS, _definitions, _index, _schema, inference_log
from label_loop.system_record import SYSTEM_RECORD

REGION = "eu-west-1"
FOLDERS = {"uploads": "images_for_detection/", "answers": "a2i-human-loop-data/"}


def lay_out(client, loop):
    """Make the resources, the parameters and the record; return the record."""
    names = Names(loop, "aws", REGION, "123456789012")
    values = {"s3_bucket": names.bucket, "dynamodb_table_GSI": INDEX, "review_backend": "airflow"}
    values |= {"sampling_since": "2026-01-01T00:00:00+00:00"}
    for purpose in FOLDERS:
        values |= _queues(client("sqs"), names, purpose)
    _bucket(client("s3"), loop, names)
    for suffix, layout in (("", inference_log(INDEX)), ("-reviews", REVIEWS), ("-statistics", STATISTICS)):
        values[layout.record_key] = _table(client("dynamodb"), f"{names.base}{suffix}", layout)
    values["sns-topic"] = client("sns").create_topic(Name=names.base)["TopicArn"]
    values["rekognition_project_arn"] = client("rekognition").create_project(ProjectName=names.base)["ProjectArn"]
    put = client("ssm").put_parameter
    for name, parameter in PARAMETERS.items():
        put(Name=loop.parameter(name), Value=parameter.default, Type="String")
    put(Name=loop.parameter(SYSTEM_RECORD), Value=json.dumps(values), Type="String")
    return values


def _queues(sqs, names, purpose):
    dead = sqs.create_queue(QueueName=names.dead_letter_queue(purpose))["QueueUrl"]
    statement = {
        "Sid": "LabelLoopBucket",
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": names.arn("sqs", names.queue(purpose)),
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    main = sqs.create_queue(QueueName=names.queue(purpose), Attributes={"Policy": json.dumps(policy)})["QueueUrl"]
    return {f"{purpose}_dead_letter_queue_url": dead, f"{purpose}_queue_url": main}


def _bucket(s3, loop, names):
    bucket = names.bucket
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": "label-loop", "Value": loop.name}]})
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    policy = {"Version": "2012-10-17", "Statement": rekognition_statements(names, bucket)}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    queues = [
        {
            "Id": f"label-loop-{purpose}",
            "QueueArn": names.arn("sqs", names.queue(purpose)),
            "Events": ["s3:ObjectCreated:*"],
            "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": folder}]}},
        }
        for purpose, folder in FOLDERS.items()
    ]
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"QueueConfigurations": queues})
    s3.put_object(Bucket=bucket, Key="images_labeled_by_folder/cat/1.png", Body=b"x")


def _table(dynamodb, name, layout):
    indexes = [_index(index, attributes) for index, attributes in layout.indexes.items()]
    dynamodb.create_table(
        TableName=name,
        KeySchema=_schema(layout.key),
        AttributeDefinitions=_definitions(layout.key, *layout.indexes.values()),
        **({"GlobalSecondaryIndexes": indexes} if indexes else {}),
        BillingMode="PAY_PER_REQUEST",
    )
    return name
