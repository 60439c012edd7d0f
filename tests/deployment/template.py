"""Reads the CloudFormation templates, and resolves what in them refers to other resources."""

import re
from pathlib import Path
from typing import Any

from cfnlint.decode import cfn_yaml

from deployment import environment_stack
from label_loop.loop import Loop
from label_loop.provisioning import loop_stack
from label_loop.provisioning.names import Names

PROJECT = Path(__file__).resolve().parents[2]
FILES = {"loop": loop_stack.TEMPLATE, "mwaa": environment_stack.TEMPLATE}
REGION = "eu-west-1"
ACCOUNT = "123456789012"
LOOP = Loop("/label-loop")
NAMES = Names(LOOP, "aws", REGION, ACCOUNT)


def template(name: str) -> dict[str, Any]:
    """Return a template as plain values, with its functions in their long form."""
    return dict(cfn_yaml.load(str(FILES[name])))


def references(project_arn: str, queue_url: str) -> dict[str, str]:
    """Return what ``Ref`` and ``GetAtt`` give in loop.yaml, by the names that provisioning gives.

    ``queue_url`` is where all queues lie.
    """
    found = {
        "Loop": LOOP.name,
        "Path": LOOP.path,
        "BucketName": NAMES.bucket,
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
        tables = {"InferenceLog": "", "Reviews": "-reviews", "Statistics": "-statistics", "State": "-state"}
        tables["Labels"] = "-labels"
    for logical, suffix in tables.items():
        found |= {logical: NAMES.base + suffix, f"{logical}.Arn": NAMES.arn("dynamodb", f"table/{NAMES.base}{suffix}")}
    return found


def resolved(value: Any, known: dict[str, str]) -> Any:
    """Return a part of a template with its references resolved, as for a loop that has nothing; unknown ones stay."""
    if isinstance(value, list):
        return [resolved(one, known) for one in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"Ref"}:
        return known.get(value["Ref"], value)
    if set(value) == {"Fn::GetAtt"}:
        return known.get(".".join(value["Fn::GetAtt"]), value)
    if set(value) == {"Fn::Sub"}:
        return _substituted(value["Fn::Sub"], known)
    inner = {key: resolved(one, known) for key, one in value.items()}
    return _FUNCTIONS.get(next(iter(inner), ""), lambda inner: inner)(inner)


def _substituted(given: Any, known: dict[str, str]) -> Any:
    text, more = (given[0], resolved(given[1], known)) if isinstance(given, list) else (given, {})
    values = {**known, **{key: value for key, value in more.items() if isinstance(value, str)}}
    text = re.sub(r"\$\{([\w:.]+)\}", lambda match: values.get(match[1], match[0]), text)
    return {"Fn::Sub": text} if "${" in text else text


def _if(inner: dict[str, Any]) -> Any:
    condition, then, otherwise = inner["Fn::If"]
    if condition.startswith("Makes"):
        return then
    return otherwise if condition == "HasFlowDefinition" else inner


def _join(inner: dict[str, Any]) -> Any:
    between, parts = inner["Fn::Join"]
    return between.join(parts) if all(isinstance(one, str) for one in parts) else inner


def _split(inner: dict[str, Any]) -> Any:
    at, text = inner["Fn::Split"]
    return text.split(at) if isinstance(text, str) else inner


def _select(inner: dict[str, Any]) -> Any:
    index, parts = inner["Fn::Select"]
    return parts[int(index)] if isinstance(parts, list) else inner


_FUNCTIONS = {"Fn::If": _if, "Fn::Join": _join, "Fn::Select": _select, "Fn::Split": _split}
