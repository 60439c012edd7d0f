"""The local Airflow, whose users may do everything, answers programs and its own pages only."""

import http.client

import pytest
from tests.testing.stack import RunningStack

PATHS = ("/", "/api/v2/version", "/auth/token", "/execution/health", "/label-loop/alpha/", "/static/missing.js")


def status_of(running: RunningStack, method: str, path: str, headers: dict[str, str]) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", running.stack.airflow_port, timeout=120)
    connection.request(method, path, headers=headers)
    return connection.getresponse().status


@pytest.mark.parametrize("path", PATHS)
def test_every_route_is_behind_the_door(running: RunningStack, path: str) -> None:
    for headers in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}, {"Origin": "null"}):
        assert status_of(running, "GET", path, headers) == 403
    origin = {"Origin": running.stack.airflow_url}
    assert status_of(running, "GET", path, origin) == status_of(running, "GET", path, {})
    assert status_of(running, "POST", path, {"Sec-Fetch-Site": "cross-site"}) == 403


def test_the_endpoint_answers_airflows_pages(running: RunningStack) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", running.stack.local_aws_port, timeout=60)
    connection.request("GET", "/", headers={"Origin": f"http://localhost:{running.stack.airflow_port}"})
    assert connection.getresponse().status == 200
