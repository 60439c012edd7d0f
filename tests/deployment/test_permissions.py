"""What the role may do is what the code calls, no less and no more, on the loop's own resources."""

import ast
import json
from typing import Any

from tests.deployment.template import LOOP, NAMES, references, resolved, template
from tests.testing.aws_calls import PACKAGE, called, running

from label_loop.provisioning.review import _hash

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


def needed() -> dict[str, set[str]]:
    """Return the actions that the package needs at run time, each with the files that need it."""
    found: dict[str, set[str]] = {}
    for path in running():
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
