"""Parameter Store: parameters with versions, and reads that may be late."""

# ruff: noqa: N803 - AWS's names
from dataclasses import dataclass
from typing import Any

from tests.simulation.clock import CLOCK
from tests.simulation.fakes.errors import Refusal

_LARGEST_BYTES = 4096
_PAGE = 10


@dataclass(frozen=True)
class Written:
    """One version of a parameter."""

    text: str
    version: int
    at: float


class FakeSsm:
    """The parameters of one account. A read may show what was there ``late_by_seconds`` ago: they are set for one."""

    def __init__(self) -> None:
        self.history: dict[str, list[Written]] = {}
        self.late_by_seconds = 0.0

    def text(self, name: str) -> str:
        """Return a parameter's present text."""
        return self.history[name][-1].text

    def write(self, name: str, text: str) -> int:
        """Write a parameter, as a person does who holds the name for good."""
        versions = self.history.setdefault(name, [])
        versions.append(Written(text, len(versions) + 1, CLOCK.monotonic()))
        return len(versions)

    def _read(self, name: str, late_by: float) -> Written | None:
        until = CLOCK.monotonic() - late_by
        versions = self.history.get(name, [])
        return next((one for one in reversed(versions) if one.at <= until), versions[0] if versions else None)

    def _late_by(self) -> float:
        late_by, self.late_by_seconds = self.late_by_seconds, 0.0
        return late_by

    def get_parameter(self, *, Name: str, WithDecryption: bool = False) -> dict[str, Any]:
        name, _, version = Name.partition(":")
        if version:
            written = next((one for one in self.history.get(name, []) if one.version == int(version)), None)
        else:
            written = self._read(name, self._late_by())
        if written is None:
            raise Refusal("ParameterVersionNotFound" if version else "ParameterNotFound", name)
        return {"Parameter": {"Name": name, "Value": written.text, "Version": written.version, "Type": "String"}}

    def get_parameters_by_path(
        self, *, Path: str, WithDecryption: bool = False, NextToken: str = "0"
    ) -> dict[str, Any]:
        late_by = self._late_by()
        names = sorted(name for name in self.history if name.rpartition("/")[0] == Path)
        first = int(NextToken)
        parameters = []
        for name in names[first : first + _PAGE]:
            written = self._read(name, late_by)
            assert written
            described = {"Version": written.version, "Type": "String", "LastModifiedDate": CLOCK.moment(written.at)}
            parameters.append({"Name": name, "Value": written.text, **described})
        more = {"NextToken": str(first + _PAGE)} if first + _PAGE < len(names) else {}
        return {"Parameters": parameters, **more}

    def put_parameter(
        self, *, Name: str, Value: str, Type: str = "String", Description: str = "", Overwrite: bool = False
    ) -> dict[str, Any]:
        if Name in self.history and not Overwrite:
            raise Refusal("ParameterAlreadyExists", Name)
        if len(Value.encode()) > _LARGEST_BYTES:
            raise Refusal("ValidationException", f"{Name} is larger than {_LARGEST_BYTES} bytes")
        return {"Version": self.write(Name, Value), "Tier": "Standard"}
