"""Transactions of DynamoDB: all or none, once, of a limited size, and no slower where a table has many rows."""

import copy
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.dynamodb.models.dynamo_type import Item
from tests.local_aws.endpoint import Endpoint


@pytest.fixture
def dynamodb(endpoint: Endpoint) -> Any:
    client = endpoint.client("dynamodb")
    for name, key in (("rows", ["id"]), ("counts", ["month", "day"])):
        client.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": one, "AttributeType": "S"} for one in key],
            KeySchema=[
                {"AttributeName": one, "KeyType": kind} for one, kind in zip(key, ("HASH", "RANGE"), strict=False)
            ],
        )
    yield client
    for name in ("rows", "counts"):
        client.delete_table(TableName=name)


def put(id_: str, **more: Any) -> dict[str, Any]:
    return {
        "Put": {
            "TableName": "rows",
            "Item": {"id": {"S": id_}},
            "ConditionExpression": "attribute_not_exists(id)",
            **more,
        }
    }


def count(day: str) -> dict[str, Any]:
    return {
        "Update": {
            "TableName": "counts",
            "Key": {"month": {"S": "m"}, "day": {"S": day}},
            "UpdateExpression": "ADD n :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        }
    }


def state(dynamodb: Any) -> tuple[list[str], dict[str, str]]:
    ids = sorted(item["id"]["S"] for item in dynamodb.scan(TableName="rows")["Items"])
    return ids, {item["day"]["S"]: item["n"]["N"] for item in dynamodb.scan(TableName="counts")["Items"]}


def test_a_transaction_is_made_whole(dynamodb: Any) -> None:
    dynamodb.transact_write_items(TransactItems=[put("a"), put("b"), count("1")])
    dynamodb.transact_write_items(TransactItems=[put("c"), count("1"), count("2")])
    assert state(dynamodb) == (["a", "b", "c"], {"1": "2", "2": "1"})


@pytest.mark.parametrize(
    "broken", [put("a"), put("c", ConditionExpression="nonsense ("), {"Put": {"TableName": "rows", "Item": {}}}]
)
def test_a_transaction_that_fails_changes_nothing(dynamodb: Any, broken: dict[str, Any]) -> None:
    dynamodb.transact_write_items(TransactItems=[put("a"), count("1")])
    delete = {"Delete": {"TableName": "counts", "Key": {"month": {"S": "m"}, "day": {"S": "1"}}}}
    for changes in ([put("b"), count("1"), count("2"), broken], [put("b"), delete, broken]):
        with pytest.raises(ClientError):
            dynamodb.transact_write_items(TransactItems=changes)
        assert state(dynamodb) == (["a"], {"1": "1"})


def test_many_rows_do_not_slow_a_transaction(dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for first in range(0, 990, 99):
        dynamodb.transact_write_items(TransactItems=[*(put(str(n)) for n in range(first, first + 99)), count("1")])
    copied: list[Item] = []

    def noted(item: Item, _: Any) -> Item:
        copied.append(item)
        return copy.copy(item)

    monkeypatch.setattr(Item, "__deepcopy__", noted, raising=False)
    dynamodb.transact_write_items(TransactItems=[*(put(f"more {n}") for n in range(99)), count("1")])
    # Of what it changes, there was one; a copy of the table for each of its hundred changes took minutes.
    assert len(copied) <= 2


def test_a_repeated_transaction_is_made_once(dynamodb: Any) -> None:
    changes = {"TransactItems": [put("a"), count("1")], "ClientRequestToken": "token"}
    for _ in range(3):
        dynamodb.transact_write_items(**changes)
    assert state(dynamodb) == (["a"], {"1": "1"})
    with pytest.raises(dynamodb.exceptions.IdempotentParameterMismatchException):
        dynamodb.transact_write_items(**changes | {"TransactItems": [put("b")]})
    dynamodb.transact_write_items(TransactItems=[put("b"), count("1")], ClientRequestToken="another")
    assert state(dynamodb) == (["a", "b"], {"1": "2"})


def test_a_transaction_that_failed_is_made_when_it_is_repeated(dynamodb: Any) -> None:
    dynamodb.transact_write_items(TransactItems=[put("a")])
    changes = {"TransactItems": [put("a"), count("1")], "ClientRequestToken": "token"}
    with pytest.raises(dynamodb.exceptions.TransactionCanceledException):
        dynamodb.transact_write_items(**changes)
    dynamodb.delete_item(TableName="rows", Key={"id": {"S": "a"}})
    dynamodb.transact_write_items(**changes)
    assert state(dynamodb) == (["a"], {"1": "1"})


def test_a_token_is_forgotten_after_ten_minutes(dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    changes = {"TransactItems": [count("1")], "ClientRequestToken": "token"}
    for seconds, counted in ((0, "1"), (600, "1"), (1, "2")):
        now += seconds
        dynamodb.transact_write_items(**changes)
        assert state(dynamodb)[1] == {"1": counted}


def test_a_transaction_is_as_large_as_dynamodb_takes(dynamodb: Any) -> None:
    def rows(number: int, size: int) -> list[dict[str, Any]]:
        return [put(f"{size} {n}", Item={"id": {"S": f"{size} {n}"}, "x": {"S": "x" * size}}) for n in range(number)]

    dynamodb.transact_write_items(TransactItems=rows(10, 390_000))
    with pytest.raises(ClientError, match=r"ValidationException.*4 MB"):
        dynamodb.transact_write_items(TransactItems=rows(11, 385_000))
    keys = [{"id": {"S": f"{size} 0"}} for size in (390_000, 385_000)]
    assert ["Item" in dynamodb.get_item(TableName="rows", Key=key) for key in keys] == [True, False]
