"""The error that ends the demo early."""


class DemoError(Exception):
    """Something did not happen as expected; the message says what was expected and what was seen."""
