"""Parameter Store's change events, which moto does not send."""

import json
from typing import Any

from moto.ssm.models import ssm_backends

from local_aws import events
from local_aws.requests import Request
from local_aws.services import ACCOUNT_ID

_OPERATIONS = frozenset({"PutParameter", "DeleteParameter", "DeleteParameters", "LabelParameterVersion"})


class ParameterChanges:
    """One call of SSM: what it was about to change, known before, told after."""

    def __init__(self, request: Request) -> None:
        self._operation = request.operation if request.service == "ssm" else None
        self._region = request.scope.region
        self._body = _json(request.body) if self._operation in _OPERATIONS else {}
        # A deleted parameter's type and description are in its event, and gone after the call.
        self._before = {name: self._describe(name) for name in self._names()}

    def answered(self, status: int, body: bytes) -> None:
        """Send the events of a call that succeeded."""
        if self._operation not in _OPERATIONS or status != 200:
            return
        answer = _json(body)
        for name in self._names():
            before = self._before[name]
            if self._operation == "PutParameter":
                self._emit("Update" if before else "Create", name, self._describe(name))
            elif self._operation == "LabelParameterVersion":
                if set(self._body.get("Labels", [])) - set(answer.get("InvalidLabels") or []):
                    self._emit("LabelParameterVersion", name, before)
            elif before:
                self._emit("Delete", name, before)

    def _names(self) -> list[str]:
        names = self._body.get("Names") or [self._body.get("Name")]
        return [_plain(name) for name in names if isinstance(name, str) and name]

    def _describe(self, name: str) -> dict[str, Any] | None:
        parameter = ssm_backends[ACCOUNT_ID][self._region].get_parameter(name)
        if parameter is None:
            return None
        about = {"name": parameter.name, "type": parameter.parameter_type}
        return about | ({"description": parameter.description} if parameter.description else {})

    def _emit(self, operation: str, name: str, about: dict[str, Any] | None) -> None:
        arn = f"arn:aws:ssm:{self._region}:{ACCOUNT_ID}:parameter/{name.lstrip('/')}"
        detail = {"operation": operation} | (about or {"name": name})
        events.emit(self._region, "aws.ssm", "Parameter Store Change", [arn], detail)


def _plain(name: str) -> str:
    """Take the name out of an ARN, which drops the slash that a path begins with and a plain name lacks."""
    if not name.startswith("arn:"):
        return name
    rest = name.partition(":parameter/")[2]
    return f"/{rest}" if "/" in rest else rest


def _json(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body or b"{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
