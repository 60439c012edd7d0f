"""What an error of AWS says."""


def error_code(error: Exception) -> str:
    """Return the code of a botocore ClientError, or an empty text for any other error."""
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""


def reason(error: Exception) -> str:
    """Return an error in a few words: of AWS the operation and the code, whose message may name accounts and roles."""
    code = error_code(error)
    return f"{getattr(error, 'operation_name', 'AWS')}: {code}" if code else f"{type(error).__name__}: {error}"
