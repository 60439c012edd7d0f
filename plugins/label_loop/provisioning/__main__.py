"""The command: ``python -m label_loop.provisioning /logos``."""

import argparse
import sys
from collections.abc import Sequence

from label_loop.provisioning.command import add_setup_arguments, parser_of, run
from label_loop.provisioning.provision import provision_at
from label_loop.provisioning.site import Options, Site


def main(arguments: Sequence[str] | None = None) -> int:
    """Set a loop up; return the exit status: 0, or 1 with the reason on standard error."""
    given = _parser().parse_args(arguments)
    options = Options(
        bucket=given.bucket,
        labels=_labels(given.labels),
        workteam_arn=given.workteam_arn,
        a2i_role_arn=given.a2i_role_arn,
        operator_email=given.operator_email,
        review_backend=given.review_backend,
        dry_run=given.dry_run,
    )

    def work(site: Site) -> str:
        backend = provision_at(site).get("review_backend")
        return f"The loop {site.loop.path} is set up; its review backend is {backend}."

    return run(work, given.loop, options)


def _parser() -> argparse.ArgumentParser:
    parser = parser_of("", "Make a loop's AWS resources, or bring them up to date. Safe to repeat and to interrupt.")
    parser.add_argument("--bucket", help="default: label-loop-<loop>-<account>-<region>")
    parser.add_argument("--labels", help="the labels reviewers choose from, a,b,c; default: the folders of labels")
    parser.add_argument("--workteam-arn", help="Amazon A2I's work team of reviewers")
    parser.add_argument("--a2i-role-arn", help="the role with which Amazon A2I reads images and writes answers")
    add_setup_arguments(parser)
    return parser


def _labels(text: str | None) -> tuple[str, ...] | None:
    labels = (label.strip() for label in (text or "").split(","))
    return tuple(dict.fromkeys(label for label in labels if label)) or None


if __name__ == "__main__":
    sys.exit(main())
