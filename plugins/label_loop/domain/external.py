"""Typed models for data from outside, and readable descriptions of their validation errors.

Not for provisioning, which also runs where pydantic is not installed.
"""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError
from pydantic.alias_generators import to_camel

from label_loop.exceptions import shown

# Longer than anything that AWS sends: URL-encoded, a key of 1,024 bytes takes up to 3,072 characters. pydantic also
# rejects lone surrogates, which JSON can hold but UTF-8 cannot encode.
Text = Annotated[str, StringConstraints(max_length=4096)]
Name = Annotated[Text, StringConstraints(min_length=1)]


class External(BaseModel):
    """A part of a document: strict types, camel case names as AWS writes them; unknown fields are ignored."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", alias_generator=to_camel)


def first_problem(error: ValidationError) -> str:
    """Return the first error of a document: its place, the value, and the rule."""
    problem = error.errors(include_url=False, include_context=False)[0]
    place = shown(".".join(str(part) for part in problem["loc"])) if problem["loc"] else "it"
    if problem["type"] == "missing":
        return f"{place} is missing"
    return f"{place} is {_described(problem['input'])}: {problem['msg'].removeprefix('Value error, ')}"


def _described(value: Any) -> str:
    # Only the type of a container: it may be nested too deeply for repr().
    return shown(value) if isinstance(value, str | int | float | None) else f"a {type(value).__name__}"
