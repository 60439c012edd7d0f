"""The rules of PutParameter."""

import inspect
import re
from collections.abc import Callable
from typing import Any

from moto.ssm.exceptions import SSMException, ValidationException
from moto.ssm.models import SimpleSystemManagerBackend

from local_aws.moto_patches.patch import patch

_STANDARD_BYTES = 4096
_ADVANCED_BYTES = 8192
_REFERENCE = re.compile(r"\{\{.*\}\}", re.DOTALL)


@patch((SimpleSystemManagerBackend, "put_parameter"))
def limit_the_size_of_parameters(original: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """Refuse a value that is larger than its tier takes.

    moto 5.2.5 takes values of any size. AWS documents a limit of 4 KB for standard parameters and of 8 KB for
    advanced ones (PutParameter, "Value" and "Tier"), and answers ValidationException above it. Intelligent-Tiering
    makes a larger parameter an advanced one, and an advanced parameter stays one.
    """
    given, before = _given(original, args, options)
    tier = given.get("tier") or (before.tier if before else given["self"].default_parameter_tier)
    limit = _STANDARD_BYTES if tier == "Standard" else _ADVANCED_BYTES
    if len((given["value"] or "").encode()) > limit:
        name = "Standard" if tier == "Standard" else "Advanced"
        text = f"{name} tier parameters support a maximum parameter value of {limit} characters."
        raise ValidationException(text)
    return original(*args, **options)


@patch((SimpleSystemManagerBackend, "put_parameter"))
def keep_the_type_of_parameters(original: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """Refuse to overwrite a parameter by one of another type.

    moto 5.2.5 changes the type. AWS documents that Parameter Store does not support this, and answers
    HierarchyTypeMismatchException (PutParameter, "Errors").
    """
    given, before = _given(original, args, options)
    wanted = given["parameter_type"]
    if before and given["overwrite"] and wanted and wanted != before.parameter_type:
        text = f"The type of {before.name} is {before.parameter_type} and cannot be changed to {wanted}."
        raise SSMException("HierarchyTypeMismatchException", f"{text} Create a new parameter.")
    return original(*args, **options)


@patch((SimpleSystemManagerBackend, "put_parameter"))
def refuse_values_that_refer_to_parameters(original: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """Refuse a value with a part in double braces.

    moto 5.2.5 takes any text. AWS documents that a value cannot refer to other parameters, and has no {{}}
    (PutParameter, "Value"), and answers ValidationException.
    """
    given, _ = _given(original, args, options)
    if _REFERENCE.search(given["value"] or ""):
        raise ValidationException("A parameter's value cannot refer to another parameter by {{}}.")
    return original(*args, **options)


def _given(original: Callable[..., Any], args: Any, options: Any) -> tuple[dict[str, Any], Any]:
    """Return the arguments by name, and the last version of the parameter that they name, if there is one."""
    given = inspect.signature(original).bind(*args, **options).arguments
    return given, given["self"].get_parameter(given["name"])
