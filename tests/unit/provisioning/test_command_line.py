"""The command line: what it says, to whom, and how it ends."""

import json
import os
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

import pytest

from label_loop import cli
from label_loop.cli import COMMANDS, main
from label_loop.cli.command import Command

PLUGINS = Path(__file__).parents[3] / "plugins"
NAMES = [command.name for command in COMMANDS]
OPERATING = [["dead-letters"], ["recount"], ["adopt"], ["adopt", "--back"]]


def start(*arguments, **how):
    """Start the command as a person does, with the package alone on Python's path."""
    changed = {**os.environ, "PYTHONPATH": str(PLUGINS), **how.pop("environment", {})}
    environment = {name: value for name, value in changed.items() if value is not None}
    return subprocess.Popen(
        [sys.executable, *how.pop("python", ()), "-m", "label_loop", *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run_to_end(*arguments, **how):
    process = start(*arguments, **how)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def test_the_version_is_the_newest_of_the_changelog(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    version = capsys.readouterr().out.strip()
    assert ended.value.code == 0
    released = [line for line in (PLUGINS.parent / "CHANGELOG.md").read_text().splitlines() if line.startswith("## [")]
    assert f"## [{version}]" == next(line for line in released if "Unreleased" not in line)


@pytest.mark.parametrize("name", NAMES)
def test_each_command_says_what_it_does_and_gives_an_example(name, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    assert f"Example: python -m label_loop {name} /" in text
    for option in ("--region", "--profile", "--dry-run", "--json"):
        assert option in text


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ([], "COMMAND"),
        (["provison", "/logos"], "'provison'"),
        (["provision"], "loop"),
        (["provision", "logos"], "'logos' is not a path in Parameter Store, such as /logos"),
        (["dead-letters", "/lo gos"], "'/lo gos' is not a path"),
        (["dead-letters", "/logos", "--discard", "--send-again"], "not allowed with"),
        (["provision", "/logos", "--review-backend", "mail"], "'mail'"),
    ],
)
def test_what_is_not_understood_ends_with_two_and_names_it(arguments, named, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert named in capsys.readouterr().err


@pytest.mark.parametrize("arguments", OPERATING, ids=" ".join)
def test_an_unknown_loop_is_an_error_that_names_account_and_region(aws, client, loop, capsys, arguments):
    assert main([arguments[0], loop.path, *arguments[1:]]) == 1
    told = capsys.readouterr()
    assert f"There is no loop {loop.path} in account 123456789012, region eu-west-1, endpoint {aws.url}" in told.err
    assert "--region" in told.err
    assert told.out == ""


def test_a_loop_of_another_region_is_unknown_here(aws, run, loop, capsys):
    run(labels=("cat",))
    assert main(["dead-letters", loop.path]) == 0
    assert main(["dead-letters", loop.path, "--region", "us-west-2"]) == 1
    assert "region us-west-2" in capsys.readouterr().err


def test_provisioning_prints_a_line_for_each_resource(aws, loop, capsys):
    assert main(["provision", f"{loop.path}/", "--labels", "cat, dog ,cat,"]) == 0
    output = capsys.readouterr().out.splitlines()
    assert output[-1].startswith(f"The loop {loop.path} is set up; its review backend is a2i. Airflow serves it once ")
    assert "label_loop/parameter_paths" in output[-1]
    assert f"created       table label-loop-{loop.name}" in output
    assert main(["provision", loop.path, "--dry-run"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "This was a dry run: nothing was changed."


def test_a_program_gets_one_document(aws, client, loop, capsys):
    assert main(["provision", loop.path, "--labels", "cat", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["loop"], told["account"], told["region"]) == (loop.path, "123456789012", "eu-west-1")
    assert (told["dry_run"], told["review_backend"]) == (False, "a2i")
    table = {"kind": "table", "name": f"label-loop-{loop.name}", "outcome": "created", "detail": "", "planned": False}
    assert table in told["resources"]
    assert main(["recount", loop.path, "--json", "--dry-run"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["dry_run"], told["days_and_versions"]) == (True, 0)


def test_what_aws_refuses_is_told_with_the_way_out(aws, loop, capsys):
    aws.faults.replace([{"service": "s3", "operation": "HeadBucket", "kind": "error", "code": "AccessDenied"}])
    assert main(["provision", loop.path]) == 1
    assert "choose another name with --bucket" in capsys.readouterr().err
    aws.faults.replace([])
    assert main(["provision", loop.path, "--bucket", "ab"]) == 1
    told = capsys.readouterr().err
    assert f"The stack label-loop-{loop.name}: it failed: AWS::S3::Bucket Bucket CREATE_FAILED: " in told
    assert "To fix this, correct the cause" in told


@pytest.mark.parametrize(
    ("environment", "arguments", "named"),
    [
        ({"AWS_DEFAULT_REGION": None}, [], "NoRegionError"),
        ({}, ["--profile", "nobody"], "(nobody)"),
        ({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, [], "sign in"),
        pytest.param({"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, [], "AWS_ENDPOINT_URL", marks=pytest.mark.slow),
    ],
)
def test_settings_of_aws_that_are_missing_or_wrong_are_told_without_a_traceback(aws, environment, arguments, named):
    quiet = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    status, _, err = run_to_end("dead-letters", "/logos", *arguments, environment=quiet | environment)
    assert (status, "Traceback" in err) == (1, False)
    assert named in err
    assert "To fix this, " in err


def test_a_reader_that_goes_away_cuts_no_work(aws, loop, client):
    process = start("provision", loop.path, "--labels", "cat")
    assert process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=120) == 0
    assert process.stderr.read() == ""
    assert client("ssm").get_parameter(Name=loop.parameter("For-System-Use-Only"))


def test_an_interruption_is_told(aws, loop, capsys, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt  # not a signal: a shell's background job ignores SIGINT

    stopped = Command("recount", "x", "x", lambda _: None, interrupted)
    monkeypatch.setattr(cli, "COMMANDS", (stopped,))
    assert main(["recount", loop.path]) == 130
    assert "To continue where this command stopped" in capsys.readouterr().err


def test_it_runs_without_airflow():
    script = "import sys; import label_loop.cli; print([m for m in sys.modules if m.startswith(('airflow', 'jinja2'))])"
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env={"PYTHONPATH": str(PLUGINS)}
    )
    assert ran.stdout.strip() == "[]"


def test_a_python_without_boto3_is_told_what_to_install():
    status, _, err = run_to_end("recount", "/logos", python=("-S",))  # without its site-packages
    assert status == 1
    assert "pip install boto3" in err


def test_airflow_may_execute_its_file_as_a_plugin():
    """Where .airflowignore got lost, Airflow executes each file by its stem; an exit would end its process."""
    loader = SourceFileLoader("__main__", str(PLUGINS / "label_loop" / "__main__.py"))
    loader.exec_module(module_from_spec(spec_from_loader("__main__", loader)))
