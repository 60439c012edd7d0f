"""Amazon MWAA's environments, as far as they can be told of: nothing runs in them here."""

import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from botocore.validate import ParamValidator

from local_aws.constraints import violations
from local_aws.errors import AwsError
from local_aws.service_models import operation_model
from local_aws.services import ACCOUNT_ID, RequestContext


class Environments:
    """The service MWAA. Its model validates what is made or changed, whoever asks."""

    name = "mwaa"

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._environments: dict[tuple[str, str], dict[str, Any]] = {}
        self.changes: list[tuple[str, dict[str, Any]]] = []  # the calls that changed something, with their requests

    def call(self, operation: str, request: Mapping[str, Any], context: RequestContext) -> dict[str, Any]:
        """Answer one call."""
        operations = {
            "GetEnvironment": self._get,
            "ListEnvironments": self._list,
            "CreateEnvironment": self._create,
            "UpdateEnvironment": self._update,
            "DeleteEnvironment": self._delete,
        }
        if operation not in operations:
            raise AwsError("UnknownOperationException", f"The local endpoint does not offer mwaa {operation}.")
        with self._lock:
            return operations[operation](dict(request), context.region)

    def _get(self, request: dict[str, Any], region: str) -> dict[str, Any]:
        return {"Environment": self._find(request["Name"], region)}

    def _list(self, _: dict[str, Any], region: str) -> dict[str, Any]:
        return {"Environments": sorted(name for at, name in self._environments if at == region)}

    def _create(self, request: dict[str, Any], region: str) -> dict[str, Any]:
        self._validate("CreateEnvironment", request)
        key = region, request["Name"]
        if key in self._environments:
            raise AwsError("ValidationException", f"There is an environment {request['Name']} already.")
        arn = f"arn:aws:airflow:{region}:{ACCOUNT_ID}:environment/{request['Name']}"
        about = {"Arn": arn, "WebserverUrl": f"{request['Name'].lower()}.airflow.{region}.on.aws"}
        self._environments[key] = {**request, **about, "Status": "AVAILABLE", "CreatedAt": datetime.now(UTC)}
        return {"Arn": arn}

    def _update(self, request: dict[str, Any], region: str) -> dict[str, Any]:
        self._validate("UpdateEnvironment", request)
        found = self._find(request["Name"], region)
        found |= request | {"LastUpdate": {"Status": "SUCCESS", "CreatedAt": datetime.now(UTC)}}
        return {"Arn": found["Arn"]}

    def _delete(self, request: dict[str, Any], region: str) -> dict[str, Any]:
        self._find(request["Name"], region)
        self.changes.append(("DeleteEnvironment", request))
        del self._environments[region, request["Name"]]
        return {}

    def _find(self, name: str, region: str) -> dict[str, Any]:
        if (region, name) not in self._environments:
            raise AwsError("ResourceNotFoundException", f"There is no environment {name}.", 404)
        return self._environments[region, name]

    def _validate(self, operation: str, request: dict[str, Any]) -> None:
        model = operation_model("mwaa", operation)
        if model is None:  # botocore has it
            raise RuntimeError(f"mwaa has no operation {operation}")
        report = ParamValidator().validate(request, model.input_shape)
        problems = [report.generate_report()] if report.has_errors() else violations(model.input_shape, request)
        if problems:
            raise AwsError("ValidationException", "; ".join(problems))
        self.changes.append((operation, request))
