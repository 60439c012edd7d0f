"""The output of a command: lines as they are produced, for people, or one JSON document at the end, for programs."""

import json
import os
import sys
from typing import Any

from label_loop.provisioning.report import ResourceLine
from label_loop.provisioning.site import Site


class Output:
    """Standard output. If its reader has closed it, as ``head`` does, the command continues without output."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._resources: list[ResourceLine] = []

    def resource(self, line: ResourceLine) -> None:
        """Report what happened to a resource."""
        self._resources.append(line)
        self.line(str(line))

    def line(self, text: str) -> None:
        """Print a line, unless the output is JSON. What keys and messages contain cannot control the terminal."""
        if not self._as_json:
            write_line("".join(one if one.isprintable() or one == "\n" else ascii(one)[1:-1] for one in text))

    def end(self, site: Site, words: str, **values: Any) -> None:
        """Print the conclusion, or the whole JSON document: account and region, resources if any, and the values."""
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
    """Write a line to standard output at once; discard it if the reader has closed the output."""
    try:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        # Python writes what is left in the buffer once more when it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
