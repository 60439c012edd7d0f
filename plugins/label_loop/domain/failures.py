"""How often objects that a listing found have failed, and when one is put aside."""

import hashlib
from collections.abc import Mapping, Sequence

from label_loop.payloads import FailedObject, S3Upload

_MAX_KEPT = 50
# So many at once are not bad objects: something is wrong with AWS or the loop, and all of them are to be tried again.
_MAX_AT_ONCE = 20
_MAX_TEXT_CHARACTERS = 400


def failed_object_id(item: S3Upload, modified: str) -> str:
    """Return the id of an object as a listing finds it; one that is written again is another one."""
    text = "".join(f"{len(part)}:{part}" for part in (item.key, item.etag, modified))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def put_aside_ids(known: Sequence[FailedObject]) -> frozenset[str]:
    """Return the ids of the objects that are not tried again."""
    return frozenset(failed.id for failed in known if failed.is_put_aside)


def with_failures(known: Sequence[FailedObject], failures: Mapping[str, str]) -> tuple[FailedObject, ...]:
    """Return the failed objects after further failures, given as texts by id; the oldest are dropped beyond 50.

    More than 20 failures at once count for none of the objects.
    """
    if len(failures) > _MAX_AT_ONCE:
        return tuple(known)
    tries = {failed.id: failed.tries for failed in known}
    others = [failed for failed in known if failed.id not in failures]
    counted = [FailedObject(id_, tries.get(id_, 0) + 1, text) for id_, text in failures.items()]
    return (*others, *counted)[-_MAX_KEPT:]


def failure_text(key: str, reason: str) -> str:
    """Return what is kept of a failure, for people."""
    return f"{key}: {reason}"[:_MAX_TEXT_CHARACTERS]
