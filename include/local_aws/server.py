"""The endpoint: ``with LocalAws(EndpointSettings(port=0)) as aws: boto3.client("s3", endpoint_url=aws.url)``."""

import threading
from types import TracebackType
from typing import Any, Self

import boto3
from botocore.config import Config

from local_aws.calls import CallCounter
from local_aws.control import Control
from local_aws.door import Door
from local_aws.environments import Environments
from local_aws.faults import Faults
from local_aws.front import Front
from local_aws.http_server import HttpServer
from local_aws.human_review import HumanReview
from local_aws.moto_backend import Moto
from local_aws.rekognition import Boto3S3, Rekognition
from local_aws.requests import INTERNAL_USER_AGENT
from local_aws.services import Service
from local_aws.settings import EndpointSettings


class LocalAws:
    """A running endpoint in threads of this process.

    moto keeps its state per process: a new endpoint begins with none, so only one runs at a time.

    Raises ``PortTakenError`` when another program listens on the port.
    """

    def __init__(self, settings: EndpointSettings | None = None) -> None:
        self.settings = settings or EndpointSettings()
        self.calls = CallCounter()
        self.faults = Faults(self.settings.fault_seed)
        self._moto = Moto(_names(self.settings.moto_services))
        self._server = HttpServer(self.settings.host, self.settings.port, self._answer)
        self.port = int(self._server.server_address[1])
        self.url = f"http://{_for_clients(self.settings.host)}:{self.port}"
        s3 = _internal_s3(self.url)
        self.human_review = HumanReview(self.settings, s3)
        self.rekognition = Rekognition(self.settings, Boto3S3(self.url))
        self.environments = Environments()
        self._moto.before["cloudformation"] = self._let_stacks_use_it
        ours: list[Service] = [*self.human_review.services, self.rekognition, self.environments]
        control = Control(self.calls, self.faults, self.human_review.portal, self.rekognition)
        door = Door.of(f"{_for_clients(self.settings.host)},{self.settings.hosts}", self.settings.origins)
        services = {service.name: service for service in ours}
        self._front = Front(self._moto, services, self.calls, self.faults, control=control, door=door)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        self.human_review.start()

    def _answer(self, environ: dict[str, Any], start_response: Any) -> Any:
        return self._front(environ, start_response)

    def _let_stacks_use_it(self) -> None:
        from local_aws import cloudformation  # moto loads all its services for it, which takes seconds

        cloudformation.serve(self.url, self.rekognition, self.environments)

    def close(self) -> None:
        """Stop listening, end connections and background work. Closing twice is no error."""
        if not self._thread.is_alive():
            return
        self._moto.closing.set()
        self.human_review.close()
        self._server.shutdown()
        self._server.server_close()
        self._server.end_connections()
        self._thread.join(timeout=10)
        _close(self.rekognition)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _close(service: object) -> None:
    close = getattr(service, "close", None)
    if callable(close):
        close()


def _names(text: str) -> frozenset[str]:
    return frozenset(name.strip() for name in text.split(",") if name.strip())


def _for_clients(host: str) -> str:
    """Turn the address listened on into one that can be called."""
    called = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    return f"[{called}]" if ":" in called else called


def _internal_s3(url: str) -> Any:
    """Make the client with which the endpoint reads and writes its own S3, like any other caller."""
    return boto3.client(
        "s3",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",  # noqa: S106
        config=Config(
            user_agent_extra=INTERNAL_USER_AGENT,
            s3={"addressing_style": "path"},
            proxies={},
            retries={"total_max_attempts": 2, "mode": "standard"},
            max_pool_connections=20,
        ),
    )
