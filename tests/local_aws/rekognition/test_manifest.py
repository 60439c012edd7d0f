"""What is wrong in a manifest, line by line and as a whole, in AWS's codes."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.local_aws.rekognition.fakes import BUCKET, line, manifest, plain, shape_picture

from local_aws.rekognition import dataset
from local_aws.rekognition.dataset import Example, load_dataset, split
from local_aws.rekognition.images import read_pixels
from local_aws.rekognition.manifest import ManifestLine, read_lines
from local_aws.rekognition.trainer import train
from local_aws.rekognition.workfolder import MANIFEST_SUMMARY, TRAINING_VALIDATION, Job, Result, WorkFolder

Row = Mapping[str, Any] | str


def without(row: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != key}


GOOD = line("a b+ü%.png", "disc")


@pytest.mark.parametrize(
    ("row", "codes"),
    [
        (GOOD, []),
        (GOOD | {"job-name": "kept"}, []),
        (json.dumps(GOOD) + "\r", []),
        ("", ["ERROR_INVALID_JSON_LINE"]),
        ("{", ["ERROR_INVALID_JSON_LINE"]),
        ("[1]", ["ERROR_INVALID_JSON_LINE"]),
        (without(GOOD, "source-ref"), ["ERROR_MISSING_SOURCE_REF"]),
        (GOOD | {"source-ref": "images/a.png"}, ["ERROR_INVALID_SOURCE_REF_FORMAT"]),
        (GOOD | {"source-ref": "s3://bucket-only"}, ["ERROR_INVALID_SOURCE_REF_FORMAT"]),
        (GOOD | {"source-ref": 7}, ["ERROR_INVALID_SOURCE_REF_FORMAT"]),
        (GOOD | {"source-ref": "s3://pictures/\ud800"}, ["ERROR_INVALID_SOURCE_REF_FORMAT"]),
        ({"source-ref": "s3://pictures/a"}, ["ERROR_NO_LABEL_ATTRIBUTES"]),
        (
            GOOD | {"kind": "disc"},
            ["ERROR_INVALID_LABEL_ATTRIBUTE_FORMAT", "ERROR_NO_VALID_LABEL_ATTRIBUTES"],
        ),
        (
            without(GOOD, "kind-metadata"),
            ["ERROR_INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT", "ERROR_NO_VALID_LABEL_ATTRIBUTES"],
        ),
        (
            line("a", "disc", confidence="high"),
            ["ERROR_INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT", "ERROR_NO_VALID_LABEL_ATTRIBUTES"],
        ),
        (line("a", ""), ["ERROR_INVALID_LABEL_NAME_LENGTH", "ERROR_NO_VALID_LABEL_ATTRIBUTES"]),
        (
            line("a", "disc", type="groundtruth/object-detection"),
            ["ERROR_UNSUPPORTED_USE_CASE_TYPE", "ERROR_NO_VALID_LABEL_ATTRIBUTES"],
        ),
        (line("a", "disc", confidence=0), ["ERROR_NO_VALID_LABEL_ATTRIBUTES"]),
    ],
)
def test_a_line_is_read_or_its_errors_named(row: Row, codes: list[str]) -> None:
    (read,) = read_lines((row if isinstance(row, str) else json.dumps(row)) or "\n" + json.dumps(GOOD))[:1]
    assert read.codes == codes
    if not codes:
        assert (read.bucket, read.key, read.labels) == (BUCKET, "a b+ü%.png", ("disc",))


def test_an_image_may_have_several_labels() -> None:
    metadata = GOOD["kind-metadata"]
    row = GOOD | {"colour": 2, "colour-metadata": metadata | {"class-name": "yellow"}}
    row |= {"size": 0, "size-metadata": metadata | {"class-name": "big", "confidence": 0}}
    assert read_lines(json.dumps(row))[0].labels == ("disc", "yellow")


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., tuple[Result, dict[str, Any], WorkFolder]]:
    """Run the training step by itself and give its result and manifest summary."""

    def run(
        rows: list[Row], images: Mapping[str, bytes], testing: list[Row] | None = None
    ) -> tuple[Result, dict[str, Any], WorkFolder]:
        folder = WorkFolder(tmp_path / "job")
        folder.create()
        folder.write_job(Job("logos", "v1", "arn"))
        folder.training_manifest.write_bytes(manifest(rows))
        if testing is not None:
            folder.testing_manifest.write_bytes(manifest(testing))
        for key, body in images.items():
            folder.image(BUCKET, key).write_bytes(body)
        result = train(folder)
        name = result.files.get(MANIFEST_SUMMARY)
        return result, json.loads((folder.output / name).read_text()) if name else {}, folder

    return run


def good_set(count: int = 5, labels: tuple[str, ...] = ("disc", "square")) -> tuple[list[Row], dict[str, bytes]]:
    pictures = {f"{label}{n}": shape_picture(label, n) for n in range(count) for label in labels}
    return [line(key, key.rstrip("0123456789")) for key in pictures], pictures


def codes_of(errors: list[dict[str, str]]) -> list[str]:
    assert all(error["message"] for error in errors)
    return [error["code"] for error in errors]


def test_a_few_bad_lines_are_left_out_and_reported(run: Callable[..., Any]) -> None:
    rows, images = good_set(10)
    bad = {"small": plain((64, 40)), "long": plain((64, 1400)), "text": b"no image"}
    rows[3:3] = [line(key, "disc") for key in bad]
    result, summary, folder = run([*rows, line("missing", "square")], images | bad)
    assert result.succeeded
    statistics = summary["statistics"]["training"]
    assert statistics["error_json_line_indices"] == [4, 5, 6, 24]
    assert (statistics["total_json_lines"], statistics["valid_json_lines"]) == (24, 20)
    assert statistics["invalid_json_lines"] == 4
    assert statistics["use_case"] == "IMAGE_LEVEL_LABELS"
    written = (folder.output / result.files[TRAINING_VALIDATION]).read_text().splitlines()
    errors = {number: json.loads(row).get("errors") for number, row in enumerate(written, 1)}
    assert [codes_of(errors[number])[0] for number in (4, 5, 6, 24)] == [
        "ERROR_INVALID_IMAGE_DIMENSION",
        "ERROR_INVALID_IMAGE_DIMENSION",
        "ERROR_INVALID_IMAGE",
        "ERROR_INVALID_IMAGE",
    ]
    assert sum(bool(found) for found in errors.values()) == 4


@pytest.mark.parametrize(("missing", "succeeds"), [(2, True), (3, False)])
def test_more_than_a_fifth_invalid_lines_end_the_training(
    run: Callable[..., Any], missing: int, succeeds: bool
) -> None:
    rows, images = good_set(5)
    for number in range(missing):
        rows[number] = line("missing", "disc")
    result, summary, _ = run(rows, images)
    code = "ERROR_TOO_MANY_INVALID_ROWS_IN_MANIFEST"
    assert (result.succeeded, code in result.message) == (succeeds, not succeeds)
    assert (code in codes_of(summary["statistics"]["training"]["errors"])) is not succeeds


def test_one_label_is_too_few(run: Callable[..., Any]) -> None:
    result, summary, _ = run(*good_set(labels=("disc",)))
    assert not result.succeeded
    assert codes_of(summary["statistics"]["training"]["errors"]) == ["ERROR_MANIFEST_TOO_FEW_LABELS"]


def test_one_usable_label_is_too_few(run: Callable[..., Any]) -> None:
    rows, images = good_set(8, ("disc",))
    result, summary, _ = run([*rows, line("missing", "square")], images)
    assert "ERROR_MANIFEST_TOO_FEW_USABLE_LABELS" in result.message
    assert codes_of(summary["statistics"]["training"]["errors"]) == ["ERROR_MANIFEST_TOO_FEW_USABLE_LABELS"]


def test_more_than_250_labels_are_too_many(run: Callable[..., Any]) -> None:
    rows: list[Row] = [line("one", f"label {number // 2}") for number in range(502)]
    assert "ERROR_MANIFEST_TOO_MANY_LABELS" in run(rows, {"one": plain()})[0].message


def test_images_of_two_buckets_are_refused(run: Callable[..., Any]) -> None:
    rows, images = good_set(10)
    result, summary, _ = run([*rows, line("disc0", "disc", bucket="other-bucket")], images)
    assert codes_of(summary["statistics"]["training"]["errors"]) == ["ERROR_IMAGES_IN_MULTIPLE_S3_BUCKETS"]
    assert not result.succeeded


def test_a_label_with_one_image_cannot_be_split(run: Callable[..., Any]) -> None:
    rows, images = good_set()
    images["ring"] = shape_picture("disc", 77)
    result, summary, _ = run([*rows, line("ring", "ring")], images)
    code = "ERROR_INSUFFICIENT_IMAGES_PER_LABEL_FOR_AUTOSPLIT"
    assert code in result.message
    assert codes_of(summary["statistics"]["training"]["errors"]) == [code]


def test_a_test_set_of_other_labels_is_refused(run: Callable[..., Any]) -> None:
    rows, images = good_set(labels=("disc", "square", "ring"))
    testing, more = good_set(labels=("cat", "dog"))
    testing.append(line("disc0", "disc"))
    result, summary, _ = run(rows, images | more, testing)
    assert "ERROR_INSUFFICIENT_LABEL_OVERLAP" in result.message
    assert codes_of(summary["errors"]) == ["ERROR_INSUFFICIENT_LABEL_OVERLAP"]
    assert set(summary["statistics"]) == {"training", "testing"}


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ([], "ERROR_MANIFEST_IS_EMPTY"),
        (["label,image", "cat,1.png"], "ERROR_MANIFEST_INACCESSIBLE_OR_UNSUPPORTED_FORMAT"),
    ],
)
def test_a_file_that_is_no_manifest_has_no_summary(run: Callable[..., Any], rows: list[str], code: str) -> None:
    result, summary, _ = run(rows, {})
    assert code in result.message
    assert (result.succeeded, summary, result.files) == (False, {}, {})


@pytest.mark.parametrize(
    ("limit", "code"),
    [("MAX_MANIFEST_BYTES", "ERROR_MANIFEST_SIZE_TOO_LARGE"), ("MAX_LINES", "ERROR_MANIFEST_ROWS_EXCEEDS_MAXIMUM")],
)
def test_a_manifest_that_is_too_large_ends_the_training(
    run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, limit: str, code: str
) -> None:
    rows, images = good_set(3)
    monkeypatch.setattr(dataset, limit, {"MAX_MANIFEST_BYTES": len(manifest(rows)), "MAX_LINES": len(rows)}[limit])
    assert load_dataset(manifest(rows).decode(), lambda _bucket, key: images[key]).codes == []
    result, summary, _ = run([*rows, rows[0]], images)
    assert code in result.message
    assert (result.succeeded, summary) == (False, {})


def test_blank_lines_inside_count_but_not_at_the_end() -> None:
    text = f"{json.dumps(GOOD)}\n\n{json.dumps(GOOD)}\n\n"
    dataset = load_dataset(text, lambda _bucket, _key: plain())
    assert [bool(found.codes) for found in dataset.lines] == [False, True, False]


def test_the_split_is_a_fifth_a_label_and_always_the_same() -> None:
    pixels = read_pixels(plain())
    examples = [
        Example(ManifestLine(n, "", {}, BUCKET, f"{label}/{n}", (label,)), pixels)
        for label, count in (("many", 50), ("few", 2), ("some", 7))
        for n in range(count)
    ]
    training, testing = split(examples)
    counts = {label: sum(e.line.labels[0] == label for e in testing) for label in ("many", "few", "some")}
    assert counts == {"many": 10, "few": 1, "some": 1}
    assert len(training) + len(testing) == len(examples)
    again = split(list(reversed(examples)))[1]
    assert {e.line.source_ref for e in again} == {e.line.source_ref for e in testing}
