"""What the role may do is what the code calls, no less and no more, on the loop's own resources."""

import ast
import inspect
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from textwrap import dedent
from typing import Any

import botocore.session
from airflow.providers.amazon.aws.hooks.s3 import S3Hook
from botocore import xform_name
from tests.deployment.template import LOOP, NAMES, references, resolved, template

from label_loop.provisioning.review import _hash

PACKAGE = Path(__file__).resolve().parents[2] / "plugins" / "label_loop"
SERVICES = ("dynamodb", "rekognition", "s3", "sagemaker-a2i-runtime", "sns", "sqs", "ssm")
_READ = {"s3:GetObject", "s3:GetObjectVersion"}  # images are read in the version that was uploaded
_TAGS = {"s3:GetObjectTagging", "s3:GetObjectVersionTagging", "s3:PutObjectTagging"}  # a copy takes them along
# IAM names an action as the operation, but for these. A transaction needs what it is made of.
ACTIONS: dict[str, set[str]] = {
    "dynamodb:TransactWriteItems": set(),
    "s3:CopyObject": {*_READ, *_TAGS, "s3:PutObject"},
    "s3:GetObject": _READ,
    "s3:HeadObject": _READ,
    "s3:ListObjectVersions": {"s3:ListBucketVersions"},
    "s3:ListObjectsV2": {"s3:ListBucket"},
    "sagemaker-a2i-runtime:StartHumanLoop": {"sagemaker:StartHumanLoop"},
    "sns:PublishBatch": {"sns:Publish"},
    "sqs:DeleteMessageBatch": {"sqs:DeleteMessage"},
}
TRANSACTION_ITEMS = {
    "Put": "dynamodb:PutItem",
    "Update": "dynamodb:UpdateItem",
    "Delete": "dynamodb:DeleteItem",
    "ConditionCheck": "dynamodb:ConditionCheckItem",
}


@cache
def operations() -> dict[str, str]:
    """Return the operations of the services that a loop uses, by the names of a client's methods."""
    session = botocore.session.get_session()
    names = ((service, name) for service in SERVICES for name in session.get_service_model(service).operation_names)
    return {xform_name(name): f"{service}:{name}" for service, name in names}


def called(tree: ast.AST) -> Iterator[str]:
    """Yield the operations that some code calls or hands on, also through paginators and the provider's S3 hook.

    The provider's trigger of a queue only receives, as the package's own hook does.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            if node.attr in operations() and not _is_query_of_url(node):
                yield operations()[node.attr]
            if isinstance(node.value, ast.Attribute) and node.value.attr == "s3" and hasattr(S3Hook, node.attr):
                yield from _called_by_provider(node.attr)
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "get_paginator":
            yield operations()[ast.literal_eval(node.args[0])]


def _is_query_of_url(node: ast.Attribute) -> bool:
    return node.attr == "query" and getattr(node.value, "attr", "") == "url"


def _called_by_provider(method: str) -> Iterator[str]:
    source = getattr(S3Hook, method)
    if not inspect.isfunction(source):
        return
    tree = ast.parse(dedent(inspect.getsource(source)))
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        of = node.func.value
        if node.func.attr == "get_paginator":
            yield operations()[ast.literal_eval(node.args[0])]
        elif isinstance(of, ast.Call) and getattr(of.func, "attr", "") == "get_conn":
            yield operations()[node.func.attr]
        elif isinstance(of, ast.Name) and of.id == "self" and hasattr(S3Hook, node.func.attr):
            yield from _called_by_provider(node.func.attr)


def needed() -> dict[str, set[str]]:
    """Return the actions that the package needs at run time, each with the files that need it."""
    found: dict[str, set[str]] = {}
    for path in PACKAGE.rglob("*.py"):
        if "provisioning" in path.parts:  # the rights of whoever sets a loop up
            continue
        tree = ast.parse(path.read_text())
        actions = {action for one in called(tree) for action in ACTIONS.get(one, {one})}
        keys = (key for node in ast.walk(tree) if isinstance(node, ast.Dict) for key in node.keys)
        kinds = {key.value for key in keys if isinstance(key, ast.Constant)}
        actions |= {action for kind, action in TRANSACTION_ITEMS.items() if kind in kinds}
        for action in actions:
            found.setdefault(action, set()).add(path.name)
    waiters = json.loads((PACKAGE / "waiters" / "rekognition.json").read_text())["waiters"]
    for waiter in waiters.values():
        found.setdefault(f"rekognition:{waiter['operation']}", set()).add("rekognition.json")
    return found


def statements() -> list[dict[str, Any]]:
    policy = template("loop")["Resources"]["LoopAccess"]["Properties"]["PolicyDocument"]
    return list(resolved(policy, references(f"{NAMES.arn('rekognition', f'project/{NAMES.base}')}/1", ""))["Statement"])


def as_list(value: Any) -> list[Any]:
    return [value] if isinstance(value, str) else list(value)


def test_the_role_may_do_what_the_code_calls_and_nothing_else():
    allowed = {action for one in statements() for action in as_list(one["Action"])}
    found = needed()
    assert {action: files for action, files in found.items() if action not in allowed} == {}, "missing in the policy"
    assert allowed - set(found) == set(), "called by nothing"


def test_nothing_is_allowed_beyond_the_loop():
    own = (
        NAMES.base,
        f"parameter{LOOP.path}",
    )
    for one in statements():
        assert one["Effect"] == "Allow"
        if one["Sid"] == "Projects":  # the action takes no narrower resource
            assert (one["Action"], one["Resource"]) == ("rekognition:DescribeProjects", "*")
            continue
        for arn in (arn for arn in as_list(one["Resource"]) if arn != {"Ref": "AWS::NoValue"}):
            assert arn.startswith("arn:aws:"), arn
            name = arn.split(":", 5)[5]
            assert any(part in name for part in own), arn
            assert not name.startswith("*"), arn
    flows, *others = next(one["Resource"] for one in statements() if one["Sid"] == "HumanLoops")
    # A hash's length exactly: the loop a-b's are not the loop a's.
    assert flows == NAMES.arn("sagemaker", f"flow-definition/{NAMES.base}-{'?' * len(_hash('x'))}")
    assert others == [{"Ref": "AWS::NoValue"}]


def test_the_environment_s_own_rights_are_not_about_loops():
    (policy,) = template("mwaa")["Resources"]["ExecutionRole"]["Properties"]["Policies"]
    actions = {a for one in policy["PolicyDocument"]["Statement"] for a in as_list(one["Action"])}
    assert {action.split(":")[0] for action in actions} == {"airflow", "cloudwatch", "kms", "logs", "s3", "sqs"}
    queues = [one for one in policy["PolicyDocument"]["Statement"] if "sqs:SendMessage" in one["Action"]]
    assert [one["Resource"]["Fn::Sub"].rsplit(":", 1)[1] for one in queues] == ["airflow-celery-*"]
