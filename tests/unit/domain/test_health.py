from label_loop.domain.health import concerns
from label_loop.payloads import ProjectVersion

SERVING = ProjectVersion("arn:v1", "v1", "RUNNING")
OTHER = ProjectVersion("arn:v2", "v2", "RUNNING")
WELL = {
    "endpoint": SERVING,
    "idle": [],
    "deploying": False,
    "waiting_uploads": 0,
    "dead_letters": 0,
    "paused": [],
    "failed_tasks": 0,
}


def texts(**how) -> list[str]:
    return [f"{concern.tone}: {concern.text}" for concern in concerns(**{**WELL, **how})]


def test_a_healthy_loop_gives_no_concern_whatever_waits():
    assert texts(waiting_uploads=500) == []


def test_before_the_first_model_uploads_wait():
    assert texts(endpoint=None, waiting_uploads=3) == [
        "warn: No model is deployed yet; the first training will deploy one; 3 upload(s) waiting."
    ]


def test_a_model_that_shall_serve_and_does_not_is_bad():
    (text,) = texts(endpoint=ProjectVersion("arn:v1", "v1", "STOPPED"))
    assert text == "bad: The model v1 is stopped and does not serve."


def test_a_model_that_sleeps_until_the_next_upload_is_no_concern():
    assert texts(endpoint=ProjectVersion("arn:v1", "v1", "STOPPED"), asleep=True) == []
    assert texts(endpoint=ProjectVersion("arn:v1", "v1", "STOPPED"), asleep=True, dead_letters=1) != []


def test_a_second_version_is_a_concern_unless_one_is_being_deployed():
    assert texts(idle=[OTHER]) == ["warn: v2 is running and billed, but does not serve."]
    assert texts(idle=[OTHER], deploying=True) == []


def test_the_worst_comes_first():
    found = texts(endpoint=None, idle=[OTHER], dead_letters=2, paused=["training", "detection"], failed_tasks=1)
    assert len(found) == 5
    assert "2 message(s) in a dead-letter queue" in found[1]
    assert "Paused in Airflow: training, detection" in found[3]
