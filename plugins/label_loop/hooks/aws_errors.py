"""What an AWS error says: its code, whether it is final, and a description that is safe to publish."""

import re


def error_code(error: Exception) -> str:
    """Return the code of a botocore ClientError, or "" for any other error."""
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""


_NOT_THE_REQUESTS_FAULT = re.compile(
    "Throttl|LimitExceeded|ProvisionedThroughput|RequestTimeout|SlowDown|Unavailable|InternalServer|InternalError"
    "|ExpiredToken|UnrecognizedClient|InvalidClientToken|AccessDenied|NotAuthorized|ResourceInUse"
)


def is_refused_for_good(error: Exception) -> bool:
    """Return whether AWS rejected the request itself, so that the same request will be rejected again.

    Quotas, permissions and outages change without the request.
    """
    response = getattr(error, "response", None)
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) if isinstance(response, dict) else 0
    return 400 <= status < 500 and not _NOT_THE_REQUESTS_FAULT.search(error_code(error))


def reason(error: Exception) -> str:
    """Return a short description of an error.

    Of an AWS error it has only the operation and the code, since messages may contain accounts and roles.
    """
    code = error_code(error)
    return f"{getattr(error, 'operation_name', 'AWS')}: {code}" if code else f"{type(error).__name__}: {error}"


_DELETED, _DENIED = "was deleted from S3", "may not be read: access to it or to its encryption key is denied"
# S3's codes for one object that no retry will cure. Access can also be denied to all objects: see ``is_denial``.
_FINAL_FOR_OBJECT = {
    "NoSuchKey": _DELETED,
    "NoSuchVersion": _DELETED,
    "404": _DELETED,  # the answer to HEAD has no other code
    "InvalidObjectState": "is archived: restore it in S3",
    "InvalidRange": "is empty",
    "PreconditionFailed": "was overwritten in S3",
    "InvalidImageFormatException": "is not a readable PNG or JPEG",
    "ImageTooLargeException": "is larger than the limits of Rekognition (15 MB, 4096 px per side)",
    "InvalidS3ObjectException": "cannot be read by Rekognition",
    "AccessDenied": _DENIED,
    "403": _DENIED,
    "KMS.DisabledException": _DENIED,
    "KMS.KMSInvalidStateException": _DENIED,
    "KMS.NotFoundException": _DENIED,
}


def is_final_for_object(code: str) -> bool:
    """Return whether an error code concerns one object for good. All others concern every object, or pass."""
    return code in _FINAL_FOR_OBJECT


def object_problem(code: str) -> str:
    """Return why an object cannot be used, given a code that is final for it, phrased to follow "the image"."""
    return _FINAL_FOR_OBJECT[code]


def is_denial(code: str) -> bool:
    """Return whether an error code denies access, perhaps to every object."""
    return _FINAL_FOR_OBJECT.get(code) == _DENIED
