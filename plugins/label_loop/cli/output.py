"""What a command says: lines as they come for people, or one document at the end for a program."""

import json
import os
import sys
from typing import Any

from label_loop.provisioning.report import Line
from label_loop.provisioning.site import Site


class Output:
    """Standard output. Where nobody reads it any more, as behind ``head``, the work goes on in silence."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._resources: list[Line] = []

    def resource(self, line: Line) -> None:
        """Tell what became of a resource."""
        self._resources.append(line)
        self.line(str(line))

    def line(self, text: str) -> None:
        """Say a line to people."""
        if not self._as_json:
            write_line(text)

    def end(self, site: Site, words: str, **values: Any) -> None:
        """Say the last words to people, or all of it to a program: where, resources if any, and the values."""
        self.line(words)
        if self._as_json:
            names = site.names
            document = {
                "loop": site.loop.path,
                "account": names.account,
                "region": names.region,
                "dry_run": site.options.dry_run,
                **({"resources": [line.to_json() for line in self._resources]} if self._resources else {}),
                **values,
            }
            write_line(json.dumps(document, indent=2, ensure_ascii=False))


def write_line(text: str) -> None:
    """Write a line to standard output at once, or nowhere where nobody reads it any more."""
    try:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        # What is left in the buffer is written once more when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
