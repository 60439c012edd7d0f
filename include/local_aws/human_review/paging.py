"""Lists in pages, by time of creation, with the filters that SageMaker and A2I share."""

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from local_aws.errors import AwsError

DEFAULT_PAGE = 10


class Listed(Protocol):
    """What a list needs to know of its items."""

    @property
    def name(self) -> str:
        """The name, unique in the list."""
        ...

    @property
    def created(self) -> datetime:
        """When it was created."""
        ...


def _by_creation(item: Listed) -> tuple[str, str]:
    return item.created.isoformat(timespec="milliseconds"), item.name


def _by_name(item: Listed) -> tuple[str, str]:
    return item.name, ""


def page[T: Listed](items: Iterable[T], request: Mapping[str, Any]) -> tuple[list[T], str | None]:
    """Return one page and the token of the next.

    The token names the last item's place in the order, so a page stays right when items come and go between.
    """
    key: Callable[[Listed], tuple[str, str]] = _by_name if request.get("SortBy") == "Name" else _by_creation
    descending = request.get("SortOrder") == "Descending"
    found = sorted((item for item in items if _in_time(item, request)), key=key, reverse=descending)
    if request.get("NextToken"):
        last = _decode(request["NextToken"])
        found = [item for item in found if (key(item) < last if descending else key(item) > last)]
    size = request.get("MaxResults", DEFAULT_PAGE)
    token = _encode(key(found[size - 1])) if len(found) > size else None
    return found[:size], token


def _in_time(item: Listed, request: Mapping[str, Any]) -> bool:
    after, before = request.get("CreationTimeAfter"), request.get("CreationTimeBefore")
    return (after is None or item.created > _aware(after)) and (before is None or item.created < _aware(before))


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _encode(key: tuple[str, str]) -> str:
    return base64.urlsafe_b64encode("\n".join(key).encode()).decode()


def _decode(token: str) -> tuple[str, str]:
    try:
        first, second = base64.urlsafe_b64decode(token.encode()).decode().split("\n")
    except (ValueError, binascii.Error) as error:
        raise AwsError("ValidationException", "NextToken is not one that was given out.") from error
    return first, second
