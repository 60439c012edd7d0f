"""Whether a detection is accepted has one answer, wherever it is notified of, decided on, counted or shown."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.console.test_insight import series, table
from tests.console.test_upload import DIGIT, detect, results, send
from tests.integration.clients import SharedSession, dynamodb
from tests.integration.model import Model
from tests.integration.site import events
from tests.integration.world import World

from demo.table import result
from label_loop.domain.log_row import LoggedAnswer, LogRow
from label_loop.hooks.rekognition import RekognitionHook
from label_loop.payloads import TrainingAttempt
from label_loop.provisioning import Options
from label_loop.provisioning.site import Site
from label_loop.provisioning.statistics import rebuild

type Ask = Callable[..., Any]


@pytest.mark.parametrize(("confidence", "expected"), [(69.99994, False), (69.99996, False), (70.0, True)])
def test_all_places_say_the_same_about_a_confidence_beside_the_minimum(
    ask: Ask, world: World, model: Model, confidence: float, expected: bool
) -> None:
    world.deploy(model)
    world.told()
    assert world.parameter("Minimum-Label-Detection-Confidence") == "70.0"
    id_ = send(ask, "detection", DIGIT, name="a.png").json()["id"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RekognitionHook, "detect", lambda *_: [{"Name": "7", "Confidence": confidence}])
        detect(world)

    told = world.told()
    (event,) = events(told, "detection")
    says = {
        "SNS's attribute": event["attributes"]["accepted"] == "true",
        "SNS's text": event["body"]["message"].endswith("at 70.0 %, accepted"),
        "SNS's confidence": event["body"]["confidence"] >= 70,
        "SNS's review": events(told, "review_created") == [],
        "human review": world.human_loops() == [],
        "the log": world.row()["DetectedConfidenceLevel"] >= world.row()["MinimumConfidenceLevel"],
        "the page Upload": results(ask, id_)["results"][id_]["state"] == "accepted",
        "Upload's confidence": results(ask, id_)["results"][id_]["confidence_percent"] >= 70,
        "the demo": _result_of_demo(world).accepted == 1,
        "Insight": _is_accepted_on_insight(ask),
        "Insight's bucket": _is_in_bucket_of_70(ask),
    }
    _forget_statistics(world)
    assert rebuild(Site(world.loop, Options(), SharedSession(world.aws.url), lambda _: None)) == (1, [])  # type: ignore[arg-type]
    says |= {"the recount": _is_accepted_on_insight(ask), "the recount's bucket": _is_in_bucket_of_70(ask)}
    says["the answer's source"] = _is_no_review_once_answered(ask, world, id_)
    (line,) = table(ask("viewer", "GET", "insight/reviewed.csv"))
    says["the file of reviewed detections"] = float(line["confidence"]) >= float(line["minimum_confidence"])
    assert says == dict.fromkeys(says, expected)


def _result_of_demo(world: World) -> Any:
    rows = [LogRow.from_item(item) for item in world.rows()]
    version = {"ProjectVersionArn": rows[0].project_version_arn, "EvaluationResult": {"F1Score": 1}}
    return result(
        1, version, TrainingAttempt("v", "m", 1, "f", ""), rows=rows, truth={rows[0].key: "7"}, calls_per_image=1
    )


def _is_accepted_on_insight(ask: Ask) -> bool:
    """Return whether the daily file and the chart count it as accepted; both must say the same."""
    (day,) = table(ask("viewer", "GET", "insight/daily.csv"))
    shown = series(ask("viewer", "GET", "insight").text, "detections")
    is_accepted = (day["accepted"], day["sent_to_review"]) == ("1", "0")
    assert (sum(shown["accepted"]), sum(shown["sent to review"])) == (is_accepted, not is_accepted)
    return is_accepted


def _is_in_bucket_of_70(ask: Ask) -> bool:
    (day,) = table(ask("viewer", "GET", "insight/daily.csv"))
    assert (int(day["confidence_13"]), int(day["confidence_14"])) in {(1, 0), (0, 1)}
    return day["confidence_14"] == "1"


def _forget_statistics(world: World) -> None:
    counted = dynamodb(world.aws.url).Table(world.record()["statistics_table"])
    for item in counted.scan()["Items"]:
        counted.delete_item(Key={name: item[name] for name in ("Month", "DayAndVersion")})


def _is_no_review_once_answered(ask: Ask, world: World, id_: str) -> bool:
    """Answer it, and return whether Insight leaves its answer out of the reviews of unsure detections."""
    hook = world.context().clients.log
    moment = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
    assert hook.set_answers(hook.rows([id_]).values(), {id_: LoggedAnswer("7", moment)}) == [id_]
    (day,) = table(ask("viewer", "GET", "insight/daily.csv"))
    return day["review_answered"] == "0"
