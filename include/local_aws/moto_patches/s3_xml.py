"""The XML that S3 answers and is sent, in which keys of any characters are named."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote
from xml.parsers.expat import ExpatError

from moto.core.responses import ActionResult
from moto.core.serialize import BaseXMLSerializer, S3Serializer
from moto.s3.exceptions import MalformedXML
from moto.s3.responses import S3Response

from local_aws.moto_patches.patch import patch
from local_aws.xml_characters import escape_controls

# What moto leaves as it is; texts, or lists of what has a Key or a Prefix.
_LEFT_PLAIN = {
    "ListObjects": ("Prefix", "Delimiter", "NextMarker", "CommonPrefixes"),
    "ListObjectsV2": ("Delimiter", "StartAfter"),
    "ListObjectVersions": (
        "Prefix", "Delimiter", "KeyMarker", "NextKeyMarker", "CommonPrefixes", "Versions", "DeleteMarkers",
    ),
    "ListMultipartUploads": ("Prefix", "Delimiter", "KeyMarker", "NextKeyMarker", "CommonPrefixes", "Uploads"),
}  # fmt: skip


@patch((S3Response, "serialized"))
def encode_listings(original: Callable[..., Any], response: S3Response, answer: ActionResult) -> Any:
    """Encode the keys of a listing that is asked for with an encoding.

    moto 5.2.5 encodes the keys of ListObjects, and those, prefix and common prefixes of ListObjectsV2;
    ListObjectVersions and ListMultipartUploads ignore the parameter. AWS documents for encoding-type=url which
    elements of each are encoded: keys, prefixes, delimiter and markers ("EncodingType" of each operation's
    response).
    """
    names = _LEFT_PLAIN.get(response._get_action(), ())
    if names and isinstance(answer.result, dict) and response.querystring.get("encoding-type") == ["url"]:
        encoded = {name: _encoded(answer.result[name]) for name in names if answer.result.get(name)}
        answer = ActionResult({**answer.result, **encoded, "EncodingType": "url"})
    return original(response, answer)


def _encoded(value: Any) -> Any:
    if isinstance(value, str):
        return quote(value)
    return [{name: quote(item) if name in {"Key", "Prefix"} else item for name, item in one.items()} for one in value]


@patch((S3Serializer, "_serialize_body"), (BaseXMLSerializer, "_serialize_body"))
def write_control_characters_as_references(original: Callable[..., str], serializer: Any, body: Any) -> str:
    """Write control characters so that a parser can read them, where it can at all.

    moto 5.2.5 writes them as they are: a carriage return is read as a line feed, and others end the parsing of the
    whole answer. AWS documents references such as &#13; for a carriage return ("XML related object key
    constraints").
    """
    return escape_controls(original(serializer, body))


@patch((S3Response, "_bucket_response"), (S3Response, "_key_response"))
def refuse_what_is_not_xml(original: Callable[..., Any], response: S3Response, *args: Any) -> Any:
    """Refuse a request whose body should be XML and is not, as one that names a key with a control character.

    moto 5.2.5 fails, which is a status of 500. AWS documents MalformedXML, with the status 400 ("Error responses").
    """
    try:
        return original(response, *args)
    except ExpatError as error:
        raise MalformedXML from error
