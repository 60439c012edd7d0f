"""Upload: only good images arrive, each by itself, and people see what became of them."""

import io
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi import HTTPException
from PIL import Image
from starlette.requests import Request
from tests.console.conftest import FROM_THE_CONSOLE, LOOP
from tests.integration.model import Model
from tests.integration.pictures import FRESH_DIGITS
from tests.integration.site import events
from tests.integration.world import World

from label_loop.console import upload_room
from label_loop.console.pages import upload
from label_loop.decoder import DecoderUnavailableError
from label_loop.inbox.sources import uploads_inbox
from label_loop.payloads import LABELLED_FOLDER, UPLOADS_FOLDER
from label_loop.workflows.detection import DetectionWorkflow

type Ask = Callable[..., Any]

DIGIT = FRESH_DIGITS[0].body
LIMIT = 15 * 1024 * 1024


def picture(kind: str = "PNG", size: tuple[int, int] = (64, 64), **how: Any) -> bytes:
    body = io.BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(body, kind, **how)
    return body.getvalue()


JPEG = picture("JPEG")
ANIMATED = picture("GIF", save_all=True, append_images=[Image.new("RGB", (64, 64)), Image.new("RGB", (64, 64), "red")])


def send(
    ask: Ask, purpose: str, body: Any, *, role: str | None = "op", headers: Any = FROM_THE_CONSOLE, **query: str
) -> Any:
    return ask(role, "POST", f"upload/{purpose}", content=body, params=query, headers=headers)


def detect(world: World) -> None:
    """Work off the queue as the DAG does."""
    context = world.context()
    inbox = uploads_inbox(context)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("label_loop.workflows.detection.LINGER_SECONDS", 0)
        DetectionWorkflow(context, inbox).drain()


def results(ask: Ask, *ids: str) -> Any:
    answer = ask("viewer", "GET", "upload/results", params=[("id", id_) for id_ in ids])
    assert answer.status_code == 200
    return answer.json()


# --- who may


@pytest.mark.parametrize(
    ("role", "purpose", "status"),
    [
        (None, "detection", 401), ("viewer", "detection", 403), ("user", "detection", 200), ("op", "detection", 200),
        (None, "training", 401), ("viewer", "training", 403), ("user", "training", 200), ("op", "training", 200),
    ],
)  # fmt: skip
def test_uploading_needs_a_permission(ask: Ask, world: World, role: str | None, purpose: str, status: int) -> None:
    assert send(ask, purpose, DIGIT, role=role, name="a.png", label="cat").status_code == status
    assert len(world.keys()) == (status == 200)


def test_training_needs_a_permission_of_its_own(ask: Ask, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.api_fastapi.app import get_auth_manager

    allowed = get_auth_manager().is_authorized_dag

    def only_detection(*, method: Any, details: Any, **how: Any) -> bool:
        if method == "POST" and details.id != LOOP.dag_id("detection"):
            return False
        return allowed(method=method, details=details, **how)

    monkeypatch.setattr(get_auth_manager(), "is_authorized_dag", only_detection)
    assert send(ask, "detection", DIGIT, name="a.png").status_code == 200
    assert send(ask, "training", DIGIT, name="a.png", label="cat").status_code == 403
    assert world.keys(LABELLED_FOLDER) == []
    assert "needs permission to trigger the DAG training" in ask("op", "GET", "upload").text


@pytest.mark.parametrize("purpose", ["detection", "training"])
@pytest.mark.parametrize("headers", [{}, {**FROM_THE_CONSOLE, "Sec-Fetch-Site": "cross-site"}])
def test_another_sites_page_uploads_nothing(ask: Ask, world: World, purpose: str, headers: dict[str, str]) -> None:
    assert send(ask, purpose, DIGIT, role="admin", headers=headers, name="a.png", label="cat").status_code == 403
    assert world.keys() == []


def test_the_page_and_the_results_are_for_who_may_look(ask: Ask, world: World) -> None:
    assert ask(None, "GET", "upload").status_code == 401
    assert ask(None, "GET", "upload/results", params={"id": "0" * 36}).status_code == 401
    page = ask("viewer", "GET", "upload")
    assert page.status_code == 200
    assert "<form" not in page.text
    assert "trigger the DAG detection" in page.text


def test_the_page_offers_the_labels_that_there_are(ask: Ask, world: World) -> None:
    for key in ("cat/a.png", "a+b & c/a.png", '"><script>alert(1)</script>'.replace("/", "") + "/a.png", "stray.png"):
        world.put(f"{LABELLED_FOLDER}{key}", b"x")
    page = ask("op", "GET", "upload").text
    assert '<option value="cat">' in page
    assert '<option value="a+b &amp; c">' in page
    assert "<script>alert" not in page
    assert "stray.png" not in page
    assert f'"largest_bytes": {LIMIT}' in page


# --- detection


def test_an_upload_is_detected_and_its_result_found(ask: Ask, world: World, model: Model) -> None:
    world.deploy(model)
    answer = send(ask, "detection", DIGIT, name="My digit.png").json()
    (key,) = world.keys(UPLOADS_FOLDER)
    assert key == answer["key"]
    assert key.startswith(f"{UPLOADS_FOLDER}My digit-")
    assert results(ask, answer["id"]) == {"results": {}, "serves": True}
    detect(world)
    found = results(ask, answer["id"], "0" * 36)["results"]
    assert list(found) == [answer["id"]]
    assert found[answer["id"]]["label"] == FRESH_DIGITS[0].label
    assert found[answer["id"]]["state"] in {"accepted", "in review"}
    (told,) = events(world.told(), "detection")
    assert told["body"]["detection"] == answer["id"]


def test_what_is_unsure_has_review(ask: Ask, world: World, model: Model) -> None:
    world.deploy(model)
    world.set_variable("Minimum-Label-Detection-Confidence", "100")
    id_ = send(ask, "detection", DIGIT, name="a.png").json()["id"]
    detect(world)
    assert results(ask, id_)["results"][id_]["state"] == "in review"


def test_without_a_model_an_upload_waits_for_one(ask: Ask, world: World) -> None:
    id_ = send(ask, "detection", DIGIT, name="a.png").json()["id"]
    assert results(ask, id_) == {"results": {}, "serves": False}


def test_what_is_known_is_told_though_rekognition_fails(ask: Ask, world: World, model: Model) -> None:
    world.deploy(model)
    id_ = send(ask, "detection", DIGIT, name="a.png").json()["id"]
    detect(world)
    world.fault("rekognition", "DescribeProjectVersions", code="AccessDeniedException", status=400)
    answer = results(ask, id_, "0" * 36)
    assert answer["serves"] is None
    assert list(answer["results"]) == [id_]


def test_the_same_file_again_is_a_detection_of_its_own(ask: Ask, world: World) -> None:
    first, second = (send(ask, "detection", DIGIT, name="a.png").json() for _ in range(2))
    assert first["key"] == second["key"]
    assert first["id"] != second["id"]


@pytest.mark.parametrize(
    "ids",
    [[], ["x"], [""], ["0" * 35], ["' OR 1=1 --" + "0" * 25], ["0" * 36] * 101],
    ids=["none", "short", "empty", "too short", "hostile", "too many"],
)
def test_only_some_ids_are_looked_up(ask: Ask, world: World, ids: list[str]) -> None:
    answer = ask("viewer", "GET", "upload/results", params=[("id", id_) for id_ in ids])
    assert answer.status_code == 422


# --- training


def test_an_image_is_put_below_its_label_once(ask: Ask, world: World) -> None:
    first = send(ask, "training", DIGIT, name="digit.png", label=" new label ")
    (key,) = world.keys(LABELLED_FOLDER)
    assert first.json() == {"key": key, "repeated": False}
    assert key.startswith(f"{LABELLED_FOLDER}new label/digit-")
    world.aws.calls.reset()
    assert send(ask, "training", DIGIT, name="digit.png", label="new label").json() == {"key": key, "repeated": True}
    versions = world.client("s3").list_object_versions(Bucket=world.bucket, Prefix=key)["Versions"]
    assert len(versions) == 1  # written again it would count as a new image
    other = send(ask, "training", FRESH_DIGITS[1].body, name="digit.png", label="new label").json()
    assert other["key"] != key


def test_another_spelling_of_a_label_goes_into_its_folder(ask: Ask, world: World) -> None:
    for label, digit in zip(("Caf\u00e9", "cafe\u0301", "CAF\u00c9"), FRESH_DIGITS, strict=False):
        assert send(ask, "training", digit.body, name="a.png", label=label).status_code == 200
    assert {key.split("/")[1] for key in world.keys(LABELLED_FOLDER)} == {"Caf\u00e9"}
    assert len(world.keys(LABELLED_FOLDER)) == 3


@pytest.mark.parametrize(
    "label",
    ["", " ", ".", "..", "a/b", "../escaped", "a\\b", "a\x00b", "\u202ecat", "x" * 256, "None of the Above",
     "none of THE above "],
)  # fmt: skip
def test_what_is_no_label_is_refused(ask: Ask, world: World, label: str) -> None:
    answer = send(ask, "training", DIGIT, name="a.png", label=label)
    assert answer.status_code == 422
    assert "label" in answer.text
    assert world.keys() == []


def test_a_label_may_be_any_text_that_names_a_folder(ask: Ask, world: World) -> None:
    for label in ("Größe + 5 %", "日本", "<b>bold</b>".replace("/", ""), "a&b=c?d#e"):
        assert send(ask, "training", DIGIT, name="a.png", label=label).status_code == 200
        assert len(world.keys(f"{LABELLED_FOLDER}{label}/")) == 1


# --- what is no image


@pytest.mark.parametrize("purpose", ["detection", "training"])
@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "an empty file"),
        (b"not an image", "not a readable PNG or JPEG"),
        (DIGIT[: len(DIGIT) // 2], "not a readable PNG or JPEG"),
        (JPEG[: len(JPEG) // 2], "not a readable PNG or JPEG"),
        (FRESH_DIGITS[0].body[:60], "not a readable PNG or JPEG"),
        (ANIMATED, "not a readable PNG or JPEG"),
        (picture("WEBP"), "not a readable PNG or JPEG"),
        (picture("BMP"), "not a readable PNG or JPEG"),
        (picture(size=(63, 64)), "63 x 64 px"),
        (picture(size=(64, 4097)), "64 x 4097 px"),
        (picture(size=(64, 1281)), "the sides differ"),
    ],
    ids=[
        "empty",
        "text",
        "half a png",
        "half a jpeg",
        "a header",
        "animated gif",
        "webp",
        "bmp",
        "small",
        "long",
        "narrow",
    ],
)
def test_what_is_no_usable_image_is_refused_with_the_reason(
    ask: Ask, world: World, purpose: str, body: bytes, why: str
) -> None:
    answer = send(ask, purpose, body, name="good.png", label="cat")
    assert answer.status_code == 422
    assert why in answer.text
    assert world.keys() == []
    # beside it, a good one goes through
    assert send(ask, purpose, DIGIT, name="good.png", label="cat").status_code == 200


def test_a_renamed_image_is_filed_as_what_it_is(ask: Ask, world: World) -> None:
    assert send(ask, "detection", picture("JPEG"), name="really.png").json()["key"].endswith(".jpg")
    key = send(ask, "detection", picture("PNG"), name="invoice.pdf").json()["key"]
    assert key.endswith(".png")
    assert world.client("s3").head_object(Bucket=world.bucket, Key=key)["ContentType"] == "image/png"


@pytest.mark.parametrize("size", [LIMIT, LIMIT + 1])
def test_the_largest_file_is_15_megabytes(ask: Ask, world: World, size: int) -> None:
    body = picture()
    body += b"\x00" * (size - len(body))  # what follows the image's end is nobody's concern
    answer = send(ask, "detection", body, name="a.png")
    assert answer.status_code == (200 if size == LIMIT else 413)
    assert len(world.keys()) == (size == LIMIT)


def test_a_body_of_untold_length_is_not_read_beyond_the_limit(ask: Ask, world: World) -> None:
    def endless() -> Iterator[bytes]:
        yield picture()
        for _ in range(64):
            yield b"\x00" * 1024 * 1024

    answer = send(ask, "detection", endless(), name="a.png")
    assert answer.status_code == 413
    assert world.keys() == []


@pytest.mark.parametrize("length", [str(LIMIT + 1), "9" * 30])
async def test_a_length_beyond_the_limit_is_refused_unread(length: str) -> None:
    async def receive() -> Any:
        raise AssertionError("it was read")

    scope = {"type": "http", "headers": [(b"content-length", length.encode())]}
    with upload_room.UploadRoom().admit("a") as place, pytest.raises(HTTPException) as caught:
        await place.read(Request(scope, receive))
    assert caught.value.status_code == 413


async def test_an_upload_that_breaks_off_is_told() -> None:
    async def receive() -> Any:
        return {"type": "http.disconnect"}

    room = upload_room.UploadRoom()
    with room.admit("a") as place, pytest.raises(HTTPException) as caught:
        await place.read(Request({"type": "http", "headers": []}, receive))
    assert caught.value.status_code == 408


@pytest.mark.parametrize(("bound", "most"), [("MOST_BYTES", 10), ("MOST_PER_USER", 0)])
def test_more_than_there_is_room_for_is_told_to_come_again(
    ask: Ask, world: World, monkeypatch: pytest.MonkeyPatch, bound: str, most: int
) -> None:
    monkeypatch.setattr(upload_room, bound, most)
    told = send(ask, "detection", DIGIT, name="a.png")
    assert told.status_code == 503
    assert "AWS" not in told.text
    assert upload._room.held_bytes == 0
    monkeypatch.undo()
    assert send(ask, "detection", DIGIT, name="a.png").status_code == 200


def test_a_decoder_that_is_not_there_is_not_the_images_fault(
    ask: Ask, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(body: bytes) -> None:
        raise DecoderUnavailableError("ended with 1")

    monkeypatch.setattr(upload, "inspect_image", fail)
    answer = send(ask, "detection", DIGIT, name="a.png")
    assert (answer.status_code, world.keys()) == (503, [])
    assert "The image could not be checked" in answer.text


@pytest.mark.parametrize(
    "name",
    ["", "../../images_labeled_by_folder/cat/x.png", "/etc/passwd", "C:\\x\\a.png", "a\x00\n\u202e.png", "x" * 900,
     "<script>alert(1)</script>.png", "ü+%20&=.png", "..", ".png"],
)  # fmt: skip
def test_no_name_leaves_its_folder(ask: Ask, world: World, name: str) -> None:
    for purpose, folder in (("detection", UPLOADS_FOLDER), ("training", f"{LABELLED_FOLDER}cat/")):
        answer = send(ask, purpose, DIGIT, name=name, label="cat")
        assert answer.status_code == 200
        rest = answer.json()["key"].removeprefix(folder)
        assert "/" not in rest
        assert rest.isprintable()
        assert len(rest.encode()) < 256
    assert len(world.keys()) == 2


def test_a_failure_of_s3_is_told_and_says_nothing_of_the_inside(ask: Ask, world: World) -> None:
    world.fault("s3", "PutObject", code="AccessDenied", status=403)
    answer = send(ask, "detection", DIGIT, name="a.png")
    assert answer.status_code == 502
    assert "AccessDenied" in answer.text
    assert world.bucket not in answer.text
