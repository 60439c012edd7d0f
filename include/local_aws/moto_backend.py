"""moto in process: the common services, one call at a time, and never an invented answer."""

import re
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from moto.core.utils import camelcase_to_underscores, method_names_from_class
from moto.moto_api._internal.models import moto_api_backend
from moto.moto_server import werkzeug_app
from moto.s3.responses import S3Response
from werkzeug.test import run_wsgi_app

from local_aws import moto_patches, sqs_polling, wire
from local_aws.answers import Answer
from local_aws.errors import AwsError
from local_aws.moto_lock import MOTO_LOCK
from local_aws.moto_patches import s3_events
from local_aws.parameter_events import ParameterChanges
from local_aws.requests import Request
from local_aws.service_models import operation_model

if TYPE_CHECKING:
    from flask import Flask

# moto's S3 takes a sub-resource it does not know for the bucket or object itself: asked for its analytics
# configuration, a bucket lists its objects. So only what it really has is let through: the methods of its own
# names, and these, which it has under others.
_S3_UNDER_OTHER_NAMES = frozenset(
    {
        "CompleteMultipartUpload",
        "CreateBucket",
        "CreateMultipartUpload",
        "DeleteObjects",
        "GetBucketLifecycleConfiguration",
        "GetBucketNotificationConfiguration",
        "GetBucketTagging",
        "ListBuckets",
        "PostObject",
        "PutBucketAccelerateConfiguration",
        "PutBucketAcl",
        "PutBucketCors",
        "PutBucketEncryption",
        "PutBucketInventoryConfiguration",
        "PutBucketLifecycleConfiguration",
        "PutBucketLogging",
        "PutBucketNotificationConfiguration",
        "PutBucketOwnershipControls",
        "PutBucketPolicy",
        "PutBucketReplication",
        "PutBucketTagging",
        "PutBucketVersioning",
        "PutBucketWebsite",
        "PutObjectLockConfiguration",
        "PutPublicAccessBlock",
        "RestoreObject",
        "SelectObjectContent",
    }
)


# Of these, moto checks less than their models document: lengths, patterns, enums, numbers of items.
_CHECKED_BY_MODEL = frozenset({"events", "ssm"})


class Moto:
    """The services moto answers for. Its state is the process's: one at a time, empty at the start."""

    def __init__(self, services: frozenset[str]) -> None:
        self.services = services
        self.closing = threading.Event()
        self.before: dict[str, Callable[[], None]] = {}  # what a service needs before each call
        self._dispatcher = werkzeug_app.DomainDispatcherApplication(werkzeug_app.create_backend_app)
        self._apps: dict[str, Flask] = {}
        moto_patches.apply()
        with MOTO_LOCK:
            moto_api_backend.reset()

    def answer(self, request: Request) -> Answer:
        """Answer one call; raises ``AwsError`` for what moto does not have."""
        _refuse_unknown(request)
        _check_by_model(request)
        if request.service == "sqs" and request.operation == "ReceiveMessage":
            return sqs_polling.receive(request, self._dispatch, self.closing)
        return self._dispatch(request)

    def _dispatch(self, request: Request) -> Answer:
        request.rewind()
        s3_events.OPERATION.set(request.operation)
        with MOTO_LOCK:
            self.before.get(request.service, lambda: None)()
            changes = ParameterChanges(request)
            try:
                chunks, status, headers = run_wsgi_app(self._app(request), request.environ, buffered=True)
            except NotImplementedError as error:
                raise _not_offered(request) from error
            body = b"".join(chunks)
            code = int(status.split()[0])
            changes.answered(code, body)
        return Answer(code, body, [(name, value) for name, value in headers if _kept(name, request)])

    def _app(self, request: Request) -> "Flask":
        service = request.service
        if service not in self._apps:
            host = f"{service}.{request.scope.region}.amazonaws.com"
            backend = self._dispatcher.get_backend_for_host(service) or self._dispatcher.get_backend_for_host(host)
            if backend is None:
                raise _not_offered(request)
            self._apps[service] = werkzeug_app.create_backend_app(backend)
        return self._apps[service]


def with_request_id(request: Request, answer: Answer, request_id: str) -> Answer:
    """Put the call's own id where SDKs look for it: moto leaves it out or repeats one for ever."""
    if request.service == "s3":
        answer.set_header("x-amz-request-id", request_id)
        answer.set_header("x-amz-id-2", request_id)
    elif request.protocol == "query":
        answer.body = re.sub(
            rb"<RequestId>[^<]*</RequestId>", f"<RequestId>{request_id}</RequestId>".encode(), answer.body
        )
    return answer


def _refuse_unknown(request: Request) -> None:
    """Refuse what the model or moto has no operation for."""
    operation = request.operation
    if request.service == "s3":
        if request.method == "OPTIONS":
            return  # a browser asks for the bucket's CORS rules before its upload
        known = operation is not None and (
            operation in _S3_UNDER_OTHER_NAMES
            or camelcase_to_underscores(operation) in method_names_from_class(S3Response)
        )
    else:
        known = operation is not None and operation_model(request.service, operation) is not None
    if not known:
        raise _not_offered(request)


def _check_by_model(request: Request) -> None:
    """Refuse a request that breaks its service's model, as AWS does; raises ``AwsError``."""
    operation = operation_model(request.service, request.operation or "")
    if operation is not None and request.service in _CHECKED_BY_MODEL:
        wire.read_request(operation, request)


def _not_offered(request: Request) -> AwsError:
    what = request.operation or f"{request.method} {request.path}"
    return AwsError("NotImplemented", f"The local endpoint does not offer {request.service} {what}.", 501)


def _kept(header: str, request: Request) -> bool:
    """Tell which headers of moto's stay: the server counts lengths, except a HEAD's, which has no body."""
    return header.lower() not in ("content-length", "connection") or (
        header.lower() == "content-length" and request.method == "HEAD"
    )
