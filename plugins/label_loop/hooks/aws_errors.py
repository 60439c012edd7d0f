"""The code of an AWS error, what it says of the object that was read, and a description that is safe to publish."""

# What S3 answers about one object that a retry does not cure, by code; every other error (throttling, a lost
# connection, expired credentials) says nothing about the object. HEAD has no body, and so gives the status alone. It
# answers 400 to expired credentials, too: that one is not decisive.
_GONE = "deleted in the meantime"
_DENIED = "access denied to the object or to the KMS key that it is encrypted with"
_KEY = "encrypted with a KMS key that is disabled or deleted"
_OF_ONE_OBJECT = {
    "NoSuchKey": _GONE,
    "NoSuchVersion": _GONE,
    "404": _GONE,
    "MethodNotAllowed": _GONE,  # the version is a delete marker
    "405": _GONE,
    "InvalidObjectState": "archived: S3 has to restore it before it can be read",
    "AccessDenied": _DENIED,
    "403": _DENIED,
    "KMS.DisabledException": _KEY,
    "KMS.NotFoundException": _KEY,
    "KMS.KMSInvalidStateException": _KEY,
    "KMS.InvalidKeyUsageException": _KEY,
    "InvalidRequest": "encrypted with a key that only its uploader has (SSE-C)",
}


def object_problem(error: Exception) -> str | None:
    """Return why one object of S3 cannot be read, or None if the error is not about this object alone.

    A denied access may be about all objects: only a second object tells.
    """
    return _OF_ONE_OBJECT.get(error_code(error))


def error_code(error: Exception) -> str:
    """Return the code of a botocore ClientError, or "" for any other error."""
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""


def reason(error: Exception) -> str:
    """Return a short description of an error.

    Of an AWS error it has only the operation and the code, since messages may contain accounts and roles.
    """
    code = error_code(error)
    return f"{getattr(error, 'operation_name', 'AWS')}: {code}" if code else f"{type(error).__name__}: {error}"
