"""A loop that joins the stack while it runs: made at the local endpoint, and taken in by a stand-in for Airflow."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator

import boto3
import pytest
from tests.testing.sparing_session import SparingSession

from label_loop.loop import PATHS_VARIABLE, Loop
from label_loop.parameters import PARAMETERS
from local_aws.server import LocalAws
from local_aws.settings import EndpointSettings
from local_stack import loops
from local_stack.__main__ import main
from local_stack.airflow_api import AirflowApi
from local_stack.environment import PROJECT, StackSettings, free_port
from local_stack.loopback import HttpError, UnreachableError
from local_stack.loops import WORKFLOWS, AddedLoop, named_paths
from local_stack.stack import LocalStack, StackError


class AirflowOfLooks(AirflowApi):
    """Answers as Airflow's REST API does: a loop that its Variable names is there some looks later."""

    def __init__(self, looks: int = 3) -> None:
        super().__init__("http://airflow.invalid")
        self.variables: dict[str, str] = {}
        self.looks = looks

    def ask(self, method, path, body=None):
        if path == "importErrors":
            return {"import_errors": []}
        kind, _, key = path.partition("?")[0].partition("/")
        key = key.replace("%2F", "/")
        if method == "POST":
            assert body["key"] not in self.variables
        if method in {"POST", "PATCH"}:
            self.variables[body["key"]] = body["value"]
            return body
        if kind == "dags" and self._is_parsed(key):
            return {}
        if kind == "variables" and key in self.variables:
            return {"value": self.variables[key]}
        raise HttpError(method, path, 404, "not found")

    def _is_parsed(self, dag_id: str) -> bool:
        self.looks -= 1
        if self.looks == 1:
            raise UnreachableError("busy")
        name = dag_id.rsplit(".", 1)[0]
        if self.looks > 0 or f"/{name}" not in self.variables.get(PATHS_VARIABLE, ""):
            return False
        self.variables |= dict.fromkeys((f"{name}/{parameter}" for parameter in PARAMETERS), "")
        return True


@pytest.fixture(scope="module")
def endpoint() -> Iterator[LocalAws]:
    with LocalAws(EndpointSettings(port=0)) as aws:
        yield aws


@pytest.fixture
def session(endpoint: LocalAws, monkeypatch: pytest.MonkeyPatch) -> boto3.Session:
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint.url)
    return SparingSession(aws_access_key_id="local", aws_secret_access_key="local", region_name="us-east-1")


@pytest.fixture
def stack(tmp_path, monkeypatch) -> LocalStack:
    """Give a stack that says that it runs."""
    for look in ("endpoint_answers", "airflow_is_healthy"):
        monkeypatch.setattr(LocalStack, look, lambda _: True)
    return LocalStack(StackSettings(tmp_path, free_port(), free_port()))


@pytest.fixture
def said() -> list[str]:
    return []


def added(said, path="/logos", **how):
    return AddedLoop(Loop(path), ("cat", "dog"), said.append, sleep=lambda _: None, **how)


def test_it_is_made_named_and_waited_for(stack, session, said):
    airflow = AirflowOfLooks(looks=len(WORKFLOWS) * 2)
    bucket = added(said).add(stack, airflow, session)
    record = json.loads(session.client("ssm").get_parameter(Name="/logos/For-System-Use-Only")["Parameter"]["Value"])
    assert (record["s3_bucket"], record["review_backend"]) == (bucket, "airflow")
    folders = session.client("s3").list_objects_v2(Bucket=bucket, Prefix="images_labeled_by_folder/")["Contents"]
    assert {"images_labeled_by_folder/cat/", "images_labeled_by_folder/dog/"} <= {each["Key"] for each in folders}
    assert named_paths(airflow) == ["/logos"]
    seen = [line.strip() for line in said]
    assert [text for text in seen if text.endswith("DAGs")] == ["0 of 8 DAGs", "8 of 8 DAGs"]
    assert "busy" in seen
    assert seen[-1] == f"{len(PARAMETERS)} of {len(PARAMETERS)} parameters as Variables"


def test_it_joins_the_loops_that_are_there_and_once(stack, session, said):
    airflow = AirflowOfLooks()
    airflow.variables[PATHS_VARIABLE] = "/pets, /birds"
    for _ in range(2):
        added(said).add(stack, airflow, session)
    assert airflow.variables[PATHS_VARIABLE] == "/pets,/birds,/logos"


def test_waiting_ends_with_what_was_seen_and_what_to_do(stack, session, said):
    with pytest.raises(
        StackError, match=r"(?s)/logos exists, .*0 s: 0 of 8 DAGs; .*Run the command again.*airflow\.log"
    ):
        added(said, patience_seconds=0).add(stack, AirflowOfLooks(looks=1000), session)


@pytest.mark.parametrize("down", ["endpoint_answers", "airflow_is_healthy"])
def test_without_a_running_stack_nothing_is_made_and_make_up_is_named(stack, session, said, monkeypatch, down):
    monkeypatch.setattr(LocalStack, down, lambda _: False)
    name = "endpoint" if down == "endpoint_answers" else "Airflow"
    with pytest.raises(StackError, match=f"{name} does not respond at http.*make up"):
        added(said, "/never").add(stack, AirflowOfLooks(), session)
    assert not session.client("ssm").get_parameters_by_path(Path="/never")["Parameters"]


def test_the_command_says_so_too_without_a_traceback(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("LABEL_LOOP_HOME", str(tmp_path))
    monkeypatch.setenv("LOCAL_AWS_PORT", str(free_port()))
    monkeypatch.setattr(loops, "provision", lambda *_: pytest.fail("it must not be made"))
    monkeypatch.setattr("local_stack.__main__.point_at", lambda _: None)
    assert main(["loop", "logos", "--labels", "cat,dog"]) == 1
    assert "make up" in capsys.readouterr().err
    assert main(["loop", "lo gos"]) == 1
    assert "'/lo gos'" in capsys.readouterr().err


def test_a_reader_that_goes_away_is_no_error(tmp_path):
    environment = {**os.environ, "LABEL_LOOP_HOME": str(tmp_path), "PYTHONPATH": f"{PROJECT}/plugins:{PROJECT}/include"}
    command = [sys.executable, "-m", "local_stack", "status"]
    ran = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    ran.stdout.close()
    assert (ran.wait(timeout=120), ran.stderr.read()) == (0, "")


def test_a_loop_without_a_name_is_not_understood(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["loop", "", "--labels", "cat"])
    assert ended.value.code == 2
    assert "make loop LOOP=logos" in capsys.readouterr().err
