"""What SNS takes as a batch of messages, and how it answers what it does not take."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from moto.sns.exceptions import SNSException
from moto.sns.models import SNSBackend

from local_aws.moto_patches.patch import patch

_BATCH_BYTES = 262_144
_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")
_SUBJECT = re.compile(r"[!-~][ -~]{0,99}")

type _Entries = Sequence[Mapping[str, Any]]


@patch((SNSBackend, "publish_batch"))
def tell_of_refused_subjects(
    original: Callable[..., Any], backend: SNSBackend, topic_arn: str, publish_batch_request_entries: _Entries
) -> Any:
    """Publish a batch; an entry whose subject is refused is told among those that failed.

    moto 5.2.5 drops an entry with a longer subject without a word, and takes any characters. AWS documents subjects of
    up to 100 characters of ASCII in one line (Publish, "Subject"), and a result for each entry (PublishBatch).
    """
    refused = [one for one in publish_batch_request_entries if not _SUBJECT.fullmatch(one.get("Subject", "-"))]
    taken = [one for one in publish_batch_request_entries if one not in refused]
    successful, failed = original(backend, topic_arn, taken)
    reason = {"Code": "InvalidParameter", "Message": "Invalid parameter: Subject", "SenderFault": True}
    return successful, [*failed, *({"Id": one["Id"], **reason} for one in refused)]


@patch((SNSBackend, "publish_batch"))
def refuse_batches_beyond_the_limits(
    original: Callable[..., Any], backend: SNSBackend, topic_arn: str, publish_batch_request_entries: _Entries
) -> Any:
    """Refuse a batch that is empty, too large, or has an id that is none.

    moto 5.2.5 takes them: it limits a single message, by its characters. AWS documents 256 KiB for all messages of a
    batch together, and EmptyBatchRequest, BatchRequestTooLong and InvalidBatchEntryId (PublishBatch).
    """
    if not publish_batch_request_entries:
        raise SNSException("EmptyBatchRequest", "The batch request does not have any entries.")
    if not all(_ID.fullmatch(one["Id"]) for one in publish_batch_request_entries):
        raise SNSException("InvalidBatchEntryId", "An id has 1 to 80 letters, digits, hyphens and underscores.")
    if sum(map(_size, publish_batch_request_entries)) > _BATCH_BYTES:
        raise SNSException("BatchRequestTooLong", f"The messages of a batch have at most {_BATCH_BYTES} bytes.")
    return original(backend, topic_arn, publish_batch_request_entries)


def _size(entry: Mapping[str, Any]) -> int:
    attributes = entry.get("MessageAttributes", {})
    parts = (f"{name}{one['Type']}{one['Value']}" for name, one in attributes.items())  # as moto has them by now
    return sum(len(text.encode()) for text in (entry["Message"], *parts))
