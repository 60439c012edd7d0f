"""The sample as the guide to its takeover names it, and how it is at the points where the guide says something."""

from typing import Any

from tests.testing.guide import ROOT, Step, steps
from tests.testing.sample_layout import Client, SampleStack

from label_loop.provisioning.notifications import _plain

GUIDE = ROOT / "docs/migrating-from-step-functions.md"
UPLOAD = "images_for_detection/new.png"


class GuidedSample:
    """The sample with one detection in its log, and its triggers as they were at the beginning."""

    def __init__(self, client: Client) -> None:
        self.client, self.stack = client, SampleStack()
        self.stack.lay_out(client)
        self.stack.add_triggers(client)
        detected = {"DetectLabelRequestId": "1", "DetectLabelDate": "2026-11-23T09:00:00.000Z", "Sampled": "No"}
        item = {name: {"S": value} for name, value in detected.items()}
        client("dynamodb").put_item(TableName=self.stack.table, Item=item)
        self.before = self.triggers()

    def triggers(self) -> tuple[dict[str, str], Any]:
        """Return the states of the sample's rules, and whom the bucket notifies."""
        rules = self.client("events").list_rules(NamePrefix=self.stack.prefix)["Rules"]
        answer = self.client("s3").get_bucket_notification_configuration(Bucket=self.stack.bucket)
        told = {key: value for key, value in answer.items() if key != "ResponseMetadata"}
        return {one["Name"]: one["State"] for one in rules}, _plain(told)

    def check_adopted(self) -> None:
        """Check that the loop alone is notified of uploads, and that no rule starts the sample."""
        states, told = self.triggers()
        assert set(states.values()) == {"DISABLED"}
        assert "LambdaFunctionConfigurations" not in told
        self.client("s3").put_object(Bucket=self.stack.bucket, Key=UPLOAD, Body=b"x")
        url = self.client("sqs").list_queues(QueueNamePrefix="label-loop-")["QueueUrls"]
        (uploads,) = [one for one in url if one.endswith("-uploads")]
        messages = self.client("sqs").receive_message(QueueUrl=uploads, MaxNumberOfMessages=10)["Messages"]
        assert UPLOAD in messages[-1]["Body"]

    def check_given_back(self) -> None:
        """Check that the sample is set to work by what did so at the beginning."""
        assert self.triggers() == self.before


def there_and_back() -> tuple[list[Step], list[Step]]:
    """Return the guide's steps up to the way back, and from there on."""
    found = steps(GUIDE)
    turn = next(number for number, step in enumerate(found) if "--back" in step.command)
    assert turn >= 5
    return found[:turn], found[turn:]
