"""A running endpoint as tests ask it."""

import json
import urllib.error
import urllib.request
from typing import Any

import boto3
from botocore.config import Config

from local_aws.server import LocalAws

_SESSION = boto3.Session(aws_access_key_id="local", aws_secret_access_key="local", region_name="us-east-1")


class Endpoint:
    """A running endpoint and short ways to ask it."""

    def __init__(self, aws: LocalAws) -> None:
        self.aws = aws
        self.url = aws.url

    def client(self, service: str, attempts: int = 1, region: str = "us-east-1", app: str | None = None) -> Any:
        config = Config(retries={"total_max_attempts": attempts, "mode": "standard"}, user_agent_appid=app)
        return _SESSION.client(service, endpoint_url=self.url, config=config, region_name=region)

    def control(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        data = None if body is None else json.dumps(body).encode()
        url = f"{self.url}/_local/{path}"
        request = urllib.request.Request(url, data, headers or {}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read())

    def counts(self) -> dict[str, int]:
        return self.control("GET", "calls")[1]["calls"]

    def queue(self, name: str = "events") -> tuple[str, str]:
        sqs = self.client("sqs")
        url = sqs.create_queue(QueueName=name)["QueueUrl"]
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
        return url, attributes["QueueArn"]

    def messages(self, url: str, wait: int = 0) -> list[Any]:
        sqs = self.client("sqs")
        found: list[Any] = []
        for _ in range(20):
            got = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=wait).get("Messages", [])
            if not got:
                break
            found += [json.loads(message["Body"]) for message in got]
            wait = 0
        return found

    def rule(self, pattern: dict[str, Any], name: str = "rule") -> str:
        """Send events of a pattern to a new queue; return its URL."""
        url, arn = self.queue(f"{name}-queue")
        events = self.client("events")
        events.put_rule(Name=name, EventPattern=json.dumps(pattern))
        events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
        return url
