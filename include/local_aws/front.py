"""The endpoint's front: lets in who may ask, counts and faults each call, hands it to our services or to moto."""

import logging
from collections.abc import Iterable, Mapping
from typing import Any, Protocol
from uuid import uuid4

from local_aws import moto_backend, wire
from local_aws.answers import Answer, error_answer, json_answer, json_content_type
from local_aws.calls import CallCounter
from local_aws.door import Door
from local_aws.errors import AwsError
from local_aws.faults import Faults
from local_aws.requests import Request
from local_aws.service_models import operation_model
from local_aws.services import RequestContext, Service

_LOG = logging.getLogger(__name__)


class ControlApi(Protocol):
    """Whatever answers below ``/_local/``."""

    def answer(self, request: Request) -> Answer:
        """Answer one request."""
        ...


class Front:
    """A WSGI application in front of everything."""

    def __init__(
        self,
        moto: moto_backend.Moto,
        services: Mapping[str, Service],
        calls: CallCounter,
        faults: Faults,
        *,
        control: ControlApi,
        door: Door,
    ) -> None:
        self._door = door
        self._moto = moto
        self._services = services
        self._calls = calls
        self._faults = faults
        self._control = control

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer one request; whatever goes wrong is an answer too."""
        request = Request(environ)
        request_id = str(uuid4())
        refusal = self._door.refusal(request.header, only_reads=request.only_reads)
        if refusal:
            answer = _refused(request, refusal, request_id)
        elif request.is_control:
            answer = self._control.answer(request)
        else:
            answer = self._answer_aws(request, request_id)
        answer.set_header("x-amzn-RequestId", request_id)
        return answer.send(start_response)

    def _answer_aws(self, request: Request, request_id: str) -> Answer:
        try:
            answer = self._dispatch(request, request_id)
        except AwsError as error:
            answer = error_answer(request, error, request_id)
        except Exception:
            _LOG.exception("%s %s could not be answered", request.service, request.operation)
            text = "The local endpoint failed; its log says more."
            answer = error_answer(request, AwsError("InternalFailure", text, 500), request_id)
        return moto_backend.with_request_id(request, answer, request_id)

    def _dispatch(self, request: Request, request_id: str) -> Answer:
        service = request.service
        ours = self._services.get(service)
        if ours is None and service not in self._moto.services:
            text = f"The local endpoint does not offer the service {service!r}."
            raise AwsError("NotImplemented", text, 501)
        if request.operation and not request.is_internal:
            self._calls.add(service, request.operation, request.app)
            self._faults.strike(service, request.operation)
        if ours is None:
            return self._moto.answer(request)
        return _call(ours, request, request_id)


def _refused(request: Request, text: str, request_id: str) -> Answer:
    if request.is_control:
        return json_answer({"error": text}, 403)
    return error_answer(request, AwsError("AccessDenied", text, 403), request_id)


def _call(service: Service, request: Request, request_id: str) -> Answer:
    """Take a request to a service of ours, and its answer back, both by the service's model."""
    name = request.operation or ""
    operation = operation_model(service.name, name)
    if operation is None:
        what = name or f"{request.method} {request.path}"
        raise AwsError("UnknownOperationException", f"{service.name} has no operation {what!r}.")
    values = wire.read_request(operation, request)
    result = service.call(name, values, RequestContext(request.scope.region, request_id))
    status = int(operation.http.get("responseCode", 200))
    return json_answer(wire.serialize(operation.output_shape, result), status, json_content_type(request))
