"""Who deploys may do what the commands call and what CloudFormation does for them, also where it rolls back."""

import ast
import json
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import botocore.session
from botocore import xform_name
from tests.deployment.template import PROJECT, template

CODE = (PROJECT / "include" / "deployment", PROJECT / "plugins" / "label_loop" / "provisioning")
# botocore's names of the services that the commands call, and IAM's where those differ.
SERVICES = {
    "cloudformation": "cloudformation",
    "dynamodb": "dynamodb",
    "events": "events",
    "logs": "logs",
    "mwaa": "airflow",
    "rekognition": "rekognition",
    "s3": "s3",
    "sagemaker": "sagemaker",
    "sns": "sns",
    "sqs": "sqs",
    "ssm": "ssm",
    "sts": "sts",
}
# What resource types can use and the templates do not: other services, keys of one's own, other people's rights.
NOT_USED = {"cloudfront", "kinesis", "kms", "logs", "s3tables", "vpc-lattice", "vpce"}
OTHERS_RIGHTS = {f"iam:{verb}{whose}Policy" for verb in ("Attach", "Detach") for whose in ("Group", "User")}


@cache
def operations() -> dict[str, set[str]]:
    session = botocore.session.get_session()
    found: dict[str, set[str]] = {}
    for service, prefix in SERVICES.items():
        for name in session.get_service_model(service).operation_names:
            found.setdefault(xform_name(name), set()).add(f"{prefix}:{name}")
    return found


def called() -> dict[str, set[str]]:
    """Return the operations that the code names, as methods and as texts of paginators, with who could answer them."""
    found: dict[str, set[str]] = {}
    for path in (path for folder in CODE for path in folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "value", None)
            if isinstance(name, str) and name in operations():
                found[name] = operations()[name]
    return found


def handled() -> set[str]:
    """Return the actions with which CloudFormation makes, changes and removes the templates' types."""
    schemas = Path(str(files("cfnlint"))) / "data" / "schemas"
    names = json.loads((schemas / "providers" / "us-east-1.json").read_text())
    kinds = {one["Type"] for name in ("loop", "mwaa") for one in template(name)["Resources"].values()}
    found: set[str] = set()
    for kind in kinds:
        handlers = json.loads((schemas / "resources" / f"{names[kind]}.json").read_text())["handlers"]
        found |= {action for handler in handlers.values() for action in handler.get("permissions", [])}
    return {action for action in found if action.split(":")[0] not in NOT_USED} - OTHERS_RIGHTS


def policy() -> dict[str, Any]:
    return dict(json.loads((PROJECT / "include" / "cloudformation" / "deployer-policy.json").read_text()))


def allowed(action: str) -> bool:
    patterns: list[str] = []
    for statement in policy()["Statement"]:
        actions = statement["Action"]
        patterns += [actions] if isinstance(actions, str) else actions
    return any(fnmatchcase(action.lower(), pattern.lower()) for pattern in patterns)


def test_what_the_commands_call_is_allowed():
    found = called()
    assert {"create_change_set", "stop_project_version", "list_environments", "create_flow_definition"} <= set(found)
    assert {name for name, actions in found.items() if not any(map(allowed, actions))} == set()


def test_what_cloudformation_does_for_the_templates_is_allowed():
    needed = handled()
    assert {"ec2:CreateNatGateway", "airflow:DeleteEnvironment", "dynamodb:DeleteTable"} <= needed
    assert {action for action in needed if not allowed(action)} == set()


def test_the_policy_is_one_that_iam_takes():
    assert len(json.dumps(policy(), separators=(",", ":"))) <= 6144
    for statement in policy()["Statement"]:
        assert statement["Sid"].isalnum()
        assert statement["Resource"] != "*" or "iam:*" not in statement["Action"]


def test_nothing_of_other_people_s_may_be_changed_by_name():
    for statement in policy()["Statement"]:
        resources = statement["Resource"]
        for arn in [resources] if isinstance(resources, str) else resources:
            named = "label-loop" in arn or arn.endswith((":parameter/*", ":userpool/*")) or "aws-service-role" in arn
            assert named or arn == "*", arn
