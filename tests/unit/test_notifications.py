"""What is told by SNS, and what is not."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException
from botocore.exceptions import ClientError, EndpointConnectionError

from label_loop.exceptions import UnfinishedWorkError
from label_loop.loop import Loop
from label_loop.notifications import Announcer, FailureNotifier, failure_event
from label_loop.payloads import Event

TOPIC = "arn:aws:sns:eu-west-1:123456789012:logos"


class Client:
    """Records what is published; refuses what it is told to refuse."""

    def __init__(self, error: Exception | None = None, failed: int = 0) -> None:
        self.batches: list[list[dict[str, Any]]] = []
        self.error = error
        self.failed = failed

    def publish_batch(self, **request: Any) -> dict[str, Any]:
        assert request["TopicArn"] == TOPIC
        if self.error:
            raise self.error
        self.batches.append(request["PublishBatchRequestEntries"])
        return {"Failed": [{"Id": "0", "Code": "InternalError"}] * self.failed}


def announcer(client: Client) -> Announcer:
    made = Announcer(Loop("/logos"), TOPIC, None)
    made.__dict__["_client"] = client
    return made


def test_events_are_published_ten_a_call_each_once():
    client = Client()
    announcer(client).publish([Event("detection", f"image {n}") for n in range(23)])
    assert [len(batch) for batch in client.batches] == [10, 10, 3]
    texts = [json.loads(entry["Message"])["message"] for batch in client.batches for entry in batch]
    assert texts == [f"image {n}" for n in range(23)]
    assert all(len({entry["Id"] for entry in batch}) == len(batch) for batch in client.batches)


def test_attributes_are_there_for_subscription_filters():
    client = Client()
    announcer(client).publish([Event("detection", "x", label="Käse & co", accepted=False), Event("manifest", "y")])
    first, second = client.batches[0]
    assert {name: value["StringValue"] for name, value in first["MessageAttributes"].items()} == {
        "loop": "logos",
        "event": "detection",
        "label": "Käse & co",
        "accepted": "false",
    }
    # SNS refuses an empty attribute, and with it the whole message.
    assert set(second["MessageAttributes"]) == {"loop", "event"}


@pytest.mark.parametrize(
    ("base_url", "page"),
    [
        ("https://airflow.example/team/", "https://airflow.example/team/label-loop/logos/detections/1-a"),
        ("", None),
    ],
)
def test_the_event_of_a_detection_leads_to_its_page(monkeypatch: pytest.MonkeyPatch, base_url: str, page: str | None):
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", base_url)
    client = Client()
    announcer(client).publish([Event("detection", "x", facts={"detection": "1-a"}), Event("manifest", "y")])
    bodies = [json.loads(entry["Message"]) for entry in client.batches[0]]
    assert [body.get("page") for body in bodies] == [page, None]


def test_a_hostile_text_stays_data():
    client = Client()
    announcer(client).publish([Event("detection", 'a"},{"x":"\n<b>', label='"quoted"')])
    (entry,) = client.batches[0]
    assert json.loads(entry["Message"])["message"] == 'a"},{"x":"\n<b>'
    assert entry["Subject"] == "Label Loop logos: detection"


@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "NotFound", "Message": "Topic does not exist"}}, "PublishBatch"),
        EndpointConnectionError(endpoint_url="https://sns.invalid"),
    ],
)
def test_work_goes_on_without_the_topic_and_is_logged(error, caplog):
    announcer(Client(error)).publish([Event("detection", "x")])
    assert "Could not publish 1 event(s) of /logos" in caplog.text


def test_a_rejected_message_is_logged(caplog):
    announcer(Client(failed=1)).publish([Event("detection", "x")])
    assert "SNS rejected an event of /logos: InternalError" in caplog.text


def test_a_loop_without_a_topic_logs_its_events(caplog):
    caplog.set_level("INFO")
    Announcer(Loop("/logos"), None, None).publish([Event("detection", "image 1 is a cat")])
    assert "image 1 is a cat" in caplog.text


def _context(error: Exception) -> dict[str, Any]:
    ti = SimpleNamespace(dag_id="logos.training", task_id="evaluate", run_id="run 1", log_url="http://airflow/log")
    return {"ti": ti, "exception": error}


@pytest.mark.parametrize("error", [AirflowFailException("F1 is missing"), UnfinishedWorkError(1, ["F1 is missing"])])
def test_a_failure_quotes_what_was_written_for_people(error):
    event = failure_event(_context(error))
    assert event.kind == "failure"
    assert "logos.training.evaluate failed" in event.text
    assert "F1 is missing" in event.text
    assert event.facts["log"] == "http://airflow/log"


def test_a_failure_quotes_nothing_else():
    event = failure_event(_context(RuntimeError("token=s3cr3t")))
    assert "s3cr3t" not in json.dumps([event.text, dict(event.facts)])
    assert "RuntimeError" in event.text


def test_a_failure_that_cannot_be_reported_fails_nothing_more(monkeypatch, caplog):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setattr(
        "label_loop.hooks.parameter_store.ParameterStoreHook.record",
        lambda self, loop: (_ for _ in ()).throw(EndpointConnectionError(endpoint_url="x")),
    )
    FailureNotifier("/logos").notify(_context(RuntimeError()))
    assert "Could not report a task failure of /logos: EndpointConnectionError" in caplog.text
