"""How a fake refuses a call."""

from typing import Any


class Refusal(Exception):  # noqa: N818 - it becomes the error of that code
    """An answer of AWS with an error code; the client makes its own error class of it."""

    def __init__(self, code: str, message: str = "", **more: Any) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.response = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {}, **more}
