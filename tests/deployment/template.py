"""Reads the CloudFormation templates, and resolves what in them refers to other resources."""

import re
from pathlib import Path
from typing import Any

from cfnlint.decode import cfn_yaml

from label_loop.loop import Loop
from label_loop.provisioning.names import Names

FOLDER = Path(__file__).resolve().parents[2] / "include" / "cloudformation"
REGION = "eu-west-1"
ACCOUNT = "123456789012"
LOOP = Loop("/label-loop")
NAMES = Names(LOOP, "aws", REGION, ACCOUNT)


def template(name: str) -> dict[str, Any]:
    """Return a template as plain values, with its functions in their long form."""
    return dict(cfn_yaml.load(str(FOLDER / f"{name}.yaml")))


def references(project_arn: str, queue_url: str) -> dict[str, str]:
    """Return what ``Ref`` and ``GetAtt`` give in application.yaml, by the names that provisioning gives.

    ``queue_url`` is where all queues lie.
    """
    found = {
        "Loop": LOOP.name,
        "AWS::Region": REGION,
        "AWS::AccountId": ACCOUNT,
        "AWS::Partition": "aws",
        "Bucket": NAMES.bucket,
        "Bucket.Arn": NAMES.bucket_arn(NAMES.bucket),
        "Project": NAMES.base,
        "Project.Arn": project_arn,
        "Topic": NAMES.arn("sns", NAMES.base),
    }
    for logical, purpose in (("Uploads", "uploads"), ("Answers", "answers")):
        for kind, name in (("Queue", NAMES.queue(purpose)), ("DeadLetterQueue", NAMES.dead_letter_queue(purpose))):
            found |= {f"{logical}{kind}": queue_url + name, f"{logical}{kind}.Arn": NAMES.arn("sqs", name)}
            found[f"{logical}{kind}.QueueName"] = name
    tables = {"InferenceLog": "", "Reviews": "-reviews", "Statistics": "-statistics", "State": "-state"}
    for logical, suffix in tables.items():
        found |= {logical: NAMES.base + suffix, f"{logical}.Arn": NAMES.arn("dynamodb", f"table/{NAMES.base}{suffix}")}
    return found


def resolved(value: Any, known: dict[str, str]) -> Any:
    """Return a part of a template with its references resolved; those that are not known stay."""
    if isinstance(value, list):
        return [resolved(one, known) for one in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"Ref"}:
        return known.get(value["Ref"], value)
    if set(value) == {"Fn::GetAtt"}:
        return known.get(".".join(value["Fn::GetAtt"]), value)
    if set(value) == {"Fn::Sub"}:
        text = re.sub(r"\$\{([\w:.]+)\}", lambda match: known.get(match[1], match[0]), value["Fn::Sub"])
        return {"Fn::Sub": text} if "${" in text else text
    return {key: resolved(one, known) for key, one in value.items()}
