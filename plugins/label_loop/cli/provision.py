"""``provision``: creates a loop's resources."""

from argparse import ArgumentParser, Namespace

from label_loop.cli.command import DRY_RUN, Command, add_setup_arguments
from label_loop.cli.output import Output
from label_loop.loop import NAMED_BY
from label_loop.provisioning.provision import provision_at
from label_loop.provisioning.site import Options, Site
from label_loop.system_record import RecordKey


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--labels", help="the labels, a,b,c: each gets a folder, and Amazon A2I's page offers them")
    parser.add_argument("--bucket", help="the loop's bucket; default: label-loop-<loop>-<account>-<region>")
    parser.add_argument("--workteam-arn", help="Amazon A2I's work team of reviewers")
    parser.add_argument("--a2i-role-arn", help="the role with which Amazon A2I reads images and writes answers")
    add_setup_arguments(parser)


def _options(given: Namespace) -> Options:
    return Options(
        bucket=given.bucket,
        labels=_labels(given.labels),
        workteam_arn=given.workteam_arn,
        a2i_role_arn=given.a2i_role_arn,
        operator_email=given.operator_email,
        review_backend=given.review_backend,
        dry_run=given.dry_run,
    )


def _labels(text: str | None) -> tuple[str, ...] | None:
    labels = (label.strip() for label in (text or "").split(","))
    return tuple(dict.fromkeys(label for label in labels if label)) or None


def _run(given: Namespace, site: Site, output: Output) -> int:
    backend = provision_at(site).get(RecordKey.REVIEW_BACKEND)
    path = site.loop.path
    words = (
        f"The loop {path} is set up; its review backend is {backend}. "
        f"Airflow serves it once {NAMED_BY} contains {path}."
    )
    output.end(site, DRY_RUN if given.dry_run else words, review_backend=backend)
    return 0


PROVISION = Command(
    "provision",
    "create a loop's AWS resources, or bring them up to date; safe to repeat and to interrupt",
    "provision /logos --labels cat,dog --operator-email you@example.com",
    _add_arguments,
    _run,
    _options,
)
