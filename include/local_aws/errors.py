"""Errors as AWS answers them."""


class AwsError(Exception):
    """An error answer: a code of the service's model, a message for people, and the HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
