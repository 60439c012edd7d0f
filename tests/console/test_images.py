"""Images: each labelled one is found by its label, and a page is one call whatever there is."""

import html
import io
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from PIL import Image
from tests.integration.pictures import png
from tests.integration.world import World

HOSTILE = "\"><script>alert(1)</script>'&+ %25.png"

type Ask = Callable[..., Any]


def put(world: World, *keys: str) -> None:
    for key in keys:
        world.client("s3").put_object(Bucket=world.bucket, Key=key, Body=png(1))


def page(ask: Ask, **query: Any) -> str:
    answer = ask("viewer", "GET", f"images?{urlencode(query)}" if query else "images")
    assert answer.status_code == 200, answer.text
    return str(answer.text)


def names(text: str) -> list[str]:
    return [html.unescape(name) for name in re.findall(r'<span class="name">(.*?)</span>', text)]


def cats(count: int, folder: str = "images_labeled_by_folder/cat/") -> list[str]:
    return [f"{folder}{n:03}.png" for n in range(count)]


def test_a_viewer_sees_them_and_nobody_else(ask: Ask, world: World) -> None:
    put(world, *cats(1))
    for path in ("images", f"images/one?key={quote(cats(1)[0])}", f"images/image?key={quote(cats(1)[0])}"):
        assert ask(None, "GET", path).status_code == 401
        assert ask("viewer", "GET", path).status_code == 200


def test_all_are_shown_in_pages(ask: Ask, world: World) -> None:
    put(world, *cats(70), *cats(5, "images_labeled_by_folder/dog/"))
    text = page(ask)
    assert names(text) == [f"{n:03}.png" for n in range(60)]
    more = re.search(r'href="[^"]*/images\?([^"]*after=[^"]*)"', text)
    assert more
    text = ask("viewer", "GET", f"images?{html.unescape(more[1])}").text
    assert names(text) == [*(f"{n:03}.png" for n in range(60, 70)), *(f"{n:03}.png" for n in range(5))]
    assert "More images" not in text


def test_a_label_and_the_beginning_of_a_name(ask: Ask, world: World) -> None:
    put(world, *cats(3), "images_labeled_by_folder/dog/a.png", "images_labeled_by_folder/dog/b.png")
    assert names(page(ask, label="dog")) == ["a.png", "b.png"]
    assert names(page(ask, label="dog", name="b")) == ["b.png"]
    assert names(page(ask, label="horse")) == []


def test_folders_of_one_label_are_shown_together(ask: Ask, world: World) -> None:
    put(world, *cats(59, "images_labeled_by_folder/Cat/"), *cats(3))
    text = page(ask, label="Cat")
    assert len(names(text)) == 60
    more = re.search(r'href="[^"]*/images\?([^"]*after=[^"]*)"', text)
    assert more
    assert names(ask("viewer", "GET", f"images?{html.unescape(more[1])}").text) == ["001.png", "002.png"]


@pytest.mark.parametrize(
    ("use", "key"),
    [
        ("test", "images_for_testing/cat/t.png"),
        ("gold", "images_for_gold/cat/g.png"),
        ("none", "images_none_of_the_above/None of the Above/n.png"),
    ],
)
def test_what_does_not_train_is_apart(ask: Ask, world: World, use: str, key: str) -> None:
    put(world, *cats(2), key)
    assert names(page(ask, use=use)) == [key.rpartition("/")[2]]
    assert "is skipped" not in page(ask, use=use)
    one = ask("viewer", "GET", f"images/one?key={quote(key)}")
    assert (one.status_code, key.split("/")[1] in one.text) == (200, True)


def test_a_label_that_a_correction_made_is_offered_at_once(ask: Ask, world: World) -> None:
    put(world, *cats(2))
    world.set_variable("Review-Allow-New-Labels", "true")
    assert names(page(ask, label="cat")) == ["000.png", "001.png"]
    corrected = ask("op", "POST", "labels/correct", json={"image": cats(2)[1], "label": "lynx"})
    assert corrected.status_code == 200, corrected.text
    assert names(page(ask, label="lynx")) == ["001.png"]


def test_an_empty_folder_says_what_to_do(ask: Ask, world: World) -> None:
    assert "images_labeled_by_folder/&lt;label&gt;/" in page(ask)


def test_a_page_of_many_images_is_few_calls(ask: Ask, world: World) -> None:
    put(world, *cats(150))
    page(ask)
    assert sum(world.calls(lambda: page(ask)).values()) <= 4
    assert sum(world.calls(lambda: page(ask, label="cat")).values()) <= 4


def test_hostile_keys_and_labels_stay_text(ask: Ask, world: World) -> None:
    key = f"images_labeled_by_folder/<b>{HOSTILE[:20].replace('/', '')}/{HOSTILE.replace('/', '')}"
    put(world, key, "images_labeled_by_folder/cat /x.png")
    text = page(ask)
    assert "<script>alert" not in text
    assert "images_labeled_by_folder/cat / is skipped" in text
    assert ask("viewer", "GET", f"images/one?key={quote(key)}").status_code == 200
    sources = re.findall(r'src="/label-loop/pages/(images/thumbnail[^"]*)"', text)
    (source,) = [source for source in sources if "%3Cb" in source]
    small = ask("viewer", "GET", html.unescape(source))
    with Image.open(io.BytesIO(small.content)) as image:
        assert image.format == "JPEG"


@pytest.mark.parametrize(
    "key", ["manifests/x.manifest", "images_for_detection/a.png", "images_labeled_by_folder/a.png"]
)
def test_what_is_no_labelled_image_is_not_shown(ask: Ask, world: World, key: str) -> None:
    put(world, key)
    for path in ("images/one", "images/image"):
        assert ask("viewer", "GET", f"{path}?key={quote(key)}").status_code == 404
    assert ask("viewer", "GET", f"images/thumbnail?key={quote(key)}&etag=x").status_code == 404


def test_a_gone_image_is_told(ask: Ask, world: World) -> None:
    answer = ask("viewer", "GET", f"images/one?key={quote(cats(1)[0])}")
    assert (answer.status_code, answer.json()["detail"]) == (404, "The image was deleted from S3.")
