"""The table of reviews in DynamoDB."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from airflow.providers.amazon.aws.hooks.dynamodb import DynamoDBHook

from label_loop.domain.desk_order import place
from label_loop.domain.review_queue import Review, ReviewerAnswer, Stage
from label_loop.domain.reviewers import GoldAnswer, Reviewer
from label_loop.hooks.retries import PATIENT
from label_loop.payloads import ReviewTask

KEY = "HumanLoopName"
QUEUE = "Queue"  # absent from finished reviews, which keeps them out of the indexes
# The first is named by what it sorted by in version 0.2: the key of an index cannot be renamed. Reviews that are open
# since then, with their confidence there, are among those that do not come first.
BY_ORDER, BY_DATE = "Queue_Confidence_GSI", "Queue_Date_GSI"
_ORDER = "ConfidenceOrder"
_REVIEWER = "reviewer"  # the queue of items that are not reviews but the gold answers of a person
PAGE = 100
_MOST_OVERLAPPING = 2000  # images of a month; an item has at most 400 KB
NOTHING: Mapping[str, str] = MappingProxyType({})


class ReviewsHook(DynamoDBHook):
    """The reviews of one loop. Methods are thread-safe."""

    def __init__(self, table: str, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("config", PATIENT)
        super().__init__(*args, **kwargs)
        self.table = table

    @property
    def _client(self) -> Any:
        # The client of a resource converts from and to plain Python values.
        return self.conn.meta.client

    def add(self, review: Review) -> bool:
        """Write a new review; return False, and change nothing, if one of that name exists."""
        return self._put(review, f"attribute_not_exists({KEY})", {})

    def replace(self, review: Review) -> bool:
        """Write the next revision of a review; return False if it was changed concurrently."""
        return self._put(review, "Revision = :seen", {":seen": review.revision - 1})

    def _put(self, review: Review, condition: str, values: Mapping[str, Any]) -> bool:
        return self._put_item(to_item(review), condition, values)

    def _put_item(self, item: Mapping[str, Any], condition: str, values: Mapping[str, Any]) -> bool:
        given = {"ExpressionAttributeValues": values} if values else {}
        client = self._client  # read once: threads may race to create it, and exception classes differ between clients
        try:
            client.put_item(TableName=self.table, Item=item, ConditionExpression=condition, **given)
        except client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def get(self, name: str) -> Review | None:
        """Return a review by a consistent read, or None."""
        response = self._client.get_item(TableName=self.table, Key={KEY: name}, ConsistentRead=True)
        item = response.get("Item", {})
        return from_item(item) if "Task" in item else None

    def reviewer(self, id_: str) -> Reviewer:
        """Return a reviewer's answers to gold images by a consistent read."""
        key = {KEY: _reviewer_key(id_)}
        item = self._client.get_item(TableName=self.table, Key=key, ConsistentRead=True).get("Item")
        return _reviewer(item) if item else Reviewer(id_)

    def reviewers(self) -> list[Reviewer]:
        """Return all who have answered gold images; the index is eventually consistent."""
        return [_reviewer(item) for page in self._query(_REVIEWER, Limit=PAGE) for item in page["Items"]]

    def replace_reviewer(self, reviewer: Reviewer) -> bool:
        """Write the next revision of a reviewer; return False if it was changed concurrently."""
        seen = reviewer.revision - 1
        condition, values = ("Revision = :seen", {":seen": seen}) if seen else (f"attribute_not_exists({KEY})", {})
        answers = [{**asdict(one), "answered_at": _number(one.answered_at)} for one in reviewer.answers]
        latest = max((one.answered_at for one in reviewer.answers), default=0.0)
        item = {
            KEY: _reviewer_key(reviewer.id),
            QUEUE: _REVIEWER,
            "DateOrder": _moment(latest),
            "Reviewer": reviewer.id,
            "GoldAnswers": answers,
            "IsReported": reviewer.is_reported,
            "Revision": reviewer.revision,
        }
        return self._put_item(item, condition, values)

    def queued(self, stage: Stage, created_after: float = 0.0) -> Iterator[Review]:
        """Yield the reviews of a stage, oldest first, from an index, which is eventually consistent."""
        after = {":after": _moment(created_after)}
        for page in self._query(stage, BY_DATE, " AND DateOrder > :after", after, Limit=PAGE):
            yield from (from_item(item) for item in page["Items"])

    def ordered(self, begin: str, end: str) -> Iterator[Review]:
        """Yield the open reviews from one place in their order, as ``desk_order`` has it, to before another.

        They are read 100 at a time, as they are needed.
        """
        places = {":begin": begin, ":end": end}
        for page in self._query(Stage.OPEN, BY_ORDER, f" AND {_ORDER} BETWEEN :begin AND :end", places, Limit=PAGE):
            yield from (from_item(item) for item in page["Items"])

    def add_overlap(self, review: Review) -> None:
        """Keep the labels that an image got from several people, once, with those of the month of its review.

        Of a month the first 2,000 are kept, which are as good as all to say how far people agree.
        """
        client = self._client
        # Else it is kept already, by a run that ended before the review was done, or not needed.
        with suppress(client.exceptions.ConditionalCheckFailedException):
            client.update_item(
                TableName=self.table,
                Key={KEY: _overlap_key(datetime.fromtimestamp(review.created_at, UTC))},
                UpdateExpression="ADD Images :one SET #name = :labels",
                ConditionExpression="attribute_not_exists(#name) AND (attribute_not_exists(Images) OR Images < :most)",
                ExpressionAttributeNames={"#name": review.name},
                ExpressionAttributeValues={
                    ":one": 1,
                    ":most": _MOST_OVERLAPPING,
                    ":labels": [answer.label for answer in review.answers],
                },
            )

    def overlap(self, month: datetime) -> list[list[str]]:
        """Return the labels of each image that several people answered, of the reviews of a month."""
        item = self._client.get_item(TableName=self.table, Key={KEY: _overlap_key(month)}).get("Item", {})
        return [[str(label) for label in value] for value in item.values() if isinstance(value, list)]

    def count(self, stage: Stage) -> int:
        """Return the number of reviews at a stage; one call per 1 MB."""
        return sum(page["Count"] for page in self._query(stage, Select="COUNT"))

    def _query(
        self, queue: str, index: str = BY_DATE, within: str = "", values: Mapping[str, str] = NOTHING, **how: Any
    ) -> Iterator[Mapping[str, Any]]:
        pages: Iterator[Mapping[str, Any]] = self._client.get_paginator("query").paginate(
            TableName=self.table,
            IndexName=index,
            KeyConditionExpression=f"#queue = :stage{within}",
            ExpressionAttributeNames={"#queue": QUEUE},
            ExpressionAttributeValues={":stage": str(queue), **values},
            **how,
        )
        yield from pages


def to_item(review: Review) -> dict[str, Any]:
    """Return the DynamoDB item of a review."""
    created = _moment(review.created_at)
    item: dict[str, Any] = {
        KEY: review.name,
        "Task": {**asdict(review.task), "confidence_percent": _number(review.task.confidence_percent)},
        "CreatedAt": _number(review.created_at),
        "DateOrder": created,
        _ORDER: f"{place(review)}#{created}",
        "Answers": [{**asdict(answer), "answered_at": _number(answer.answered_at)} for answer in review.answers],
        "SettlesAt": _number(review.settles_at),
        "Revision": review.revision,
    }
    if review.scored_by:
        item["ScoredBy"] = review.scored_by
    if review.gold_id:
        item |= {"GoldId": review.gold_id, "GoldLabel": review.gold_label}
    elif review.stage is not Stage.DONE:
        item[QUEUE] = review.stage.value
    if review.leased_by:
        item |= {"LeasedBy": review.leased_by, "LeasedUntil": _number(review.leased_until)}
    if review.skipped_by:
        item["SkippedBy"] = set(review.skipped_by)
    return item


def from_item(item: Mapping[str, Any]) -> Review:
    """Parse the result of ``to_item``."""
    task = {**item["Task"], "confidence_percent": float(item["Task"]["confidence_percent"])}
    answers = [ReviewerAnswer(**{**answer, "answered_at": float(answer["answered_at"])}) for answer in item["Answers"]]
    ended = Stage.DONE
    if "GoldId" in item:
        ended = Stage.HELD if answers else Stage.OPEN
    return Review(
        name=item[KEY],
        task=ReviewTask(**task),
        created_at=float(item["CreatedAt"]),
        stage=Stage(item.get(QUEUE, ended)),
        answers=tuple(answers),
        leased_by=item.get("LeasedBy"),
        leased_until=float(item.get("LeasedUntil", 0)),
        skipped_by=frozenset(item.get("SkippedBy", ())),
        settles_at=float(item["SettlesAt"]),
        revision=int(item["Revision"]),
        scored_by=item.get("ScoredBy", ""),
        gold_id=item.get("GoldId", ""),
        gold_label=item.get("GoldLabel", ""),
    )


def _reviewer(item: Mapping[str, Any]) -> Reviewer:
    answers = [GoldAnswer(**{**one, "answered_at": float(one["answered_at"])}) for one in item["GoldAnswers"]]
    return Reviewer(item["Reviewer"], tuple(answers), item["IsReported"], int(item["Revision"]))


def _overlap_key(month: datetime) -> str:
    return f"overlap-{month:%Y-%m}"


def _reviewer_key(id_: str) -> str:
    # A digest: the ids of users may be longer than a key, and keys are in logs of access.
    return f"reviewer-{hashlib.sha256(id_.encode()).hexdigest()[:32]}"


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")


def _number(value: float) -> Decimal:
    """Return a Decimal, since DynamoDB takes no floats; six decimals are a microsecond."""
    return Decimal(str(round(value, 6)))
