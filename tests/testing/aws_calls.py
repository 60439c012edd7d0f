"""Which operations of AWS the package calls, as far as its code tells."""

import ast
import inspect
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from textwrap import dedent

import botocore.session
from airflow.providers.amazon.aws.hooks.s3 import S3Hook
from botocore import xform_name

PACKAGE = Path(__file__).resolve().parents[2] / "plugins" / "label_loop"
RUNNING = ("dynamodb", "rekognition", "s3", "sagemaker-a2i-runtime", "sns", "sqs", "ssm")
SETTING_UP = (*RUNNING, "cloudformation", "events", "sagemaker", "sts")
# Methods that are named as operations, by what they are called on.
_OTHERS = {("query", "url"), ("publish", "announcer"), ("publish", "Announcer")}


def running() -> Iterator[Path]:
    """Yield the files of what runs in Airflow: all but provisioning, which whoever sets a loop up calls."""
    return (path for path in PACKAGE.rglob("*.py") if "provisioning" not in path.parts)


def all_called() -> set[str]:
    """Return all operations that the package calls, such as ``s3:GetObject``."""
    files = dict.fromkeys(running(), RUNNING)
    files |= dict.fromkeys((PACKAGE / "provisioning").rglob("*.py"), SETTING_UP)
    return {one for path, services in files.items() for one in called(ast.parse(path.read_text()), services)}


@cache
def operations(services: tuple[str, ...]) -> dict[str, str]:
    """Return the operations of services by the names of a client's methods."""
    session = botocore.session.get_session()
    names = ((service, name) for service in services for name in session.get_service_model(service).operation_names)
    return {xform_name(name): f"{service}:{name}" for service, name in names}


def called(tree: ast.AST, services: tuple[str, ...] = RUNNING) -> Iterator[str]:
    """Yield the operations that some code calls or hands on, also through paginators and the provider's S3 hook.

    The provider's trigger of a queue only receives, as the package's own hook does.
    """
    known = operations(services)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            if node.attr in known and (node.attr, _name(node.value)) not in _OTHERS:
                yield known[node.attr]
            if isinstance(node.value, ast.Attribute) and node.value.attr == "s3" and hasattr(S3Hook, node.attr):
                yield from _called_by_provider(node.attr)
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "get_paginator":
            yield known[ast.literal_eval(node.args[0])]


def _name(node: ast.expr) -> str:
    """Return the last name of an expression: that of an attribute, of a variable, or of what is called."""
    if isinstance(node, ast.Call):
        return _name(node.func)
    return str(getattr(node, "attr", getattr(node, "id", "")))


def _called_by_provider(method: str) -> Iterator[str]:
    source = getattr(S3Hook, method)
    if not inspect.isfunction(source):
        return
    known = operations(RUNNING)
    for node in ast.walk(ast.parse(dedent(inspect.getsource(source)))):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        of = node.func.value
        if node.func.attr == "get_paginator":
            yield known[ast.literal_eval(node.args[0])]
        elif isinstance(of, ast.Call) and getattr(of.func, "attr", "") == "get_conn":
            yield known[node.func.attr]
        elif isinstance(of, ast.Name) and of.id == "self" and hasattr(S3Hook, node.func.attr):
            yield from _called_by_provider(node.func.attr)
