"""The compose file and the Dockerfile as Docker would read them: interpolated, with each service's own settings."""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from local_stack.environment import PROJECT

FILE = PROJECT / "docker-compose.yaml"
_VARIABLE = re.compile(r"\$(?:(?P<escaped>\$)|\{(?P<name>\w+)(?:(?P<rule>:?[-?])(?P<text>[^}]*))?\}|(?P<bare>\w+))")


class UnsetError(Exception):
    """A variable that must be set is not: the message that Docker would show."""


@dataclass(frozen=True)
class Service:
    """One service: what it runs, in which environment, and how it says that it is well."""

    name: str
    command: list[str]
    environment: dict[str, str]
    health_check: list[str]
    replicas: int
    is_ours: bool


def interpolate(text: str, variables: Mapping[str, str]) -> str:
    """Replace ``$$``, ``${X}``, ``${X-default}`` and ``${X?message}``, the last two with a colon for empty ones too."""

    def value(match: re.Match[str]) -> str:
        if match["escaped"]:
            return "$"
        name, rule = match["name"] or match["bare"], match["rule"] or ""
        found = variables.get(name)
        if found is not None and not (found == "" and rule.startswith(":")):
            return found
        if rule.endswith("?"):
            raise UnsetError(f"{name}: {match['text']}")
        return match["text"] or ""

    return _VARIABLE.sub(value, text)


def read(variables: Mapping[str, str], file: Path = FILE) -> dict[str, Any]:
    """Return the whole file, interpolated. Raises UnsetError."""

    def filled(node: Any) -> Any:
        if isinstance(node, dict):
            return {key: filled(value) for key, value in node.items()}
        if isinstance(node, list):
            return [filled(value) for value in node]
        return interpolate(node, variables) if isinstance(node, str) else node

    found: dict[str, Any] = filled(yaml.safe_load(file.read_text()))
    return found


def services(variables: Mapping[str, str]) -> dict[str, Service]:
    """Return all services by name. Ours begin with the image's environment."""
    return {name: _service(name, node) for name, node in read(variables)["services"].items()}


def _service(name: str, node: dict[str, Any]) -> Service:
    is_ours = "build" in node
    return Service(
        name=name,
        command=shlex.split(node.get("command", "")),
        environment=(image_environment() if is_ours else {}) | node.get("environment", {}),
        health_check=_health_check(node.get("healthcheck", {}).get("test", [])),
        replicas=node.get("deploy", {}).get("replicas", 1),
        is_ours=is_ours,
    )


def _health_check(test: list[str]) -> list[str]:
    if not test:
        return []
    kind, *rest = test
    return {"CMD": rest, "CMD-SHELL": ["sh", "-c", *rest]}[kind]


def image_environment() -> dict[str, str]:
    """Return what the Dockerfile sets with ENV."""
    lines = (PROJECT / "Dockerfile").read_text().replace("\\\n", " ").splitlines()
    pairs = [pair for line in lines if line.startswith("ENV ") for pair in shlex.split(line.removeprefix("ENV "))]
    return dict(pair.split("=", 1) for pair in pairs)


def example() -> dict[str, str]:
    """Return the variables of .env.example, as they are committed."""
    lines = (PROJECT / ".env.example").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
