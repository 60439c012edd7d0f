"""What SQS takes as a message."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from moto.sqs.exceptions import SQSException
from moto.sqs.responses import SQSResponse

from local_aws.moto_patches.patch import patch

_TEXT = re.compile("[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*")


@patch((SQSResponse, "send_message"))
def refuse_messages_that_xml_cannot_represent(original: Callable[..., Any], response: SQSResponse) -> Any:
    """Refuse a message with a character that XML cannot represent.

    moto 5.2.5 takes any character. AWS documents those that a message may have, and InvalidMessageContents for others
    (SendMessage).
    """
    if not _TEXT.fullmatch(response._get_param("MessageBody", "")):
        raise SQSException("InvalidMessageContents", "The message has a character that is not allowed.")
    return original(response)


@patch((SQSResponse, "send_message"))
def count_the_attributes_of_messages(original: Callable[..., Any], response: SQSResponse) -> Any:
    """Refuse a message that is larger than its queue takes, with its attributes.

    moto 5.2.5 counts the characters of the body. AWS documents a limit in bytes (SendMessage), of which names, types
    and values of attributes are a part ("Amazon SQS message metadata").
    """
    queue: Any = response.sqs_backend.get_queue(response._get_queue_name())
    attributes = response._get_param("MessageAttributes", {})
    size = len(response._get_param("MessageBody", "").encode())
    if size + sum(_size(name, value) for name, value in attributes.items()) > queue.maximum_message_size:
        text = f"Message must be shorter than {queue.maximum_message_size} bytes."
        raise SQSException("InvalidParameterValue", f"One or more parameters are invalid. Reason: {text}")
    return original(response)


def _size(name: str, attribute: Mapping[str, Any]) -> int:
    value = attribute.get("StringValue", "").encode() or attribute.get("BinaryValue", b"")
    return len(name.encode()) + len(attribute["DataType"].encode()) + len(value)
