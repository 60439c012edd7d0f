"""What ends the story before its end."""


class NotAsToldError(Exception):
    """Something did not happen, or not as it is promised; the message says what was awaited and what was seen."""
