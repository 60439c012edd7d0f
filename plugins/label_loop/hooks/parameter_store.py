"""Parameter Store: a loop's parameters and its system record."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.providers.amazon.aws.hooks.ssm import SsmHook

from label_loop.hooks.retries import PATIENT
from label_loop.loop import Loop
from label_loop.parameters import PARAMETERS
from label_loop.payloads import ParameterVersion, StoredText
from label_loop.system_record import SYSTEM_RECORD, SystemRecord

if TYPE_CHECKING:
    from types_boto3_ssm import SSMClient

_MAX_TRIES = 10  # of a write that conflicts with concurrent ones


class ParameterStoreHook(SsmHook):
    """Adds the parameters and the system record of a loop to the provider's hook. Takes SsmHook's arguments."""

    if TYPE_CHECKING:
        conn: SSMClient

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("config", PATIENT)
        super().__init__(*args, **kwargs)

    def texts(self, loop: Loop) -> dict[str, str]:
        """Return the texts of all parameters directly under a loop's path, by short name."""
        return {name: stored.text for name, stored in self.stored(loop).items()}

    def stored(self, loop: Loop) -> dict[str, StoredText]:
        """Return all parameters directly under a loop's path, by short name."""
        paginator = self.conn.get_paginator("get_parameters_by_path")
        pages = paginator.paginate(Path=loop.path, WithDecryption=True)
        return {
            parameter["Name"].removeprefix(f"{loop.path}/"): StoredText(
                parameter["Value"], parameter["Version"], parameter["LastModifiedDate"]
            )
            for page in pages
            for parameter in page["Parameters"]
        }

    def put(self, loop: Loop, name: str, text: str, before: StoredText | None) -> int:
        """Write a parameter and return its last version; an existing one keeps its type and description.

        ``before`` is what was read of it. An edit since then is put back: Parameter Store has no conditional writes,
        but a write that skips a version has overwritten one.
        """
        version, expected = self._put(loop, name, text, is_new=before is None), before.version + 1 if before else 1
        for _ in range(_MAX_TRIES):
            newer = self._text_of_version(loop, name, version - 1) if version > expected else None
            if newer in (None, text):  # the version in between is this very write, repeated after a lost response
                break
            text = str(newer)
            expected, version = version + 1, self._put(loop, name, text, is_new=False)
        return version

    def _put(self, loop: Loop, name: str, text: str, *, is_new: bool) -> int:
        path = loop.parameter(name)
        if is_new:
            about = PARAMETERS[name].description
            return self.conn.put_parameter(Name=path, Value=text, Type="String", Description=about)["Version"]
        return self.conn.put_parameter(Name=path, Value=text, Overwrite=True)["Version"]

    def _text_of_version(self, loop: Loop, name: str, version: int) -> str | None:
        client = self.conn
        gone = (client.exceptions.ParameterNotFound, client.exceptions.ParameterVersionNotFound)
        try:
            return client.get_parameter(Name=f"{loop.parameter(name)}:{version}", WithDecryption=True)["Parameter"][
                "Value"
            ]
        except gone:
            return None

    def history(self, loop: Loop, name: str, limit: int = 100) -> list[ParameterVersion]:
        """Return the latest values of a parameter, newest first; [] if it does not exist.

        Parameter Store keeps the last 100, and returns them oldest first.
        """
        client = self.conn  # read once: threads may race to create it, and exception classes differ between clients
        pages = client.get_paginator("get_parameter_history").paginate(Name=loop.parameter(name), WithDecryption=True)
        try:
            written = [version for page in pages for version in page["Parameters"]]
        except client.exceptions.ParameterNotFound:
            return []
        written.sort(key=lambda version: version["Version"], reverse=True)
        return [
            ParameterVersion(
                version["Version"], version["LastModifiedDate"], version.get("LastModifiedUser", ""), version["Value"]
            )
            for version in written[:limit]
        ]

    def record(self, loop: Loop) -> SystemRecord:
        """Return the current system record. Raises LoopNotSetUpError if there is none."""
        return self._record(loop)[0]

    def _record(self, loop: Loop, version: str = "") -> tuple[SystemRecord, int]:
        client = self.conn
        try:
            parameter = client.get_parameter(Name=loop.parameter(SYSTEM_RECORD) + version, WithDecryption=True)[
                "Parameter"
            ]
        except client.exceptions.ParameterNotFound:
            return SystemRecord.parse(loop, None), 0
        return SystemRecord.parse(loop, parameter["Value"]), parameter["Version"]

    def update_record(self, loop: Loop, changes: Mapping[str, Any]) -> SystemRecord:
        """Update the given keys of the current record, and no others; return the new record.

        A value of None removes its key. Parameter Store has no conditional writes, but numbers its versions: a write
        that skips a number has overwritten another one, and is repeated on top of that.
        """
        record, read_version = self._record(loop)
        for _ in range(_MAX_TRIES):
            values = {**record.values, **changes}
            kept = {key: value for key, value in values.items() if value is not None or key not in changes}
            # Type and description are omitted, which keeps the existing ones.
            written_version = self.conn.put_parameter(
                Name=loop.parameter(SYSTEM_RECORD), Value=json.dumps(kept), Overwrite=True
            )["Version"]
            if written_version == read_version + 1:
                break
            record, read_version = self._record(loop, f":{written_version - 1}")[0], written_version
        return SystemRecord(loop, kept)
