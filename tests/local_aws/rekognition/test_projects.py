"""CreateProject, DescribeProjects, DeleteProject."""

import re

import pytest
from tests.local_aws.rekognition.fakes import Caller

from local_aws.errors import AwsError
from local_aws.services import RequestContext


def test_a_project_is_created_with_an_arn_like_aws_and_described(caller: Caller) -> None:
    arn = caller.project("logos")
    assert re.fullmatch(r"arn:aws:rekognition:eu-west-1:123456789012:project/logos/\d{13}", arn)
    (description,) = caller("DescribeProjects")["ProjectDescriptions"]
    assert description["ProjectArn"] == arn
    assert description["Status"] == "CREATED"
    assert description["CreationTimestamp"].timestamp() == pytest.approx(caller.clock.now, abs=0.01)
    assert description["CreationTimestamp"].tzinfo is not None


def test_a_name_is_taken_once_a_region(caller: Caller) -> None:
    caller.project("logos")
    caller.refused("ResourceInUseException", "CreateProject", ProjectName="logos")
    assert caller("CreateProject", region="us-east-1", ProjectName="logos")["ProjectArn"]
    assert len(caller("DescribeProjects")["ProjectDescriptions"]) == 1


def test_projects_are_found_by_name(caller: Caller) -> None:
    for name in ("a", "b", "c"):
        caller.project(name)
    found = caller("DescribeProjects", ProjectNames=["b", "nobody"])["ProjectDescriptions"]
    assert [p["ProjectArn"].split("/")[1] for p in found] == ["b"]


def test_pages_are_newest_first_and_not_shifted_by_new_projects(caller: Caller) -> None:
    for name in "abcde":
        caller.project(name)
    first = caller("DescribeProjects", MaxResults=2)
    caller.project("f")
    second = caller("DescribeProjects", MaxResults=2, NextToken=first["NextToken"])
    third = caller("DescribeProjects", MaxResults=2, NextToken=second["NextToken"])
    names = [p["ProjectArn"].split("/")[1] for page in (first, second, third) for p in page["ProjectDescriptions"]]
    assert names == list("edcba")
    assert "NextToken" not in third
    for token in ("made up", "YmVmb3JlOng=", "é"):
        caller.refused("InvalidPaginationTokenException", "DescribeProjects", NextToken=token)


def test_an_empty_project_is_deleted(caller: Caller) -> None:
    arn = caller.project()
    assert caller("DeleteProject", ProjectArn=arn) == {"Status": "DELETING"}
    assert caller("DescribeProjects")["ProjectDescriptions"][0]["Status"] == "DELETING"
    caller.refused("ResourceInUseException", "DeleteProject", ProjectArn=arn)
    caller.clock.now += 1
    assert caller("DescribeProjects")["ProjectDescriptions"] == []
    caller.refused("ResourceNotFoundException", "DeleteProject", ProjectArn=arn)


def test_other_features_are_refused_or_empty(caller: Caller) -> None:
    caller.project()
    caller.refused("InvalidParameterException", "CreateProject", ProjectName="m", Feature="CONTENT_MODERATION")
    assert caller("DescribeProjects", Features=["CONTENT_MODERATION"]) == {"ProjectDescriptions": []}


def test_what_is_not_offered_says_so(caller: Caller) -> None:
    with pytest.raises(AwsError) as caught:
        caller.service.call("DetectLabels", {"Image": {"Bytes": b"x"}}, RequestContext("eu-west-1", "id"))
    assert caught.value.code == "UnknownOperationException"
    assert "DetectLabels" in caught.value.message
