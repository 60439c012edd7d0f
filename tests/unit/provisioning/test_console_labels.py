"""Labels given in the AWS console are shown, and taken over by one command."""

import json

import pytest

from label_loop.cli import main
from label_loop.domain.manifest import line
from label_loop.payloads import CONSOLE_FOLDER, LABELLED_FOLDER, TEST_FOLDER, UPLOADS_FOLDER, LabelledImage

IMAGES = {
    f"{LABELLED_FOLDER}cat/a.png": "dog",
    f"{TEST_FOLDER}cat/t.png": "dog",
    f"{UPLOADS_FOLDER}ann/u.png": "owl",
}


@pytest.fixture
def bucket(run, client):
    values, _ = run(labels=("cat", "dog"))
    name, s3 = values["s3_bucket"], client("s3")
    for key in IMAGES:
        s3.put_object(Bucket=name, Key=key, Body=key.encode())
    lines = [line(name, LabelledImage(key, label, "2026")) for key, label in IMAGES.items()]
    odd = [
        line(name, LabelledImage("elsewhere/x.png", "dog", "2026")),
        line("other-bucket", LabelledImage(f"{LABELLED_FOLDER}cat/a.png", "dog", "2026")),
        line(name, LabelledImage(f"{LABELLED_FOLDER}cat/a.png", " dog", "2026")),
        line(name, LabelledImage(f"{LABELLED_FOLDER}cat/gone.png", "dog", "2026")),
        json.dumps({"source-ref": f"s3://{name}/{LABELLED_FOLDER}cat/a.png"}),
        "no JSON",
    ]
    body = "\n".join([*lines, *odd]).encode()
    s3.put_object(Bucket=name, Key=f"{CONSOLE_FOLDER}train-1.manifest", Body=body)
    return name


def keys(client, bucket, prefix):
    found = client("s3").list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
    return sorted(one["Key"] for one in found if one["Size"])


def test_they_are_shown_with_the_reason_of_each_that_cannot_count(bucket, client, loop, capsys):
    before = keys(client, bucket, "images")
    assert main(["console-labels", loop.path]) == 0
    shown = capsys.readouterr().out
    for part in ("9 label(s)", "--take-over", "not in one of the loop's folders", "a label must not begin", "no label"):
        assert part in shown
    assert keys(client, bucket, "images") == before


def test_one_command_takes_them_over_and_repeating_it_does_nothing(bucket, client, loop, capsys):
    assert main(["console-labels", loop.path, "--take-over"]) == 0
    shown = capsys.readouterr().out
    assert "(moved)" in shown
    assert "(copied)" in shown
    assert "(the image was deleted from S3)" in shown
    after = keys(client, bucket, "images")
    (owl,) = [key for key in after if key.startswith(f"{LABELLED_FOLDER}owl/")]
    assert after == sorted(
        [f"{LABELLED_FOLDER}dog/a.png", owl, f"{TEST_FOLDER}dog/t.png", f"{UPLOADS_FOLDER}ann/u.png"]
    )
    assert client("s3").get_object(Bucket=bucket, Key=owl)["Body"].read() == f"{UPLOADS_FOLDER}ann/u.png".encode()
    assert main(["console-labels", loop.path, "--take-over"]) == 0
    assert keys(client, bucket, "images") == after


def test_a_dry_run_moves_nothing_and_a_loop_without_any_says_so(bucket, client, loop, capsys):
    before = keys(client, bucket, "images")
    assert main(["console-labels", loop.path, "--take-over", "--dry-run", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["labels"]) == 9
    assert keys(client, bucket, "images") == before
    client("s3").delete_object(Bucket=bucket, Key=f"{CONSOLE_FOLDER}train-1.manifest")
    assert main(["console-labels", loop.path]) == 0
    assert "No label(s)" in capsys.readouterr().out
