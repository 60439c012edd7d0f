"""The door in front of the local Airflow; that Airflow finds it, a test with a real one tells."""

from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from local_stack.airflow_door import AirflowDoor

PORT = 8080
OWN = f"http://127.0.0.1:{PORT}"


async def _say_hello(_: object) -> PlainTextResponse:
    return PlainTextResponse("hello")


async def _greet(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text("hello")
    await socket.close()


@pytest.fixture
def browser() -> Iterator[TestClient]:
    inner = Starlette(routes=[Route("/page", _say_hello, methods=["GET", "POST"])])
    app = Starlette(
        routes=[
            Route("/", _say_hello, methods=["GET", "POST"]),
            Mount("/plugin", inner),
            WebSocketRoute("/live", _greet),
        ]
    )
    app.add_middleware(AirflowDoor)
    with TestClient(app, base_url=OWN) as client:
        yield client


@pytest.mark.parametrize("path", ["/", "/plugin/page", "/missing"])
def test_only_names_of_this_machine_are_answered(browser: TestClient, path: str) -> None:
    known = 404 if path == "/missing" else 200
    for host in (f"127.0.0.1:{PORT}", f"localhost:{PORT}", f"[::1]:{PORT}", "localhost:9090"):
        assert browser.get(path, headers={"Host": host}).status_code == known
    for host in ("evil.example", f"evil.example:{PORT}", f"127.0.0.1:{PORT},evil.example", ""):
        answer = browser.get(path, headers={"Host": host})
        assert answer.status_code == 403
        assert f"header Host is {host!r}" in answer.text
        assert "LOCAL_AWS_HOSTS" in answer.text


def test_a_second_host_is_not_overlooked(browser: TestClient) -> None:
    both = [("Host", f"127.0.0.1:{PORT}"), ("Host", "evil.example")]
    assert browser.get("/", headers=both).status_code == 403


@pytest.mark.parametrize("path", ["/", "/plugin/page"])
@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("POST", {}, 200),
        ("POST", {"Origin": OWN, "Sec-Fetch-Site": "same-origin"}, 200),
        ("POST", {"Origin": "http://evil.example"}, 403),
        ("POST", {"Origin": "http://127.0.0.1:3000", "Sec-Fetch-Site": "same-site"}, 403),
        ("POST", {"Origin": "null"}, 403),
        ("POST", {"Sec-Fetch-Site": "cross-site"}, 403),
        ("GET", {"Origin": "http://evil.example"}, 403),
        ("GET", {"Sec-Fetch-Site": "cross-site"}, 200),  # a link to Airflow, in a mail or a page
    ],
)
def test_pages_of_other_sites_are_refused(
    browser: TestClient, path: str, method: str, headers: dict[str, str], status: int
) -> None:
    assert browser.request(method, path, headers=headers).status_code == status


def test_a_socket_of_another_sites_page_is_refused(browser: TestClient) -> None:
    with browser.websocket_connect("/live", headers={"Origin": OWN, "Host": f"127.0.0.1:{PORT}"}) as socket:
        assert socket.receive_text() == "hello"
    with (
        pytest.raises(WebSocketDisconnect),
        browser.websocket_connect("/live", headers={"Origin": "http://evil.example", "Host": f"127.0.0.1:{PORT}"}),
    ):
        pass


def test_other_names_are_listed_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_AWS_HOSTS", "dev.example")
    app = Starlette(routes=[Route("/", _say_hello)])
    app.add_middleware(AirflowDoor)
    with TestClient(app, base_url="https://dev.example") as client:
        assert client.get("/", headers={"Origin": "https://dev.example"}).status_code == 200
        assert client.get("/", headers={"Host": "evil.example"}).status_code == 403
