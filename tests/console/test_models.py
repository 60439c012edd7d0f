"""The page Models: what it shows, who may deploy, train and stop, and what that starts."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from tests.console.conftest import LOOP
from tests.integration.model import Model
from tests.integration.site import events
from tests.integration.world import World
from tests.waiting import eventually

from label_loop.payloads import ApprovalQuestion, TrainingAttempt

DAG = f"{LOOP.name}.training"
CHANGES = ("models/deployment?version=v0", "models/training", "models/stop")
READS = ("models", "models/activity", "models/versions", "models/labels?version=v1")
HOSTILE = ("<script>alert(1)</script>", "../../secrets", "a b", "v1\n", "", "ü", "x" * 300, "v1?force=true")


@pytest.fixture
def runs(dags: None) -> Iterator[Callable[[], list[Any]]]:
    """Give the runs of the training DAG, none at first."""
    from airflow.models.dagrun import DagRun
    from airflow.models.log import Log
    from airflow.utils.session import create_session
    from sqlalchemy import delete, select

    def found() -> list[Any]:
        with create_session() as session:
            return list(session.scalars(select(DagRun).where(DagRun.dag_id == DAG).order_by(DagRun.id)))

    yield found
    with create_session() as session:
        session.execute(delete(DagRun))
        session.execute(delete(Log))


@pytest.fixture
def serving(world: World, model: Model) -> World:
    """Give a loop with v0, which was stopped, and v1, which serves."""
    world.add_version(model, "v0", "STOPPED")
    world.deploy(model)
    return world


def noted() -> list[tuple[str, str, dict[str, Any]]]:
    from airflow.models.log import Log
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        rows = session.execute(select(Log.event, Log.owner, Log.extra).where(Log.event.startswith("label_loop")))
        return [(event, owner, json.loads(extra)) for event, owner, extra in rows]


def row_of(text: str, name: str) -> str:
    (row,) = [row for row in re.findall(r"<tr>.*?</tr>", text, re.DOTALL) if f'<th scope="row">{name}' in row]
    return row


# --- who may


@pytest.mark.parametrize("path", READS)
def test_whoever_may_read_the_dags_sees_the_models(ask, serving, runs, path):
    assert ask(None, "GET", path).status_code == 401
    assert ask("viewer", "GET", path).status_code == 200


def test_a_viewer_is_offered_nothing(ask, serving, runs):
    assert "Train now" not in ask("viewer", "GET", "models").text
    assert "Roll back" not in ask("viewer", "GET", "models/versions").text
    assert ask("viewer", "GET", "models/deployment?version=v0").status_code == 403
    assert "Train now" in ask("user", "GET", "models").text
    assert "Roll back" in ask("user", "GET", "models/versions").text


@pytest.mark.parametrize("path", CHANGES)
def test_only_who_may_trigger_the_training_changes_anything(ask, serving, runs, path):
    for role, status in ((None, 401), ("viewer", 403), ("user", 200)):
        assert runs() == []
        assert serving.status("v1") == "RUNNING"
        assert ask(role, "POST", path).status_code == status


@pytest.mark.parametrize("path", CHANGES)
def test_another_site_changes_nothing(ask, serving, runs, path):
    for headers in ({}, {"X-Label-Loop": "console", "Sec-Fetch-Site": "cross-site"}):
        assert ask("admin", "POST", path, headers=headers).status_code == 403
    assert runs() == []
    assert serving.status("v1") == "RUNNING"


# --- what is shown


def test_a_version_is_named_by_its_number_first(ask, serving, model, runs):
    name = "label-loop-0123456789ab-01234567-v7"
    serving.add_version(model, name, "TRAINING_COMPLETED")
    text = ask("user", "GET", "models/versions").text
    assert f'<th scope="row">v7 ({name})' in text
    assert '"v7"' in text  # in the chart
    assert f"Deploy v7 ({name})" in ask("user", "GET", f"models/deployment?version={name}").text


def test_the_table_tells_what_people_ask_for(ask, serving, model, runs):
    trained = serving.add_version(model, "v2", "TRAINING_COMPLETED")
    serving.add_version(model, "v3", "TRAINING_FAILED")
    text = ask("user", "GET", "models/versions").text
    names = re.findall(r'<th scope="row">(\S+)', text)
    assert names == ["v3", "v2", "v1", "v0"]
    v0, v1, v2, v3 = (row_of(text, name) for name in reversed(names))
    assert ">serving<" in v1
    assert not any(">serving<" in row for row in (v0, v2, v3))
    assert ">running<" in v1
    assert ">4.00<" in v1
    assert ">80<" in v1  # images trained; Rekognition kept 20 of 100 for its test
    assert ">20<" in v1
    assert f">{model.outcome.f1_score:.3f}<" in v1
    assert "4.00" not in v0
    offers = [re.findall(r">([^<>]+)…</button>", row) for row in (v0, v1, v2, v3)]
    assert offers == [["Roll back"], ["Stop"], ["Deploy"], []]
    assert "failed in training" in v3
    assert "every 5s" not in text
    serving.set_status(trained, "STARTING", stays=True)
    assert "every 5s" in ask("user", "GET", "models/versions").text


def test_the_price_is_an_option(ask, serving, runs, monkeypatch):
    monkeypatch.setenv("AIRFLOW__LABEL_LOOP__INFERENCE_UNIT_USD_PER_HOUR", "2.5")
    assert ">2.50<" in row_of(ask("viewer", "GET", "models/versions").text, "v1")


def test_the_chart_has_the_scores_oldest_first_and_the_minimum(ask, serving, model, runs):
    serving.set_variable("Minimum-F1-Score", "0.7")
    serving.add_version(model, "v3", "TRAINING_IN_PROGRESS", stays=True)  # has no score
    text = ask("viewer", "GET", "models/versions").text
    chart = json.loads(re.search(r'<script type="application/json" id="f1-chart">(.*?)</script>', text).group(1))
    assert chart["labels"] == ["v0", "v1"]
    scores, minimum = chart["series"]
    assert scores["values"] == [model.outcome.f1_score] * 2
    assert minimum["values"] == [0.7, 0.7]
    assert "test set" in scores["name"]


def test_a_loop_without_a_version_says_what_makes_one(ask, world, runs):
    assert "No versions yet" in ask("viewer", "GET", "models/versions").text
    assert "No training has run yet" in ask("viewer", "GET", "models").text


def test_aws_being_away_is_told_in_place_and_asked_again(ask, serving, runs):
    serving.fault("rekognition", "DescribeProjectVersions", code="InternalServerError", status=500)
    answer = ask("viewer", "GET", "models/versions")
    assert answer.status_code == 200
    assert "Retrying every 15 seconds" in answer.text
    assert "every 15s" in answer.text


# --- scores by label


def test_the_scores_by_label_are_read_once(ask, serving, runs):
    serving.aws.calls.reset()
    for _ in range(2):
        text = ask("viewer", "GET", "models/labels?version=v1").text
    assert sorted(re.findall(r'<th scope="row">(\d)</th>', text)) == list("0123456789")
    assert "test set" in text
    assert serving.counts().get("s3.GetObject", 0) <= 1


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b'{"LabelEvaluationResults": [1, {"Label": 1}]}', None])
def test_a_summary_that_cannot_be_read_is_told(ask, serving, model, runs, body):
    from local_aws.rekognition.workfolder import SUMMARY

    location = replace(model.outcome.files[SUMMARY], bucket=serving.bucket, key=f"evaluation/{len(body or b'')}.json")
    outcome = replace(model.outcome, files={**model.outcome.files, SUMMARY: location})
    if body is not None:
        serving.put(location.key, body)
    serving.add_version(replace(model, outcome=outcome), "v5", "STOPPED")
    answer = ask("viewer", "GET", "models/labels?version=v5")
    assert answer.status_code == 200
    assert "no longer in S3, or contains no labels" in answer.text
    assert ask("viewer", "GET", "models/versions").status_code == 200


def test_an_archived_summary_is_told_and_a_busy_bucket_is_no_missing_summary(ask, serving, model, runs):
    from local_aws.rekognition.workfolder import SUMMARY

    location = replace(model.outcome.files[SUMMARY], bucket=serving.bucket, key="evaluation/archived.json")
    outcome = replace(model.outcome, files={**model.outcome.files, SUMMARY: location})
    serving.client("s3").put_object(Bucket=location.bucket, Key=location.key, Body=b"{}", StorageClass="GLACIER")
    serving.add_version(replace(model, outcome=outcome), "v5", "STOPPED")
    assert "no longer in S3" in ask("viewer", "GET", "models/labels?version=v5").text
    serving.fault("s3", "GetObject", kind="throttle")
    answer = ask("viewer", "GET", "models/labels?version=v5")
    assert answer.status_code >= 500
    assert "no longer in S3" not in answer.text


def test_hostile_labels_are_only_text(ask, serving, model, runs):
    from local_aws.rekognition.workfolder import SUMMARY

    labels = ["<img src=x onerror=alert(1)>", "\ud800", "</script>"]
    location = replace(model.outcome.files[SUMMARY], bucket=serving.bucket, key="evaluation/hostile.json")
    outcome = replace(model.outcome, files={**model.outcome.files, SUMMARY: location})
    results = [{"Label": label, "Metrics": {"F1Score": 0.5}} for label in labels]
    serving.put(location.key, json.dumps({"LabelEvaluationResults": results}).encode())
    serving.add_version(replace(model, outcome=outcome), "v5", "STOPPED")
    text = ask("viewer", "GET", "models/labels?version=v5").text
    assert "&lt;img src=x" in text
    assert "<img" not in text
    assert "</script>" not in text


# --- deploying


def test_a_rollback_is_confirmed_and_triggers_a_run_in_the_users_name(ask, serving, runs):
    confirmation = ask("user", "GET", "models/deployment?version=v0").text
    assert "v0: with F1" in confirmation
    assert "hx-post" in confirmation
    answer = ask("user", "POST", "models/deployment?version=v0")
    assert answer.status_code == 200
    (run,) = runs()
    told = json.loads(answer.headers["hx-trigger"])
    assert told == {"models-changed": None, "label-loop:notice": {"text": f"Triggered the run {run.run_id}."}}
    assert run.conf == {"version": "v0"}
    assert run.triggering_user_name == "a-user"
    assert "Deployment of v0" in answer.text
    assert "by a-user" in answer.text
    assert f"dags/{DAG}/runs/" in answer.text
    assert "data-airflow-href" in answer.text
    assert noted() == [("label_loop_deploy", "a-user", {"version": "v0", "run_id": run.run_id})]
    # Another one waits, and that is said before it is asked for.
    assert "starts when it has finished" in ask("user", "GET", "models/deployment?version=v0").text


def test_what_a_run_does_is_followed_and_the_table_with_it(ask, serving, runs):
    before = ask("viewer", "GET", "models/activity")
    assert "hx-trigger" not in before.headers
    ask("user", "POST", "models/deployment?version=v0")
    after = ask("viewer", "GET", "models/activity")
    assert after.headers["hx-trigger"] == "models-changed"
    assert "every 3s" in after.text
    path = re.search(r'hx-get="/label-loop/[^/]+/(models/activity[^"]+)"', after.text).group(1)
    assert "hx-trigger" not in ask("viewer", "GET", path.replace("&amp;", "&")).headers


def test_an_unknown_version_triggers_nothing(ask, serving, runs):
    answer = ask("user", "POST", "models/deployment?version=v9")
    assert answer.status_code == 409
    assert "not a version of this project" in answer.text
    assert "not a version of this project" in ask("user", "GET", "models/deployment?version=v9").text
    assert runs() == []
    assert noted() == []


def test_the_serving_version_needs_no_deployment(ask, serving, runs):
    assert "already serves" in ask("user", "GET", "models/deployment?version=v1").text
    assert ask("user", "POST", "models/deployment?version=v1").status_code == 409
    assert runs() == []


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("asked", ["POST models/deployment", "GET models/deployment", "GET models/labels"])
def test_a_hostile_name_is_refused_before_anything_is_asked(ask, serving, runs, asked, name):
    serving.aws.calls.reset()
    answer = ask("user", *asked.split(), params={"version": name})
    assert answer.status_code == 422
    assert "<script>" not in answer.text
    assert runs() == []
    assert serving.counts() == {}


def test_a_version_below_the_gate_may_be_deployed_and_is_told_as_such(ask, serving, model, runs):
    serving.add_version(replace(model, outcome=replace(model.outcome, f1_score=0.61)), "v2", "TRAINING_COMPLETED")
    assert "Below the minimum of 0.8" in row_of(ask("user", "GET", "models/versions").text, "v2")
    text = ask("user", "GET", "models/deployment?version=v2").text
    assert "F1 0.610, below the minimum of 0.8" in text
    assert ask("user", "POST", "models/deployment?version=v2").status_code == 200
    assert len(runs()) == 1


# --- training and stopping


@pytest.mark.parametrize(("query", "force"), [("", False), ("?force=true", True)])
def test_a_training_is_triggered(ask, serving, runs, query, force):
    assert ask("user", "POST", f"models/training{query}").status_code == 200
    (run,) = runs()
    assert run.conf == {"force": force}
    assert noted() == [("label_loop_train", "a-user", {"force": force, "run_id": run.run_id})]


def test_a_dag_that_airflow_does_not_know_yet_is_told(ask, serving, runs, monkeypatch):
    from label_loop.console import airflow_db

    monkeypatch.setattr(airflow_db, "schedules", lambda dag_ids: [])
    answer = ask("user", "POST", "models/training")
    assert answer.status_code == 409
    assert "Try again in a minute" in answer.text


def test_the_model_is_stopped_and_can_be_started_again(ask, serving, runs):
    answer = ask("user", "POST", "models/stop")
    assert answer.status_code == 200
    assert "v1 is stopping" in answer.headers["hx-trigger"]
    assert noted() == [("label_loop_stop", "a-user", {"version": "v1"})]
    assert any("stopped by a-user" in one["body"]["message"] for one in events(serving.told(), "model_status"))
    eventually(lambda: "every 5s" not in ask("user", "GET", "models/versions").text)
    text = ask("user", "GET", "models/versions").text
    assert "is not running (stopped). Uploads wait" in text
    assert "Start again…" in row_of(text, "v1")
    assert ask("user", "POST", "models/stop").status_code == 409
    assert ask("user", "POST", "models/deployment?version=v1").status_code == 200
    assert runs()[0].conf == {"version": "v1"}


def test_a_model_that_sleeps_is_told_as_such(ask, serving):
    serving.set_status(serving.state().endpoint_arn, "STOPPED")
    serving.set_state(stopped_because="idle")
    text = ask("viewer", "GET", "models/versions").text
    assert "v1 is idle (stopped). The next upload starts it" in text
    assert "not running (" not in text


@pytest.mark.parametrize(
    ("status", "stopped_because", "offered"),
    [
        ("RUNNING", None, True),
        ("STOPPED", "idle", True),  # the next upload would start it
        ("STOPPED", "by hand", False),
    ],
)
def test_a_stop_is_offered_where_the_model_can_be_stopped(ask, serving, status, stopped_because, offered):
    serving.set_status(serving.state().endpoint_arn, status, stays=True)
    serving.set_state(stopped_because=stopped_because)
    text = ask("user", "GET", "models/versions").text
    assert ("Stop…" in row_of(text, "v1")) == offered
    assert "Stop…" not in row_of(text, "v0")


def test_without_a_version_nothing_is_offered_to_be_stopped(ask, world):
    assert "Stop…" not in ask("user", "GET", "models").text + ask("user", "GET", "models/versions").text


def test_other_units_than_the_parameters_say_are_told_with_what_to_do(ask, serving):
    serving.set_variable("Minimum-Inference-Units", "3")
    text = " ".join(ask("viewer", "GET", "models/versions").text.split())
    assert "v1 serves, but it runs with 1 inference unit(s), and the parameters say 3 inference unit(s)." in text
    assert "deploy v0 (F1 1.000), then v1 again" in text


def test_a_version_that_is_held_says_why(ask, serving):
    attempt = TrainingAttempt("v2", "m", 100, "f", "2026-11-23T09:00:00+00:00", "held", verdict="it has lost <cat>")
    serving.set_state(last_training_attempt=attempt)
    assert "v2 is held: it has lost &lt;cat&gt;." in ask("viewer", "GET", "models/versions").text
    serving.set_state(last_training_attempt=replace(attempt, outcome="accepted"))
    assert "is held" not in ask("viewer", "GET", "models/versions").text


# --- answering a question


QUESTION = ApprovalQuestion("v2", "it may have lost <cat>", "2099-01-01T12:00:00+00:00", "hold")


@pytest.fixture
def asked(serving, model, runs) -> Iterator[Callable[[], Any]]:
    """Let a run of the DAG approval wait for an answer about v2; give what was answered."""
    from airflow.models.hitl import HITLDetail
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from airflow.utils.state import TaskInstanceState
    from sqlalchemy import delete, select

    from label_loop.console import airflow_db

    serving.add_version(model, "v2", "TRAINING_COMPLETED")
    serving.set_state(approval_question=QUESTION)
    run = airflow_db.trigger(f"{LOOP.name}.approval", {"version": "v2"}, Asker())
    with create_session() as session:
        (task,) = session.scalars(
            select(TaskInstance).where(TaskInstance.run_id == run.run_id, TaskInstance.task_id == "ask")
        )
        task.state = TaskInstanceState.AWAITING_INPUT
        task.next_method = "execute_complete"
        session.add(HITLDetail(ti_id=task.id, options=["Deploy", "Hold"], subject="?", multiple=False, params={}))

    def answered() -> tuple[Any, str | None, str]:
        with create_session() as session:
            (detail,) = session.scalars(select(HITLDetail))
            user = detail.responded_by_user
            return detail.chosen_options, user and user["name"], str(detail.task_instance.state)

    yield answered
    with create_session() as session:
        session.execute(delete(HITLDetail))


class Asker:
    def get_name(self) -> str:
        return "the loop"


def test_a_question_is_shown_and_answered_by_who_may(ask, asked):
    text = ask("user", "GET", "models/versions").text
    assert "v2 is undecided: it may have lost &lt;cat&gt;. It waits for approval until" in text
    assert "2099-01-01 12:00 UTC; without an answer, the decision is: Hold." in " ".join(text.split())
    row = row_of(text, "v2")
    assert "waiting for approval" in row
    assert ">Deploy</button>" in row
    assert ">Hold</button>" in row
    assert "Deploy…" not in row
    for_viewers = ask("viewer", "GET", "models/versions").text
    assert "v2 is undecided" in for_viewers
    assert "models/answer" not in for_viewers
    assert ask("viewer", "POST", "models/answer?version=v2&choice=deploy").status_code == 403
    assert ask(None, "POST", "models/answer?version=v2&choice=deploy").status_code == 401
    assert ask("admin", "POST", "models/answer?version=v2&choice=deploy", headers={}).status_code == 403
    assert asked()[0] is None

    answer = ask("user", "POST", "models/answer?version=v2&choice=deploy")
    assert answer.status_code == 200
    assert "Deploy: the answer about v2 is given." in answer.headers["hx-trigger"]
    assert asked() == (["Deploy"], "a-user", "scheduled")  # so that the scheduler lets it go on
    ((event, user, facts),) = noted()
    assert (event, user, facts["answer"]) == ("label_loop_answer", "a-user", "deploy")
    assert ask("user", "POST", "models/answer?version=v2&choice=hold").status_code == 409  # the first answer counts
    assert asked()[0] == ["Deploy"]


@pytest.mark.parametrize("query", ["version=v1&choice=deploy", "version=v9&choice=hold"])
def test_nothing_else_is_answered(ask, asked, query):
    assert ask("user", "POST", f"models/answer?{query}").status_code == 409
    assert ask("user", "POST", "models/answer?version=v2&choice=both").status_code == 422
    assert asked()[0] is None


def test_a_question_that_is_closed_is_neither_shown_nor_answered(ask, asked, serving):
    serving.set_state(approval_question=replace(QUESTION, answer="hold"))
    text = ask("user", "GET", "models/versions").text
    assert "is undecided" not in text
    assert "Deploy…" in row_of(text, "v2")
    assert ask("user", "POST", "models/answer?version=v2&choice=deploy").status_code == 409


def test_a_question_that_airflow_does_not_ask_leaves_the_deployment_by_hand(ask, serving, model, runs):
    serving.add_version(model, "v2", "TRAINING_COMPLETED")
    serving.set_state(approval_question=QUESTION)
    text = ask("user", "GET", "models/versions").text
    assert "v2 is undecided" in text
    assert "Deploy…" in row_of(text, "v2")
