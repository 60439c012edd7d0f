"""Detections: each is found, says why it was accepted or not, and a page reads little whatever there is."""

import html
import io
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from PIL import Image
from tests.integration.pictures import png
from tests.integration.world import World

from label_loop.domain.log_row import LogRow
from label_loop.payloads import S3Upload

ARN = "arn:aws:rekognition:eu-west-1:123456789012:project/p/version/{}/1763888400000"
NEWEST = datetime(2026, 11, 25, 12, tzinfo=UTC)
HOSTILE = "\"><script>alert(1)</script>'&.png"

type Ask = Callable[..., Any]


def item(n: int, **more: Any) -> dict[str, Any]:
    """Return the n-th newest detection of a log."""
    return {
        "DetectLabelRequestId": f"id-{n}",
        "DetectLabelDate": (NEWEST - timedelta(minutes=n)).isoformat(timespec="microseconds"),
        "S3Bucket": "b",
        "S3ObjectKey": f"images_for_detection/{n}.png",
        "ProjectVersionArn": ARN.format("v1"),
        "DetectedLabel": "cat",
        "DetectedConfidenceLevel": Decimal("62.5"),
        "MinimumConfidenceLevel": Decimal(70),
        "A2IEnabled": True,
        **more,
    }


def write(world: World, *items: dict[str, Any]) -> None:
    world.add_items("dynamodb_table", [LogRow.from_item(one).to_item() for one in items])


def names(text: str) -> list[str]:
    return [html.unescape(name) for name in re.findall(r'/detections/[^"]*">([^<]*)</a>\n', text)]


def page(ask: Ask, **query: Any) -> str:
    answer = ask("viewer", "GET", f"detections?{urlencode(query)}" if query else "detections")
    assert answer.status_code == 200, answer.text
    return str(answer.text)


def test_a_viewer_sees_them_and_nobody_else(ask: Ask, world: World) -> None:
    write(world, item(1))
    for path in ("detections", "detections/rows", "detections/id-1", "detections/of?key=images_for_detection/1.png"):
        assert ask(None, "GET", path).status_code == 401
        assert ask("viewer", "GET", path).status_code in {200, 404}
    assert "No detections yet" not in page(ask)


def test_an_empty_log_says_what_to_do(ask: Ask, world: World) -> None:
    assert "images_for_detection/" in page(ask)


def test_all_are_shown_newest_first_in_pages(ask: Ask, world: World) -> None:
    parts = ({}, {"Sampled": "Yes"}, {"Failure": "X: unreadable"})
    write(world, *(item(n, **parts[n % 3]) for n in range(120)))
    text, found = page(ask), []
    while True:
        found += names(text)
        older = re.search(r'href="([^"]*after=[^"]*)">Older', text)
        if not older:
            break
        path = html.unescape(older[1]).partition("/detections?")[2]
        text = ask("viewer", "GET", f"detections?{path}").text
    assert found == [f"{n}.png" for n in range(120)]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"name": "3.p"}, [3]),
        ({"label": "DOG"}, [1]),
        ({"label": "None of the Above"}, [5]),
        ({"human": "cow"}, [4]),
        ({"low": 90}, [2]),
        ({"high": 10}, [5, 6]),
        ({"version": "v2"}, [3]),
        ({"outcome": "failed"}, [6]),
        ({"outcome": "accepted"}, [2]),
        ({"outcome": "reviewed"}, [4]),
        ({"sampled": "true"}, [4]),
        ({"from": "2026-11-24", "to": "2026-11-24"}, [7]),
        ({"label": "cat", "version": "v1", "outcome": "not accepted", "from": "2026-11-25"}, [0]),
        ({"label": "horse"}, []),
    ],
)
def test_each_filter(ask: Ask, world: World, query: dict[str, Any], expected: list[int]) -> None:
    write(
        world,
        item(0),
        item(1, DetectedLabel="dog"),
        item(2, DetectedConfidenceLevel=Decimal(95)),
        item(3, ProjectVersionArn=ARN.format("v2")),
        item(4, Sampled="Yes", HumanLabel="cow"),
        item(5, DetectedLabel="", DetectedConfidenceLevel=Decimal(0)),
        item(6, Failure="X: unreadable", DetectedLabel="", DetectedConfidenceLevel=Decimal(0)),
        item(7, DetectLabelDate="2026-11-24T23:59:59.000000+00:00"),
    )
    assert names(page(ask, **query)) == [f"{n}.png" for n in expected]
    found = ask("viewer", "GET", f"detections/rows?{urlencode(query)}").json()
    assert [one["detection"] for one in found["detections"]] == [f"id-{n}" for n in expected]
    assert found["after"] is None


def test_a_form_s_empty_fields_are_not_in_the_address(ask: Ask, world: World) -> None:
    answer = ask("viewer", "GET", "detections?name=&label=cat&outcome=&sampled=&low=0&high=100&from=&to=&version=")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/label-loop/pages/detections?label=cat"


@pytest.mark.parametrize(
    "query", ["low=-1", "low=60&high=50", "outcome=x", "from=2026-13-01", "from=2026-11-02&to=2026-11-01", "after=x"]
)
def test_a_senseless_filter_is_refused(ask: Ask, world: World, query: str) -> None:
    assert ask("viewer", "GET", f"detections?{query}").status_code == 422


def test_a_search_for_few_says_how_far_it_looked_and_goes_on(ask: Ask, world: World) -> None:
    write(world, *(item(n) for n in range(600)), item(600, DetectedLabel="dog"))
    text = page(ask, label="dog")
    assert names(text) == []
    assert "500 detections were looked at, down to 2026-11-25 03:41 UTC" in text
    first = ask("viewer", "GET", "detections/rows?label=dog").json()
    assert (first["detections"], first["searched"]) == ([], 500)
    second = ask("viewer", "GET", f"detections/rows?{urlencode({'label': 'dog', 'after': first['after']})}").json()
    assert [one["detection"] for one in second["detections"]] == ["id-600"]


def test_a_page_takes_few_calls_and_reads_few_rows(ask: Ask, world: World) -> None:
    write(world, *(item(n, **({"Sampled": "Yes"} if n % 10 == 0 else {})) for n in range(900)))
    page(ask)
    assert sum(world.calls(lambda: page(ask)).values()) <= 6
    assert sum(world.calls(lambda: page(ask, label="dog")).values()) <= 12


def test_a_whole_name_is_found_at_once_wherever_it_is(ask: Ask, world: World) -> None:
    key = "images_for_detection/needle.png"
    put = world.client("s3").put_object(Bucket=world.bucket, Key=key, Body=png(1))
    upload = S3Upload(world.bucket, key, put["ETag"].strip('"'), put.get("VersionId"))
    old = item(9000, S3ObjectKey=key, DetectLabelRequestId=upload.detection_id)
    write(world, old, *(item(n) for n in range(510)))
    assert names(page(ask, name="needle.png")) == ["needle.png"]
    answer = ask("viewer", "GET", f"detections/of?key={quote(key)}")
    assert answer.json()["detection"] == upload.detection_id
    assert ask("viewer", "GET", "detections/of?key=images_for_detection/none.png").status_code == 404
    assert ask("viewer", "GET", "detections/of?key=manifests/x").status_code == 404


def test_one_detection_says_why_and_shows_its_image(ask: Ask, world: World) -> None:
    key = f"images_for_detection/{HOSTILE}"
    put = world.client("s3").put_object(Bucket=world.bucket, Key=key, Body=png(2))
    others = [["dog", Decimal("31.25")]]
    where = {"S3Bucket": world.bucket, "S3ObjectKey": key, "S3ObjectVersionId": put["VersionId"]}
    write(world, item(1, OtherLabels=others, **where))
    text = ask("viewer", "GET", "detections/id-1").text
    assert "62.5 % cat; then 31.2 % dog: less than the 70 % needed" in text
    assert "<script>alert" not in text + page(ask)
    image = ask("viewer", "GET", "detections/id-1/image")
    assert (image.content, image.headers["content-type"]) == (png(2), "image/png")
    assert ask("viewer", "GET", "detections/id-2").status_code == 404
    assert ask("viewer", "GET", "detections/id-2/image").status_code == 404


def test_a_thumbnail_is_made_once_and_kept(ask: Ask, world: World) -> None:
    key = "images_for_detection/large.png"
    body = png(3, side=2000)
    put = world.client("s3").put_object(Bucket=world.bucket, Key=key, Body=body)
    where = {"S3Bucket": world.bucket, "S3ObjectKey": key, "S3ObjectEtag": put["ETag"].strip('"')}
    write(world, item(1, **where, S3ObjectVersionId=put["VersionId"]), item(2, **{**where, "S3ObjectEtag": "other"}))
    first = ask("viewer", "GET", "detections/id-1/thumbnail")
    with Image.open(io.BytesIO(first.content)) as small:
        assert (small.format, small.size) == ("JPEG", (256, 256))
    with_kept = world.calls(lambda: ask("viewer", "GET", "detections/id-1/thumbnail"))
    assert with_kept["s3.GetObject"] == 1
    assert "s3.PutObject" not in with_kept
    assert ask("viewer", "GET", "detections/id-2/thumbnail").status_code == 409  # it was replaced


@pytest.mark.parametrize("body", [b"", b"<script>alert(1)</script>", png(4)[:200]])
def test_what_is_no_image_has_no_thumbnail(ask: Ask, world: World, body: bytes) -> None:
    key = "images_for_detection/x.png"
    put = world.client("s3").put_object(Bucket=world.bucket, Key=key, Body=body)
    etag = put["ETag"].strip('"')
    write(world, item(1, S3Bucket=world.bucket, S3ObjectKey=key, S3ObjectEtag=etag), item(2))
    assert ask("viewer", "GET", "detections/id-1/thumbnail").status_code == 415
    assert ask("viewer", "GET", "detections/id-2/thumbnail").status_code == 404  # in another bucket


def test_an_index_of_keys_only_is_read_too(ask: Ask, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from label_loop.hooks import log_reader

    monkeypatch.setattr(log_reader, "_PROJECTED", "NotProjected")
    write(world, *(item(n) for n in range(60)))
    assert names(page(ask)) == [f"{n}.png" for n in range(50)]
