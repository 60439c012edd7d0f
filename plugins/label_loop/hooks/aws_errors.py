"""What an AWS error says: its code, what it means for one object, and a description that is safe to publish."""

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
    return 400 <= _status(error) < 500 and not _NOT_THE_REQUESTS_FAULT.search(error_code(error))


def is_server_error(error: Exception) -> bool:
    """Return whether AWS itself failed on a request that it accepted."""
    return _status(error) >= 500


def _status(error: Exception) -> int:
    """Return the HTTP status of a botocore ClientError, or 0 for any other error."""
    response = getattr(error, "response", None)
    return int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)) if isinstance(response, dict) else 0


def reason(error: Exception) -> str:
    """Return a short description of an error.

    Of an AWS error it has only the operation and the code, since messages may contain accounts and roles.
    """
    code = error_code(error)
    return f"{getattr(error, 'operation_name', 'AWS')}: {code}" if code else f"{type(error).__name__}: {error}"


_DELETED, _DENIED = "was deleted from S3", "may not be read: access to it or to its KMS key is denied"
_KEY = "is encrypted with a KMS key that is disabled or deleted"
# The codes for one object that no retry will cure. HEAD's answers have no body, and so no other code than the status;
# 400 is not decisive, as expired credentials give it, too.
_FINAL_FOR_OBJECT = {
    "NoSuchKey": _DELETED,
    "NoSuchVersion": _DELETED,
    "404": _DELETED,
    "MethodNotAllowed": _DELETED,  # the version is a delete marker
    "405": _DELETED,
    "InvalidObjectState": "is archived: restore it in S3",
    "InvalidRange": "is empty",
    "PreconditionFailed": "was overwritten in S3",
    "InvalidRequest": "is encrypted with a key that only its uploader has (SSE-C)",
    "InvalidImageFormatException": "is not a readable PNG or JPEG",
    "ImageTooLargeException": "is larger than the limits of Rekognition (15 MB, 4096 px per side)",
    "InvalidS3ObjectException": "cannot be read by Rekognition",
    "AccessDenied": _DENIED,
    "403": _DENIED,
    "KMS.DisabledException": _KEY,
    "KMS.NotFoundException": _KEY,
    "KMS.KMSInvalidStateException": _KEY,
    "KMS.InvalidKeyUsageException": _KEY,
}


def object_problem(error: Exception) -> str | None:
    """Return why one object cannot be used, phrased to follow "the image", or None if the error is not about it alone.

    Throttling, a lost connection and expired credentials say nothing about the object. A denial may be about all
    objects: see ``is_denial``.
    """
    return _FINAL_FOR_OBJECT.get(error_code(error))


def is_denial(error: Exception) -> bool:
    """Return whether an error denies access, perhaps to every object: only a second object tells."""
    return object_problem(error) in {_DENIED, _KEY}
