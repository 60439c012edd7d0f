"""``console-labels``: shows the labels that people gave in the AWS console, and takes them over."""

from argparse import ArgumentParser, Namespace

from label_loop.cli.command import DRY_RUN, Command
from label_loop.cli.output import Output
from label_loop.provisioning.console_labels import console_labels, take_over
from label_loop.provisioning.site import Site


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--take-over", action="store_true", help="put each image into the folder of the label that it was given there"
    )


def _run(given: Namespace, site: Site, output: Output) -> int:
    found = list(console_labels(site))
    acts = given.take_over and not given.dry_run
    for one in found:
        output.line(f"{one} ({take_over(site, one)})" if acts else str(one))
    words = f"{len(found)} label(s) given in the AWS console"
    words = f"{words} {'taken over' if acts else 'found; --take-over applies them'}." if found else f"No {words[2:]}."
    output.end(site, f"{words} {DRY_RUN}" if given.dry_run else words, labels=[one.to_json() for one in found])
    return 0


CONSOLE_LABELS = Command(
    "console-labels",
    "show the labels that were given to a loop's images in the AWS console, or take them over",
    "console-labels /logos --take-over",
    _add_arguments,
    _run,
)
