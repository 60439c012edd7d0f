"""Parameter Store's limits, at which AWS refuses a parameter."""

from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.local_aws.endpoint import Endpoint

NAME = "/loop/parameter"


@pytest.fixture
def ssm(endpoint: Endpoint) -> Any:
    return endpoint.client("ssm")


def put(ssm: Any, value: str = "1", **more: Any) -> None:
    ssm.put_parameter(**({"Name": NAME, "Value": value, "Type": "String"} | more))


def refusal(ssm: Any, **request: Any) -> str:
    with pytest.raises(ClientError) as caught:
        put(ssm, **request)
    return str(caught.value.response["Error"]["Code"])


@pytest.mark.parametrize(("tier", "largest"), [({}, 4096), ({"Tier": "Standard"}, 4096), ({"Tier": "Advanced"}, 8192)])
def test_a_value_is_as_large_as_its_tier_takes(ssm: Any, tier: dict[str, str], largest: int) -> None:
    put(ssm, "ü" * (largest // 2), **tier)
    for larger in ("x" * (largest + 1), "ü" * (largest // 2) + "x"):
        assert refusal(ssm, value=larger, Overwrite=True, **tier) == "ValidationException"
    found = ssm.get_parameter(Name=NAME)["Parameter"]
    assert (found["Version"], found["Value"]) == (1, "ü" * (largest // 2))


@pytest.mark.parametrize("tier", ["Advanced", "Intelligent-Tiering"])
def test_a_parameter_that_may_be_larger_stays_so(ssm: Any, tier: str) -> None:
    put(ssm, "1", Tier=tier)
    put(ssm, "x" * 8192, Overwrite=True)
    assert refusal(ssm, value="x" * 8193, Overwrite=True) == "ValidationException"


@pytest.mark.parametrize("kind", ["String", "StringList", "SecureString"])
def test_a_parameter_keeps_its_type(ssm: Any, kind: str) -> None:
    put(ssm, "1", Type=kind)
    for other in {"String", "StringList", "SecureString"} - {kind}:
        assert refusal(ssm, value="2", Type=other, Overwrite=True) == "HierarchyTypeMismatchException"
    put(ssm, "2", Type=kind, Overwrite=True)
    ssm.put_parameter(Name=NAME, Value="3", Overwrite=True)
    found = ssm.get_parameter(Name=NAME, WithDecryption=True)["Parameter"]
    assert (found["Type"], found["Value"], found["Version"]) == (kind, "3", 3)


def test_a_parameter_made_anew_may_have_another_type(ssm: Any) -> None:
    put(ssm)
    ssm.delete_parameter(Name=NAME)
    put(ssm, Type="StringList")


def test_a_parameter_that_is_there_is_not_overwritten_unasked_whatever_its_type(ssm: Any) -> None:
    put(ssm)
    assert refusal(ssm, Type="StringList") == "ParameterAlreadyExists"


@pytest.mark.parametrize(
    "wrong", [{"Description": "x" * 1025}, {"Type": "Text", "Overwrite": True}, {"Tier": "Large"}, {"Name": "x" * 2049}]
)
def test_what_breaks_the_model_is_refused(ssm: Any, wrong: dict[str, Any]) -> None:
    assert refusal(ssm, **wrong) == "ValidationException"


@pytest.mark.parametrize("value", ["{{ssm:/loop/other}}", "see {{}}", "{{a\nb}}"])
def test_a_value_that_refers_to_another_is_refused(ssm: Any, value: str) -> None:
    put(ssm, "{a} } {")
    assert refusal(ssm, value=value, Overwrite=True) == "ValidationException"


def test_more_names_than_a_call_takes_are_refused(ssm: Any) -> None:
    put(ssm)
    names = [NAME, *(f"/loop/{number}" for number in range(9))]
    found = ssm.get_parameters(Names=names)
    assert [one["Name"] for one in found["Parameters"]] == [NAME]
    assert len(found["InvalidParameters"]) == 9
    with pytest.raises(ClientError, match="ValidationException"):
        ssm.get_parameters(Names=[*names, "/loop/9"])
    with pytest.raises(ClientError, match="ValidationException"):
        ssm.get_parameters_by_path(Path="/loop", MaxResults=11)


def test_a_refused_parameter_is_not_announced(endpoint: Endpoint, ssm: Any) -> None:
    url = endpoint.rule({"source": ["aws.ssm"]})
    put(ssm)
    for wrong in ({"value": "x" * 4097}, {"Type": "StringList"}):
        refusal(ssm, Overwrite=True, **wrong)
    assert [event["detail"]["operation"] for event in endpoint.messages(url)] == ["Create"]
