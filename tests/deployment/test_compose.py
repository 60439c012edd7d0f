"""The compose file, without an engine: what it promises before anything is started."""

import secrets
import subprocess
import sys

import boto3
import pytest
from tests.cluster import compose

from local_stack.environment import PROJECT

SECRETS = {"FERNET_KEY", "JWT_SECRET", "API_SECRET_KEY", "POSTGRES_PASSWORD", "REDIS_PASSWORD", "ADMIN_PASSWORD"}
FILLED = compose.example() | {name: secrets.token_hex(8) for name in SECRETS}


def test_the_file_fits_the_compose_specification():
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(compose.FILE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_services_are_those_of_a_cluster():
    replicas = {name: service.replicas for name, service in compose.services(FILLED).items()}
    assert replicas == {
        "api-server": 1,
        "scheduler": 2,
        "dag-processor": 1,
        "triggerer": 2,
        "worker": 2,
        "init": 1,
        "local-aws": 1,
        "postgres": 1,
        "redis": 1,
    }


def test_every_service_that_stays_has_a_health_check():
    services = compose.services(FILLED).values()
    assert [service.name for service in services if not service.health_check] == ["init"]


def test_the_example_has_no_usable_secret():
    assert {name for name, value in compose.example().items() if value == ""} == SECRETS | {"AWS_SESSION_TOKEN"}


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_a_secret_that_is_not_set_is_named(name: str):
    with pytest.raises(compose.UnsetError, match=rf"^{name}: copy .env.example to .env and set it there$"):
        compose.read(FILLED | {name: ""})


def test_where_aws_is_has_to_be_said():
    without = {name: value for name, value in FILLED.items() if name != "AWS_ENDPOINT_URL"}
    with pytest.raises(compose.UnsetError, match=r"^AWS_ENDPOINT_URL: set it in \.env"):
        compose.read(without)


def test_an_empty_endpoint_is_aws_itself(monkeypatch: pytest.MonkeyPatch):
    settings = FILLED | {"AWS_ENDPOINT_URL": "", "AWS_DEFAULT_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": ""}
    environment = compose.services(settings)["worker"].environment
    for name, value in environment.items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    session = boto3.Session()
    assert session.client("sqs").meta.endpoint_url == "https://sqs.eu-west-1.amazonaws.com"
    assert session.region_name == "eu-west-1"


def test_every_variable_of_the_file_is_in_the_example():
    text = compose.FILE.read_text()
    named = {match["name"] for match in compose._VARIABLE.finditer(text) if match["name"]}
    assert named | {"COMPOSE_PROFILES"} == set(compose.example())


def test_services_wait_for_services_that_there_are_and_for_a_condition_that_can_be_met():
    services = compose.read(FILLED)["services"]
    for name, service in services.items():
        for other, how in service.get("depends_on", {}).items():
            wanted = "service_completed_successfully" if other == "init" else "service_healthy"
            assert how["condition"] == wanted, (name, other)
            assert other in services
            # A service that only a profile starts may be missing.
            assert how.get("required", True) == ("profiles" not in services[other])


def test_nothing_is_reachable_from_another_machine():
    services = compose.read(FILLED)["services"].values()
    ports = [port for service in services for port in service.get("ports", [])]
    assert ports == ["127.0.0.1:8080:8080", "127.0.0.1:4566:4566"]


def test_the_image_has_what_the_services_need_and_no_more():
    copied = [
        source
        for line in (PROJECT / "Dockerfile").read_text().splitlines()
        if line.startswith("COPY ")
        for source in line.split()[1:-1]
    ]
    ignored = (PROJECT / ".dockerignore").read_text().splitlines()
    let_in = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    assert "*" in ignored
    for source in copied:
        assert any(each.startswith(source.rstrip("/")) or source.startswith(f"{each}/") for each in let_in), source
    assert all((PROJECT / each).exists() for each in let_in)


def test_the_image_runs_as_nobody_special_and_in_the_versions_of_mwaa():
    text = (PROJECT / "Dockerfile").read_text()
    assert "\nFROM python:3.12-slim\n" in text
    assert "\nUSER airflow\n" in text
    requirement = '"apache-airflow[amazon,celery,fab,postgres]==3.3.1"'
    assert requirement in text
    assert requirement.strip('"') in (PROJECT / "requirements-dev.in").read_text()


@pytest.mark.parametrize(
    ("text", "expected"),
    [("$$X", "$X"), ("${X}", "x"), ("${EMPTY:-d}", "d"), ("${EMPTY-d}", ""), ("${NONE-d}", "d"), ("${X:?no}x", "xx")],
)
def test_variables_are_read_as_docker_reads_them(text: str, expected: str):
    assert compose.interpolate(text, {"X": "x", "EMPTY": ""}) == expected
