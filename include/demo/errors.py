"""What ends the story before its end."""


class NotAsToldError(Exception):
    """Something did not happen, or not as it is promised; the message says what was awaited and what was seen."""


class UnreachableError(Exception):
    """A server of the stack did not answer this time; asking again may help."""
