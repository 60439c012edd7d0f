"""``adopt``: takes over a deployment of the AWS sample, or gives it back."""

from argparse import ArgumentParser, Namespace

from label_loop.cli.command import DRY_RUN, Command, add_setup_arguments
from label_loop.cli.output import Output
from label_loop.loop import NAMED_BY
from label_loop.provisioning.adoption import adopt, give_back
from label_loop.provisioning.site import Options, Site


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--stack", help="the sample's CloudFormation stack, whose rules are disabled")
    parser.add_argument("--back", action="store_true", help="switch on again what was switched off; data is kept")
    add_setup_arguments(parser)


def _options(given: Namespace) -> Options:
    return Options(dry_run=given.dry_run, operator_email=given.operator_email, review_backend=given.review_backend)


def _run(given: Namespace, site: Site, output: Output) -> int:
    path = site.loop.path
    if given.back:
        give_back(site)
        words = f"The sample is in charge again; remove {path} from {NAMED_BY}."
    else:
        adopt(site, given.stack)
        words = f"The loop is adopted. Airflow serves it once {NAMED_BY} contains {path}."
    output.end(site, DRY_RUN if given.dry_run else words)
    return 0


ADOPT = Command(
    "adopt",
    "take over a deployment of the AWS sample, or give it back; safe to repeat and to interrupt",
    "adopt /sample --stack the-sample --dry-run",
    _add_arguments,
    _run,
    _options,
)
