import boto3
from tests.unit.provisioning.conftest import REGION

from label_loop.loop import Loop
from label_loop.provisioning import ResourceOutcome
from label_loop.provisioning.capacity import report_capacity
from label_loop.provisioning.site import Options, Site
from label_loop.system_record import SYSTEM_RECORD


def told(path):
    lines = []
    report_capacity(Site(Loop(path), Options(), boto3.Session(region_name=REGION), lines.append))
    return lines


def add_loop(client, path):
    client("ssm").put_parameter(Name=f"{path}/{SYSTEM_RECORD}", Value="{}", Type="String")


def test_the_only_loop_of_a_region_has_room(aws, client):
    client("ssm").put_parameter(Name=f"/notes/My-{SYSTEM_RECORD}", Value="x", Type="String")
    assert told("/alone") == []
    add_loop(client, "/alone")
    assert told("/alone") == []


def test_a_second_loop_in_a_region_is_told_of_the_quota_it_needs(aws, client):
    for number in range(60):  # more than one page
        add_loop(client, f"/team/loop{number:02}")
    (line,) = told("/new")
    assert (line.kind, line.name, line.outcome) == ("running models in", REGION, ResourceOutcome.FOUND)
    assert line.detail.startswith("61 loops need 62: ")
    assert "a region runs 2" in line.detail


def test_who_may_not_list_parameters_still_sets_up_a_loop(aws, client):
    denied = {"service": "ssm", "operation": "DescribeParameters", "kind": "error", "code": "AccessDeniedException"}
    aws.faults.replace([denied])
    (line,) = told("/alone")
    assert line.outcome == ResourceOutcome.SKIPPED
    assert "AccessDeniedException in DescribeParameters" in line.detail
