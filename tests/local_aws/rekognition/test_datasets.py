"""CreateDataset to DeleteDataset: states, entries and refusals, by a clock turned by hand."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from tests.local_aws.rekognition.fakes import BUCKET, Caller, asset, line, manifest

from local_aws.rekognition import dataset_entries
from local_aws.rekognition.dataset import split_by_label

Row = Mapping[str, Any] | str
GOOD = [line(f"{label}/{n}.png", label) for label in ("cat", "dog") for n in range(5)]
UNLABELED = {"source-ref": f"s3://{BUCKET}/new.png"}
ADDED_IN_CONSOLE = UNLABELED | {"cl-metadata": {"is_labeled": False}}


def create(caller: Caller, project: str, rows: Iterable[Row] | None = None, kind: str = "TRAIN") -> str:
    """Create a dataset of rows, or an empty one, and return its ARN while it is being created."""
    source = {}
    if rows is not None:
        caller.s3.put(BUCKET, f"{kind}.manifest", manifest(rows))
        source = {"DatasetSource": asset(f"{kind}.manifest")}
    return str(caller("CreateDataset", ProjectArn=project, DatasetType=kind, **source)["DatasetArn"])


def created(caller: Caller, project: str, rows: Iterable[Row] | None = None, kind: str = "TRAIN") -> str:
    arn = create(caller, project, rows, kind)
    caller.clock.now += 2
    return arn


def update(caller: Caller, arn: str, rows: Iterable[Row]) -> None:
    caller("UpdateDatasetEntries", DatasetArn=arn, Changes={"GroundTruth": manifest(rows)})
    caller.clock.now += 2


def describe(caller: Caller, arn: str) -> dict[str, Any]:
    return dict(caller("DescribeDataset", DatasetArn=arn)["DatasetDescription"])


def listed(caller: Caller, arn: str, **filters: Any) -> list[dict[str, Any]]:
    return [json.loads(row) for row in caller("ListDatasetEntries", DatasetArn=arn, **filters)["DatasetEntries"]]


def keys(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    return [row["source-ref"].removeprefix(f"s3://{BUCKET}/") for row in rows]


def test_a_dataset_is_created_from_a_manifest(caller: Caller) -> None:
    project = caller.project("logos")
    arn = create(caller, project, GOOD)
    assert re.fullmatch(r"arn:aws:rekognition:eu-west-1:123456789012:project/logos/dataset/train/\d{13}", arn)
    assert describe(caller, arn)["Status"] == "CREATE_IN_PROGRESS"
    caller.clock.now += 2
    description = describe(caller, arn)
    assert (description["Status"], description["StatusMessageCode"]) == ("CREATE_COMPLETE", "SUCCESS")
    assert description["DatasetStats"] == {
        "TotalEntries": 10,
        "LabeledEntries": 10,
        "TotalLabels": 2,
        "ErrorEntries": 0,
    }
    assert description["LastUpdatedTimestamp"] > description["CreationTimestamp"]
    (of_project,) = caller("DescribeProjects")["ProjectDescriptions"][0]["Datasets"]
    assert (of_project["DatasetArn"], of_project["DatasetType"]) == (arn, "TRAIN")
    assert (of_project["Status"], of_project["StatusMessage"]) == ("CREATE_COMPLETE", description["StatusMessage"])
    assert listed(caller, arn) == [row | {"cl-metadata": {"is_labeled": True}} for row in GOOD]


def test_lines_in_error_are_left_out_or_listed_with_their_errors(caller: Caller) -> None:
    unlabelled = {"source-ref": f"s3://{BUCKET}/bare.png"}
    wrong = line("wrong.png", "cat", type="groundtruth/unknown")
    left_out = ["{", json.dumps(GOOD[0] | {"note": "again"})]
    arn = created(caller, caller.project(), [*GOOD, unlabelled, wrong, *left_out])
    assert keys(listed(caller, arn)) == [*keys(GOOD), "bare.png", "wrong.png"]
    assert describe(caller, arn)["DatasetStats"] == {
        "TotalEntries": 12,
        "LabeledEntries": 10,
        "TotalLabels": 2,
        "ErrorEntries": 2,
    }
    in_error = listed(caller, arn, HasErrors=True)
    assert [[error["code"] for error in row["errors"]] for row in in_error] == [
        ["ERROR_NO_LABEL_ATTRIBUTES"],
        ["ERROR_UNSUPPORTED_USE_CASE_TYPE", "ERROR_NO_VALID_LABEL_ATTRIBUTES"],
    ]
    assert keys(in_error) == ["bare.png", "wrong.png"]


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ([], "ERROR_MANIFEST_INACCESSIBLE_OR_UNSUPPORTED_FORMAT"),
        (["cat", "dog"], "ERROR_MANIFEST_INACCESSIBLE_OR_UNSUPPORTED_FORMAT"),
        ([*GOOD[:3], "{"], "ERROR_TOO_MANY_RECORDS_IN_ERROR"),
        ([*GOOD[:3], GOOD[0]], "ERROR_TOO_MANY_RECORDS_IN_ERROR"),
        ([*GOOD[:3], GOOD[4] | {"note": "x" * 100_000}], "ERROR_TOO_MANY_RECORDS_IN_ERROR"),
        ([line(f"{n}.png", f"label {n}") for n in range(251)], "ERROR_MANIFEST_TOO_MANY_LABELS"),
    ],
)
def test_a_manifest_that_cannot_be_used_fails_the_creation(caller: Caller, rows: list[Row], code: str) -> None:
    project = caller.project()
    arn = created(caller, project, rows)
    description = describe(caller, arn)
    assert (description["Status"], description["StatusMessageCode"]) == ("CREATE_FAILED", "CLIENT_ERROR")
    assert code in description["StatusMessage"]
    caller.refused("ResourceNotReadyException", "ListDatasetEntries", DatasetArn=arn)
    caller.refused(
        "ResourceInUseException", "UpdateDatasetEntries", DatasetArn=arn, Changes={"GroundTruth": manifest(GOOD)}
    )
    caller("DeleteDataset", DatasetArn=arn)
    caller.clock.now += 2
    assert describe(caller, created(caller, project, GOOD))["Status"] == "CREATE_COMPLETE"


def test_an_update_adds_images_and_replaces_lines(caller: Caller) -> None:
    arn = created(caller, caller.project())
    assert describe(caller, arn)["DatasetStats"]["TotalEntries"] == 0
    update(caller, arn, GOOD)
    assert describe(caller, arn)["Status"] == "UPDATE_COMPLETE"
    update(caller, arn, [line("cat/0.png", "dog"), line("cat/new.png", "cat")])
    assert keys(listed(caller, arn)) == [*keys(GOOD), "cat/new.png"]
    assert keys(listed(caller, arn, ContainsLabels=["dog"])) == ["cat/0.png", *keys(GOOD)[5:]]


def test_what_was_listed_can_be_sent_back(caller: Caller) -> None:
    arn = created(caller, caller.project(), [*GOOD, UNLABELED])
    before = listed(caller, arn)
    update(caller, arn, [row for row in before if "errors" not in row])
    assert listed(caller, arn) == before


def test_a_failed_update_leaves_the_dataset_as_it_was(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    arn = created(caller, caller.project(), GOOD)
    before = listed(caller, arn)
    monkeypatch.setattr(dataset_entries, "MAX_LINES", 11)
    update(caller, arn, [line("cat/10.png", "cat"), line("cat/11.png", "cat")])
    assert describe(caller, arn)["Status"] == "UPDATE_FAILED"
    assert "ERROR_MANIFEST_ROWS_EXCEEDS_MAXIMUM" in describe(caller, arn)["StatusMessage"]
    assert listed(caller, arn) == before
    update(caller, arn, [line("cat/10.png", "cat")])
    assert describe(caller, arn)["Status"] == "UPDATE_COMPLETE"


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"ContainsLabels": ["dog"]}, ["dog/1"]),
        ({"ContainsLabels": ["cat", "dog"]}, ["cat/1", "cat/2", "dog/1"]),
        ({"ContainsLabels": ["fish"]}, []),
        ({"Labeled": True}, ["cat/1", "cat/2", "dog/1"]),
        ({"Labeled": False}, ["bare", "new"]),
        ({"SourceRefContains": "cat/"}, ["cat/1", "cat/2"]),
        ({"HasErrors": True}, ["bare"]),
        ({"HasErrors": False, "Labeled": False, "SourceRefContains": "n"}, ["new"]),
    ],
)
def test_entries_are_filtered(caller: Caller, filters: dict[str, Any], found: list[str]) -> None:
    labelled = [line("cat/1", "cat"), line("cat/2", "cat"), line("dog/1", "dog")]
    bare = {"source-ref": f"s3://{BUCKET}/bare"}
    new = {"source-ref": f"s3://{BUCKET}/new", "cl-metadata": {"is_labeled": False}}
    arn = created(caller, caller.project(), [*labelled, bare, new])
    assert keys(listed(caller, arn, **filters)) == found


@pytest.mark.parametrize(
    ("operation", "member", "of_all"),
    [
        ("ListDatasetEntries", "DatasetEntries", 10),
        ("ListDatasetLabels", "DatasetLabelDescriptions", 2),
    ],
)
def test_lists_come_in_pages(caller: Caller, operation: str, member: str, of_all: int) -> None:
    arn = created(caller, caller.project(), GOOD)
    found, token, pages = [], "", 0
    while token or not pages:
        page = caller(operation, DatasetArn=arn, MaxResults=max(1, of_all // 2 - 1), NextToken=token)
        found += page[member]
        token, pages = page.get("NextToken", ""), pages + 1
    assert pages > 1
    assert found == caller(operation, DatasetArn=arn)[member]
    assert len(found) == of_all
    for wrong in ("made up", "YmVmb3JlOjE="):
        caller.refused("InvalidPaginationTokenException", operation, DatasetArn=arn, NextToken=wrong)


def test_labels_are_listed_with_their_images(caller: Caller) -> None:
    arn = created(caller, caller.project(), [*GOOD, line("dog/more.png", "dog"), UNLABELED])
    labels = caller("ListDatasetLabels", DatasetArn=arn)["DatasetLabelDescriptions"]
    assert [(label["LabelName"], label["LabelStats"]["EntryCount"]) for label in labels] == [("cat", 5), ("dog", 6)]


def test_a_dataset_that_is_being_created_is_not_ready(caller: Caller) -> None:
    project = caller.project()
    arn, other = create(caller, project, GOOD), create(caller, project, kind="TEST")
    changes = {"GroundTruth": manifest(GOOD)}
    both = [{"Arn": arn}, {"Arn": other}]
    caller.refused("ResourceNotReadyException", "ListDatasetEntries", DatasetArn=arn)
    caller.refused("ResourceNotReadyException", "ListDatasetLabels", DatasetArn=arn)
    caller.refused("ResourceNotReadyException", "DistributeDatasetEntries", Datasets=both)
    caller.refused("ResourceInUseException", "UpdateDatasetEntries", DatasetArn=arn, Changes=changes)
    caller.refused("ResourceInUseException", "DeleteDataset", DatasetArn=arn)


def test_a_dataset_that_is_being_updated_or_deleted_is_in_use(caller: Caller) -> None:
    arn = created(caller, caller.project(), GOOD)
    changes = {"GroundTruth": manifest(GOOD)}
    calls: list[tuple[str, dict[str, Any]]] = [
        ("ListDatasetEntries", {}),
        ("ListDatasetLabels", {}),
        ("UpdateDatasetEntries", {"Changes": changes}),
        ("DeleteDataset", {}),
    ]
    for begin, status in ((calls[2], "UPDATE_IN_PROGRESS"), (calls[3], "DELETE_IN_PROGRESS")):
        caller(begin[0], DatasetArn=arn, **begin[1])
        assert describe(caller, arn)["Status"] == status
        for operation, options in calls:
            assert status in caller.refused("ResourceInUseException", operation, DatasetArn=arn, **options)
        caller.clock.now += 2
    caller.refused("ResourceNotFoundException", "DescribeDataset", DatasetArn=arn)


def test_a_fifth_of_each_label_moves_to_the_test_dataset(caller: Caller) -> None:
    project = caller.project()
    training, testing = created(caller, project, [*GOOD, UNLABELED]), created(caller, project, kind="TEST")
    caller("DistributeDatasetEntries", Datasets=[{"Arn": testing}, {"Arn": training}])
    assert {describe(caller, arn)["Status"] for arn in (training, testing)} == {"UPDATE_IN_PROGRESS"}
    caller.clock.now += 2
    assert {describe(caller, arn)["Status"] for arn in (training, testing)} == {"UPDATE_COMPLETE"}
    staying, moved = listed(caller, training), listed(caller, testing)
    assert [row["kind-metadata"]["class-name"] for row in moved] == ["cat", "dog"]
    assert sorted(keys([*staying, *moved])) == sorted(keys([*GOOD, UNLABELED]))
    split = split_by_label(GOOD, lambda row: (row["kind-metadata"]["class-name"], row["source-ref"]))
    assert keys(moved) == keys(split[1])  # as a training without a test set splits them


def test_what_cannot_be_distributed(caller: Caller) -> None:
    project, other = caller.project("a"), caller.project("b")
    training, testing = created(caller, project, GOOD), created(caller, project, GOOD[:5], "TEST")
    elsewhere = created(caller, other, kind="TEST")
    for pair in ((training, training), (training, elsewhere), (training, testing)):
        datasets = [{"Arn": arn} for arn in pair]
        caller.refused("InvalidParameterException", "DistributeDatasetEntries", Datasets=datasets)
    small = created(caller, other, [GOOD[0], *GOOD[5:]])
    caller("DistributeDatasetEntries", Datasets=[{"Arn": small}, {"Arn": elsewhere}])
    caller.clock.now += 2
    for arn, count in ((small, 6), (elsewhere, 0)):
        assert describe(caller, arn)["Status"] == "UPDATE_FAILED"
        assert "ERROR_INSUFFICIENT_IMAGES_PER_LABEL_FOR_DISTRIBUTE" in describe(caller, arn)["StatusMessage"]
        assert len(listed(caller, arn)) == count


def test_a_dataset_is_copied_as_it_is(caller: Caller) -> None:
    original = created(caller, caller.project("a"), GOOD)
    other = caller.project("b")
    source = {"DatasetArn": original}
    copy = caller("CreateDataset", ProjectArn=other, DatasetType="TRAIN", DatasetSource=source)["DatasetArn"]
    caller.clock.now += 2
    update(caller, original, [line("later.png", "cat")])
    assert keys(listed(caller, copy)) == keys(GOOD)
    caller("UpdateDatasetEntries", DatasetArn=original, Changes={"GroundTruth": manifest(GOOD)})
    refusal = {"ProjectArn": other, "DatasetType": "TEST", "DatasetSource": source}
    assert "UPDATE_IN_PROGRESS" in caller.refused("InvalidParameterException", "CreateDataset", **refusal)


def test_what_cannot_be_created(caller: Caller) -> None:
    project = caller.project()
    arn = created(caller, project, GOOD)
    request: dict[str, Any] = {"ProjectArn": project, "DatasetType": "TEST"}
    caller.refused("ResourceAlreadyExistsException", "CreateDataset", **request | {"DatasetType": "TRAIN"})
    missing = asset("none.manifest")
    caller.refused("InvalidS3ObjectException", "CreateDataset", **request, DatasetSource=missing)
    for source in ({}, asset("TRAIN.manifest") | {"DatasetArn": arn}, {"GroundTruthManifest": {}}):
        caller.refused("InvalidParameterException", "CreateDataset", **request, DatasetSource=source)
    caller.refused("ResourceNotFoundException", "CreateDataset", region="us-east-1", **request)
    nowhere = {"DatasetArn": arn[:-1] + ("1" if arn[-1] != "1" else "2")}
    caller.refused("ResourceNotFoundException", "CreateDataset", **request, DatasetSource=nowhere)
    caller.refused("ResourceNotFoundException", "DescribeDataset", **nowhere)
    empty = caller.project("empty")
    caller("DeleteProject", ProjectArn=empty)
    caller.refused("ResourceNotFoundException", "CreateDataset", ProjectArn=empty, DatasetType="TEST")


def test_a_project_is_deleted_after_its_datasets(caller: Caller) -> None:
    project = caller.project()
    arn = created(caller, project, GOOD)
    caller.refused("ResourceInUseException", "DeleteProject", ProjectArn=project)
    caller("DeleteDataset", DatasetArn=arn)
    caller.refused("ResourceInUseException", "DeleteProject", ProjectArn=project)
    caller.clock.now += 2
    assert caller("DescribeProjects")["ProjectDescriptions"][0]["Datasets"] == []
    caller("DeleteProject", ProjectArn=project)
