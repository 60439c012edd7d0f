"""The page Review: images come to those who may review, and answers reach the folder of answers as A2I's do."""

import json
import time

import pytest
from tests.integration.pictures import FRESH_DIGITS, png
from tests.integration.world import World
from tests.waiting import eventually

from label_loop.console.labels import forget_labels
from label_loop.console.pages import review as page
from label_loop.domain import review_queue
from label_loop.domain.review_queue import Review, Stage
from label_loop.payloads import ANSWERS_FOLDER, LABELLED_FOLDER, ReviewTask

LABELS = [str(digit) for digit in range(10)]


@pytest.fixture
def reviewing(world: World, monkeypatch) -> World:
    """Give a loop that reviews in the Airflow UI, whose answers are final at once."""
    world.set_record(review_backend="airflow")
    for label in LABELS:
        world.put(f"images_labeled_by_folder/{label}/", b"")
    for module in (page, review_queue):
        monkeypatch.setattr(module, "UNDO_SECONDS", 0.2)
    forget_labels()
    page._open_counts.forget()
    page._gold_images.forget()
    page._collectors.clear()
    return world


def table():
    from label_loop.console.context import contexts

    return contexts()["pages"].clients.reviews.table


def ask_about(world: World, *names: str, bucket: str | None = None, body: bytes | None = None) -> list[str]:
    made = []
    for n, name in enumerate(names):
        key = world.upload(name, body or FRESH_DIGITS[n].body)
        task = ReviewTask(f"id-{n}", "A2I Workflow", f"s3://{bucket or world.bucket}/{key}", "3", 10.0 + n)
        made.append(f"label-loop-{n}")
        table().add(Review(made[-1], task, time.time() + n))
    return made


def take(ask, role="user", **wanted):
    answer = ask(role, "POST", "review/take", json=wanted)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_page_shows_the_labels_and_what_reviewers_are_told(ask, reviewing):
    reviewing.set_variable("Review-Instructions", "Look at the <b>shape</b>.")
    text = ask("viewer", "GET", "review").text
    assert 'data-label="7"' in text
    assert "Look at the &lt;b&gt;shape&lt;/b&gt;." in text
    assert "You can view this page but not review" in text
    assert "You can view this page but not review" not in ask("user", "GET", "review").text


def test_a_loop_that_reviews_in_a2i_says_so(ask, reviewing):
    reviewing.set_record(review_backend="a2i")
    from label_loop.console.context import contexts

    contexts()["pages"].store.refresh()
    assert "--review-backend airflow" in ask("viewer", "GET", "review").text


def test_images_are_kept_for_one_reviewer(ask, reviewing):
    names = ask_about(reviewing, "a.png", "b b.png", "ü+.png")
    given = take(ask)
    of = {review["name"]: review for review in given["reviews"]}
    assert sorted(of) == names
    assert of[names[1]]["key"] == "images_for_detection/b b.png"
    assert of[names[1]]["guess"] == {"label": "3", "confidence": 11.0}
    assert given["open"] == 3
    assert take(ask, role="op")["reviews"] == []
    assert ask("user", "POST", "review/release", json={"names": names}).status_code == 200
    assert len(take(ask, role="op", order="oldest")["reviews"]) == 3


def test_a_human_sample_comes_first_and_without_the_models_guess(ask, reviewing):
    ask_about(reviewing, *(f"{n}.png" for n in range(5)))
    key = reviewing.upload("sample.png", FRESH_DIGITS[7].body)
    task = ReviewTask("sampled", "Human Sampling", f"s3://{reviewing.bucket}/{key}", "label-of-the-model", 98.7)
    table().add(Review("label-loop-sample", task, time.time() + 60))
    answer = ask("user", "POST", "review/take", json={})
    first = answer.json()["reviews"][0]
    assert (first["name"], first["guess"]) == ("label-loop-sample", None)
    ask("user", "POST", "review/answer", json={"name": "label-loop-sample", "label": "7"})
    undone = ask("user", "POST", "review/undo/label-loop-sample")
    for response in (answer, undone):
        assert "label-of-the-model" not in response.text
        assert "98.7" not in response.text


def test_a_gold_image_does_not_show_what_it_is_and_a_careless_reviewer_is_reported(ask, reviewing, monkeypatch):
    from label_loop.domain import reviewers
    from label_loop.notifications import Announcer
    from label_loop.review import gold

    monkeypatch.setattr(gold, "GOLD_SHARE", 1.0)
    page._gold_images.forget()
    told = []
    monkeypatch.setattr(Announcer, "publish", lambda self, events: told.extend(events))
    ask_about(reviewing, "a.png")
    for n in range(6):
        reviewing.put(f"images_for_gold/cat/gold-{n}.png", FRESH_DIGITS[n].body)
    for _ in range(4):
        answer = ask("user", "POST", "review/take", json={})
        (first, *_) = answer.json()["reviews"]
        assert "cat" not in answer.text
        assert (first["key"].rpartition("/")[0], first["guess"]) == ("images_for_detection", None)
        assert ask("user", "GET", f"review/images/{first['name']}").headers["content-type"] == "image/png"
        assert answer.json()["open"] == 1
        ask("user", "POST", "review/answer", json={"name": first["name"], "label": "7"})
        ask("user", "POST", "review/release", json={"names": ["label-loop-0"]})
    (event,) = told
    assert event.kind == "quality"
    (person,) = table().reviewers()
    assert (person.is_reported, person.wrong) == (True, 4)
    assert reviewers.gold_id(reviewers.GoldImage("images_for_gold/cat/gold-0.png", "cat"))


def test_an_answer_is_written_as_a2i_writes_it_once_it_cannot_be_taken_back(client, reviewing):
    from tests.console.conftest import FROM_THE_CONSOLE

    (name,) = ask_about(reviewing, "a.png")
    with client("user") as browser:  # one event loop for all requests, as in the API server
        url = "/label-loop/pages/review"
        answer = browser.post(f"{url}/answer", json={"name": name, "label": "7"}, headers=FROM_THE_CONSOLE)
        assert answer.json() == {"name": name, "label": "7", "needs_others": False}
        (key,) = eventually(lambda: reviewing.keys(ANSWERS_FOLDER))
    output = json.loads(reviewing.client("s3").get_object(Bucket=reviewing.bucket, Key=key)["Body"].read())
    assert key.endswith(f"/{name}/output.json")
    assert output["humanAnswers"][0]["answerContent"] == {"crowd-image-classifier": {"label": "7"}}
    assert output["humanAnswers"][0]["workerId"] == "a-user"
    assert output["inputContent"]["detectLabelRequestId"] == "id-0"
    eventually(lambda: table().get(name).stage is Stage.DONE)


def test_the_number_of_open_reviews_follows_each_answer_at_once(ask, reviewing):
    names = ask_about(reviewing, "a.png", "b.png", "c.png")
    assert take(ask)["open"] == 3
    ask("user", "POST", "review/answer", json={"name": names[0], "label": "7"})
    assert take(ask)["open"] == 2
    ask("user", "POST", f"review/undo/{names[0]}")
    assert take(ask)["open"] == 3


def test_an_answer_can_be_taken_back(ask, reviewing):
    (name,) = ask_about(reviewing, "a.png")
    ask("user", "POST", "review/answer", json={"name": name, "label": "7"})
    assert ask("op", "POST", f"review/undo/{name}").status_code == 409
    assert ask("user", "POST", f"review/undo/{name}").json()["review"]["name"] == name
    assert table().get(name).stage is Stage.OPEN


def test_a_skipped_image_is_for_others(ask, reviewing):
    (name,) = ask_about(reviewing, "a.png")
    take(ask)
    assert ask("user", "POST", f"review/skip/{name}").status_code == 200
    assert take(ask)["reviews"] == []
    assert len(take(ask, role="op")["reviews"]) == 1


def test_who_is_alone_can_look_again_at_what_they_skipped(ask, reviewing):
    (name,) = ask_about(reviewing, "a.png")
    ask("user", "POST", f"review/skip/{name}")
    assert [review["name"] for review in take(ask, skipped=True)["reviews"]] == [name]
    assert ask("user", "POST", "review/answer", json={"name": name, "label": "7"}).status_code == 200


def test_more_than_usual_are_at_hand_after_answers_were_taken_back(ask, reviewing):
    names = ask_about(reviewing, *"abcdef")
    assert take(ask, keep=names) == {"reviews": [], "open": 6}
    assert take(ask, role="op")["reviews"] == []
    assert ask("user", "POST", "review/release", json={"names": names}).status_code == 200
    assert len(take(ask, role="op")["reviews"]) == 4


@pytest.mark.parametrize("label", ["dog", "../x", "a/b", "\x00", "", " ", "x" * 256, "<script>"])
def test_a_label_that_the_loop_does_not_take_is_refused(ask, reviewing, label):
    (name,) = ask_about(reviewing, "a.png")
    answer = ask("user", "POST", "review/answer", json={"name": name, "label": label})
    assert answer.status_code == 422
    assert table().get(name).answers == ()


def test_a_new_label_is_taken_where_the_loop_allows_it(ask, reviewing):
    reviewing.set_variable("Review-Allow-New-Labels", "true")
    first, second = ask_about(reviewing, "a.png", "b.png")
    assert ask("user", "POST", "review/answer", json={"name": first, "label": " <dog> & co "}).status_code == 200
    assert table().get(first).answers[0].label == "<dog> & co"
    refused = ask("user", "POST", "review/answer", json={"name": second, "label": "../dog"})
    assert refused.status_code == 422
    assert "a label must have no slash" in refused.json()["detail"]


def test_another_spelling_of_a_label_is_that_label(ask, reviewing):
    reviewing.set_variable("Review-Allow-New-Labels", "true")
    reviewing.put(f"{LABELLED_FOLDER}Cat/", b"")
    (name,) = ask_about(reviewing, "a.png")
    answer = ask("user", "POST", "review/answer", json={"name": name, "label": " cAT "})
    assert answer.json()["label"] == table().get(name).answers[0].label == "Cat"


def test_a_label_of_joined_letters_is_offered_and_taken(ask, reviewing):
    label = "\u0645\u06cc\u200c\u062e\u0648"
    reviewing.put(f"{LABELLED_FOLDER}{label}/", b"")
    (name,) = ask_about(reviewing, "a.png")
    assert f'data-label="{label}"' in ask("viewer", "GET", "review").text
    assert ask("user", "POST", "review/answer", json={"name": name, "label": label}).json()["label"] == label


@pytest.mark.parametrize("label", [None, "none of the ABOVE"])
def test_none_of_the_labels_may_fit(ask, reviewing, label):
    (name,) = ask_about(reviewing, "a.png")
    assert ask("user", "POST", "review/answer", json={"name": name, "label": label}).json()["label"] == (
        "None of the Above"
    )


def test_several_answers_are_asked_for_where_the_loop_says_so(ask, reviewing):
    reviewing.set_variable("Review-Answers-Per-Image", "2")
    (name,) = ask_about(reviewing, "a.png")
    assert ask("user", "POST", "review/answer", json={"name": name, "label": "1"}).json()["needs_others"]
    assert take(ask)["reviews"] == []
    assert not ask("op", "POST", "review/answer", json={"name": name, "label": "1"}).json()["needs_others"]


def test_fewer_answers_settle_what_has_enough(ask, reviewing):
    reviewing.set_variable("Review-Answers-Per-Image", "2")
    first, second = ask_about(reviewing, "a.png", "b.png")
    ask("user", "POST", "review/answer", json={"name": first, "label": "1"})
    assert take(ask)["open"] == 2
    ask("user", "POST", "review/release", json={"names": [second]})
    reviewing.set_variable("Review-Answers-Per-Image", "1")
    taken = take(ask)
    assert ([review["name"] for review in taken["reviews"]], taken["open"]) == ([second], 1)
    assert table().get(first).stage is Stage.HELD


def test_the_image_is_shown_as_it_was_detected(ask, reviewing):
    (name,) = ask_about(reviewing, "a.png")
    answer = ask("viewer", "GET", f"review/images/{name}")
    assert answer.content == FRESH_DIGITS[0].body
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_page_named_like_an_image_is_not_sent_as_one(ask, reviewing):
    (name,) = ask_about(reviewing, "a.png", body=b"<html><script>alert(1)</script>")
    answer = ask("viewer", "GET", f"review/images/{name}")
    assert answer.status_code == 415
    assert "script" not in answer.text


def test_an_image_of_another_bucket_is_not_shown(ask, reviewing):
    (name,) = ask_about(reviewing, "a.png", bucket="somebody-elses")
    assert ask("viewer", "GET", f"review/images/{name}").status_code == 404


def test_an_image_that_is_gone_is_told(ask, reviewing):
    (name,) = ask_about(reviewing, "a.png", body=png())
    reviewing.client("s3").delete_object(Bucket=reviewing.bucket, Key="images_for_detection/a.png")
    answer = ask("viewer", "GET", f"review/images/{name}")
    assert (answer.status_code, answer.json()["detail"]) == (404, "The image no longer exists in S3.")


@pytest.mark.parametrize(
    ("code", "status", "words"),
    [("InvalidObjectState", 403, "is archived: restore it in S3"), ("AccessDenied", 403, "may not be read"),
     ("KMS.DisabledException", 400, "KMS key that is disabled")],
)  # fmt: skip
def test_an_image_that_cannot_be_read_is_told_with_the_reason(ask, reviewing, code, status, words):
    (name,) = ask_about(reviewing, "a.png")
    reviewing.fault("s3", "GetObject", code=code, status=status)
    answer = ask("viewer", "GET", f"review/images/{name}")
    assert answer.status_code == 409
    assert words in answer.json()["detail"]
    reviewing.heal()


@pytest.mark.parametrize(("method", "path"), [("GET", "images"), ("POST", "skip"), ("POST", "undo")])
@pytest.mark.parametrize("name", ["x" * 3000, "%00", "%F0%9F%90%88"])
def test_a_name_that_no_review_can_have_is_refused(ask, reviewing, method, path, name):
    assert ask("user", method, f"review/{path}/{name}").status_code == 422


@pytest.mark.parametrize("name", ["label-loop-unknown", "../x", "A" * 64])
def test_an_unknown_review_is_told(ask, reviewing, name):
    assert ask("user", "POST", "review/answer", json={"name": name, "label": "1"}).status_code in {409, 422}


def test_aws_being_away_is_told_and_loses_nothing(ask, reviewing):
    (name,) = ask_about(reviewing, "a.png")
    reviewing.fault("dynamodb", "GetItem")
    answer = ask("user", "POST", "review/answer", json={"name": name, "label": "1"})
    assert answer.status_code == 502
    assert "AWS did not respond" in answer.json()["detail"]
    reviewing.heal()
    assert ask("user", "POST", "review/answer", json={"name": name, "label": "1"}).status_code == 200
