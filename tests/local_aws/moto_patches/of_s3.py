"""Looks at the patches of S3."""

import http.client
from typing import Any
from urllib.parse import urlsplit

from tests.local_aws.endpoint import Endpoint
from tests.local_aws.moto_patches.looks import code_of, look

from local_aws.moto_patches import s3_events, s3_notifications, s3_requests, s3_xml

HOST = "aws.example"


def bucket(endpoint: Endpoint, *events: str) -> tuple[Any, str]:
    """Make a bucket that sends events to a queue; return a client and the queue's URL, without the test event."""
    s3 = endpoint.client("s3")
    s3.create_bucket(Bucket="bucket")
    url, arn = endpoint.queue()
    if events:
        queues = [{"QueueArn": arn, "Events": list(events)}]
        s3.put_bucket_notification_configuration(
            Bucket="bucket", NotificationConfiguration={"QueueConfigurations": queues}
        )
        endpoint.messages(url)
    return s3, url


def records(endpoint: Endpoint, url: str) -> list[dict[str, Any]]:
    return [record for message in endpoint.messages(url) for record in message["Records"]]


@look(s3_requests.route_keys_with_line_breaks, aws="none", moto="404")
def write_a_key_with_a_line_break(endpoint: Endpoint) -> str:
    s3, _ = bucket(endpoint)
    return code_of(s3.put_object, Bucket="bucket", Key="two\nlines", Body=b"")


@look(s3_requests.refuse_keys_that_are_too_long, aws="KeyTooLongError", moto="none")
def write_a_key_that_is_too_long(endpoint: Endpoint) -> str:
    s3, _ = bucket(endpoint)
    return code_of(s3.put_object, Bucket="bucket", Key="k" * 1025, Body=b"")


@look(s3_requests.take_no_bucket_from_the_host, aws=200, moto=404)
def ask_under_a_host_with_a_dot(endpoint: Endpoint) -> int:
    bucket(endpoint)
    connection = http.client.HTTPConnection(urlsplit(endpoint.url).netloc, timeout=10)
    connection.request("GET", "/bucket", headers={"Host": HOST})
    return connection.getresponse().status


@look(s3_requests.copy_only_what_is_as_expected, aws="PreconditionFailed", moto="none")
def copy_what_changed(endpoint: Endpoint) -> str:
    s3, _ = bucket(endpoint)
    etag = s3.put_object(Bucket="bucket", Key="a", Body=b"1")["ETag"]
    s3.put_object(Bucket="bucket", Key="a", Body=b"2")
    source = {"Bucket": "bucket", "Key": "a"}
    return code_of(s3.copy_object, Bucket="bucket", Key="b", CopySource=source, CopySourceIfMatch=etag)


@look(s3_xml.encode_listings, aws=["a\x01", "b\r"], moto="500")
def list_versions_of_keys_with_control_characters(endpoint: Endpoint) -> Any:
    s3, _ = bucket(endpoint)
    for key in ("a\x01", "b\r"):
        s3.put_object(Bucket="bucket", Key=key, Body=b"")
    code = code_of(s3.list_object_versions, Bucket="bucket")
    return code if code != "none" else [one["Key"] for one in s3.list_object_versions(Bucket="bucket")["Versions"]]


@look(s3_xml.write_control_characters_as_references, aws="a\rb", moto="a\nb")
def name_a_key_with_a_carriage_return(endpoint: Endpoint) -> str:
    s3, _ = bucket(endpoint)
    return str(s3.create_multipart_upload(Bucket="bucket", Key="a\rb")["Key"])


@look(s3_xml.refuse_what_is_not_xml, aws="MalformedXML", moto="InternalFailure")
def delete_a_key_that_xml_cannot_have(endpoint: Endpoint) -> str:
    s3, _ = bucket(endpoint)
    return code_of(s3.delete_objects, Bucket="bucket", Delete={"Objects": [{"Key": "a\x01"}]})


@look(s3_events.give_events_a_sequencer, s3_events.send_the_record_of_s3, aws=2, moto=0)
def sequencers_of_two_uploads(endpoint: Endpoint) -> int:
    s3, url = bucket(endpoint, "s3:ObjectCreated:*")
    for _ in range(2):
        s3.put_object(Bucket="bucket", Key="a", Body=b"")
    return len({record["s3"]["object"].get("sequencer") for record in records(endpoint, url)} - {None})


@look(s3_events.send_no_tags_that_nobody_set, aws=[], moto=["ObjectTagging:Put"])
def events_of_tags_after_an_upload_without(endpoint: Endpoint) -> list[str]:
    s3, url = bucket(endpoint, "s3:ObjectTagging:*")
    s3.put_object(Bucket="bucket", Key="a", Body=b"")
    return [record["eventName"] for record in records(endpoint, url)]


COMPLETE = "ObjectCreated:CompleteMultipartUpload"


@look(s3_events.announce_a_multipart_upload_once, aws=[COMPLETE], moto=["ObjectCreated:Put", COMPLETE])
def events_of_a_multipart_upload(endpoint: Endpoint) -> list[str]:
    s3, url = bucket(endpoint, "s3:ObjectCreated:*")
    where = {"Bucket": "bucket", "Key": "a"}
    where["UploadId"] = s3.create_multipart_upload(**where)["UploadId"]
    etag = s3.upload_part(**where, PartNumber=1, Body=b"x")["ETag"]
    s3.complete_multipart_upload(**where, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]})
    return [record["eventName"] for record in records(endpoint, url)]


@look(
    s3_events.send_the_record_of_s3,
    aws=("in/a+b", ["eTag", "key", "sequencer", "size", "versionId"], {"ownerIdentity", "name", "arn"}),
    moto=("in%2Fa+b", ["eTag", "key", "size"], {"name", "arn"}),
)
def record_of_an_upload(endpoint: Endpoint) -> Any:
    s3, url = bucket(endpoint, "s3:ObjectCreated:*")
    s3.put_bucket_versioning(Bucket="bucket", VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket="bucket", Key="in/a b", Body=b"")
    (record,) = records(endpoint, url)
    item = record["s3"]["object"]
    return item["key"], sorted(item), set(record["s3"]["bucket"])


@look(
    s3_events.send_event_bridge_the_detail_of_s3,
    aws=["etag", "key", "sequencer", "size"],
    moto=["eTag", "key", "sequencer", "size", "version-id"],
)
def detail_of_an_upload(endpoint: Endpoint) -> list[str]:
    s3, _ = bucket(endpoint)
    url = endpoint.rule({"source": ["aws.s3"]})
    s3.put_bucket_notification_configuration(
        Bucket="bucket", NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    s3.put_object(Bucket="bucket", Key="a", Body=b"")
    (event,) = endpoint.messages(url)
    return sorted(event["detail"]["object"])


@look(s3_notifications.refuse_notifications_that_overlap, aws="InvalidArgument", moto="none")
def notify_two_queues_of_the_same_events(endpoint: Endpoint) -> str:
    s3, _ = bucket(endpoint)
    queues = [{"QueueArn": endpoint.queue(name)[1], "Events": ["s3:ObjectCreated:*"]} for name in ("one", "two")]
    put = s3.put_bucket_notification_configuration
    return code_of(put, Bucket="bucket", NotificationConfiguration={"QueueConfigurations": queues})


@look(s3_notifications.refuse_destinations_that_do_not_exist, aws="InvalidArgument", moto="none")
def notify_a_queue_that_does_not_exist(endpoint: Endpoint) -> str:
    s3, _ = bucket(endpoint)
    topic = {"TopicArn": "arn:aws:sns:us-east-1:123456789012:gone", "Events": ["s3:ObjectRemoved:*"]}
    put = s3.put_bucket_notification_configuration
    return code_of(put, Bucket="bucket", NotificationConfiguration={"TopicConfigurations": [topic]})
