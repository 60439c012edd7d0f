"""The code of an AWS error, and a description that is safe to publish."""


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
