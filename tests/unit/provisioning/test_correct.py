"""The command that corrects a label."""

import json

import pytest

from label_loop.cli import main
from label_loop.domain.label_history import LabelEntry
from label_loop.domain.labelling import shown_people
from label_loop.payloads import LABELLED_FOLDER, NONE_FOLDER, NONE_OF_THE_ABOVE, LabelSource

CAT, DOG = (f"{LABELLED_FOLDER}{label}/1.png" for label in ("cat", "dog"))


@pytest.fixture
def record(run, client):
    values, _ = run(labels=("cat", "dog"))
    client("s3").put_object(Bucket=values["s3_bucket"], Key=CAT, Body=b"x")
    return values


def keys(client, record):
    found = client("s3").list_objects_v2(Bucket=record["s3_bucket"], Prefix="images_").get("Contents", [])
    return [one["Key"] for one in found if one["Size"]]


def test_a_label_is_corrected_and_who_did_it_is_kept(record, client, loop, capsys):
    assert main(["correct", loop.path, CAT, "Dog", "--dry-run"]) == 0
    assert "dry run" in capsys.readouterr().out
    assert keys(client, record) == [CAT]
    for _ in range(2):
        assert main(["correct", loop.path, CAT, "Dog"]) == 0
        assert f"{CAT} is {DOG} now." in capsys.readouterr().out
    assert keys(client, record) == [DOG]
    (item,) = client("dynamodb").scan(TableName=record["labels_table"])["Items"]
    entry = LabelEntry.from_item({name: next(iter(value.values())) for name, value in item.items()})
    assert (entry.label, entry.labelling.source) == ("dog", LabelSource.CORRECTION)
    assert shown_people(entry.labelling.who).startswith("arn:aws:")


def test_the_detection_is_looked_up_in_the_log(record, client, loop, capsys):
    row = {"DetectLabelRequestId": {"S": "an-id"}, "CopiedS3ObjectKey": {"S": CAT}}
    client("dynamodb").put_item(TableName=record["dynamodb_table"], Item=row)
    assert main(["correct", loop.path, "an-id", "--none", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["target"] == f"{NONE_FOLDER}{NONE_OF_THE_ABOVE}/1.png"
    assert keys(client, record) == [told["target"]]


def test_an_image_is_removed(record, client, loop):
    assert main(["correct", loop.path, CAT, "--remove"]) == 0
    assert keys(client, record) == []


def test_a_new_label_needs_the_parameter(record, client, loop, capsys):
    assert main(["correct", loop.path, CAT, "owl"]) == 1
    assert "Review-Allow-New-Labels" in capsys.readouterr().err
    name = loop.parameter("Review-Allow-New-Labels")
    client("ssm").put_parameter(Name=name, Value="true", Overwrite=True)
    assert main(["correct", loop.path, CAT, "owl"]) == 0


@pytest.mark.parametrize("given", [[], ["dog", "--none"], ["--none", "--remove"]])
def test_one_thing_is_to_be_said(loop, given, capsys):
    with pytest.raises(SystemExit):
        main(["correct", loop.path, CAT, *given])
    assert "usage" in capsys.readouterr().err
