"""The characters that an XML document cannot have as they are."""

import re

# XML 1.0 has no other control characters than these and tab; of these, a parser reads CR as LF.
_NOT_AS_THEY_ARE = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]")


def escape_controls(document: str) -> str:
    """Write carriage returns, other control characters and non-characters as references to them, as S3 does.

    A parser reads ``&#xD;`` as the carriage return that it is. One that holds to XML 1.0 refuses the others in any
    form.
    """
    return _NOT_AS_THEY_ARE.sub(lambda found: f"&#x{ord(found[0]):X};", document)
