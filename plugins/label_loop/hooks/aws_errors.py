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
