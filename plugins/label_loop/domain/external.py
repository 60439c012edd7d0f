"""What comes from outside is read into typed models, and what they refuse is described for people.

For Airflow's side alone: provisioning runs where there is no pydantic.
"""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError
from pydantic.alias_generators import to_camel

from label_loop.exceptions import shown

# Longer than anything that AWS sends: a key of 1,024 bytes takes three characters for each where it is encoded.
# pydantic takes no half a character, which JSON can hold and nothing can write.
Text = Annotated[str, StringConstraints(max_length=4096)]
Name = Annotated[Text, StringConstraints(min_length=1)]


class External(BaseModel):
    """A part of a document: exact types, names as AWS writes them; other fields are passed over."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", alias_generator=to_camel)


def first_problem(error: ValidationError) -> str:
    """Return the first thing that is wrong with a document: where, the value, and the rule."""
    problem = error.errors(include_url=False, include_context=False)[0]
    place = shown(".".join(str(part) for part in problem["loc"])) if problem["loc"] else "it"
    if problem["type"] == "missing":
        return f"{place} is missing"
    return f"{place} is {_described(problem['input'])}: {problem['msg'].removeprefix('Value error, ')}"


def _described(value: Any) -> str:
    # Of a container, which may be nested deeper than it could be written, the kind alone.
    return shown(value) if isinstance(value, str | int | float | None) else f"a {type(value).__name__}"
