"""Real clients of boto3 whose calls go to the fakes: paginators, waiters and error classes are AWS's own."""

import functools
import itertools
from collections.abc import AsyncIterator, Callable, Mapping
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore import xform_name
from botocore.exceptions import ReadTimeoutError
from tests.simulation.fakes.errors import Refusal
from tests.simulation.gate import Call, Gate, LoudError

_SERVICES = ("ssm", "s3", "sqs", "sns", "dynamodb", "rekognition", "sagemaker-a2i-runtime")
_CONFLICT = "TransactionCanceledException"


class Switchboard:
    """Connects every client of this process with the fakes and the gate of the world at hand."""

    def __init__(self) -> None:
        self.connect({}, {}, Gate())

    def connect(self, fakes: Mapping[str, object], variables: dict[str, str], gate: Gate) -> None:
        self.fakes, self.variables, self.gate = fakes, variables, gate
        self._tokens = itertools.count(1)

    @functools.cached_property
    def clients(self) -> Mapping[str, Any]:
        """Making a client costs more than a history, so they are made once."""
        session = boto3.Session("fake", "fake", region_name="eu-west-1")
        made = {service: session.client(service) for service in _SERVICES}
        for service, client in made.items():
            client._make_api_call = functools.partial(self._call, service, client)
        return made

    def get_variable(self, key: str, default: Any = None, deserialize_json: bool = False) -> Any:
        return self._ask_airflow("airflow:GetVariable", lambda: self.variables.get(key, default))

    def set_variable(self, key: str, value: Any, description: str | None = None, serialize_json: bool = False) -> None:
        self._ask_airflow("airflow:SetVariable", lambda: self.variables.update({key: value}))

    def _ask_airflow(self, operation: str, work: Callable[[], Any]) -> Any:
        def error() -> Exception:
            return RuntimeError("Airflow's API server does not answer")

        return self.gate.call(Call(operation, work, error, error, error))

    def _call(self, service: str, client: Any, operation: str, arguments: dict[str, Any]) -> Any:
        if operation == "TransactWriteItems":
            arguments = {**arguments, "ClientRequestToken": str(next(self._tokens))}  # as botocore adds it, once

        def error(code: str, **more: Any) -> Exception:
            return _error(client, operation, Refusal(code, "This call is disturbed.", **more))

        reasons = {"CancellationReasons": [{"Code": "TransactionConflict"}]}
        is_transaction = operation == "TransactWriteItems"
        return self.gate.call(
            Call(
                f"{service}:{operation}",
                lambda: self._answer(service, client, operation, arguments),
                lambda: error(_CONFLICT, **reasons) if is_transaction else error("ThrottlingException"),
                lambda: error("InternalServerError"),
                lambda: ReadTimeoutError(endpoint_url="fake"),
            )
        )

    def _answer(self, service: str, client: Any, operation: str, arguments: Mapping[str, Any]) -> Any:
        method = getattr(self.fakes[service], xform_name(operation), None)
        if method is None:
            raise LoudError(f"The fake {service} does not know {operation}")
        try:
            return method(**arguments)
        except Refusal as refusal:
            raise _error(client, operation, refusal) from None
        except Exception as error:
            raise LoudError(f"The fake {service} failed at {operation}: {error!r}") from error


def _error(client: Any, operation: str, refusal: Refusal) -> Exception:
    made: Exception = client.exceptions.from_code(refusal.code)(refusal.response, operation)
    return made


SWITCHBOARD = Switchboard()


class _AsyncPaginator:
    """A paginator as an asynchronous one."""

    def __init__(self, paginator: Any) -> None:
        self._paginator = paginator

    async def paginate(self, **arguments: Any) -> AsyncIterator[Any]:
        for page in self._paginator.paginate(**arguments):
            yield page


class _Async:
    """A client as an asynchronous one, for triggers."""

    def __init__(self, client: Any) -> None:
        self._client = client

    async def __aenter__(self) -> "_Async":
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    def get_paginator(self, operation: str) -> "_AsyncPaginator":
        return _AsyncPaginator(self._client.get_paginator(operation))

    def __getattr__(self, name: str) -> Callable[..., Any]:
        async def call(**arguments: Any) -> Any:
            return getattr(self._client, name)(**arguments)

        return call


def install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give these clients to every hook, and a dict through the gate to everybody who reads or writes Variables."""
    from airflow.providers.amazon.aws.hooks.base_aws import AwsGenericHook
    from airflow.sdk import Variable

    def client(hook: Any, *_: Any, **__: Any) -> Any:
        return SWITCHBOARD.clients[hook.client_type]

    async def async_client(hook: Any) -> Any:
        return _Async(client(hook))

    resource = SimpleNamespace(meta=SimpleNamespace(client=SWITCHBOARD.clients["dynamodb"]))
    monkeypatch.setattr(AwsGenericHook, "region_name", "eu-west-1", raising=False)
    monkeypatch.setattr(AwsGenericHook, "get_client_type", client)
    monkeypatch.setattr(AwsGenericHook, "get_resource_type", lambda *_, **__: resource)
    monkeypatch.setattr(AwsGenericHook, "get_async_conn", async_client)
    monkeypatch.setattr(Variable, "get", SWITCHBOARD.get_variable)
    monkeypatch.setattr(Variable, "set", SWITCHBOARD.set_variable)
