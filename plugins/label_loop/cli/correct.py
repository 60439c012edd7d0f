"""``correct``: gives a labelled image another label, or removes it."""

from argparse import ArgumentParser, Namespace
from dataclasses import asdict

from label_loop.cli.command import DRY_RUN, Command
from label_loop.cli.output import Output
from label_loop.payloads import NONE_OF_THE_ABOVE
from label_loop.provisioning.corrections import corrections_of
from label_loop.provisioning.site import Site


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("image", help="its key, such as images_labeled_by_folder/cat/1.png, or the id of its detection")
    right = parser.add_mutually_exclusive_group(required=True)
    right.add_argument("label", nargs="?", help="the right label")
    right.add_argument("--none", action="store_true", help=f"no label fits: {NONE_OF_THE_ABOVE}")
    right.add_argument("--remove", action="store_true", help="neither train nor test with it any more")


def _run(given: Namespace, site: Site, output: Output) -> int:
    corrections = corrections_of(site)
    label = NONE_OF_THE_ABOVE if given.none else given.label
    found = corrections.remove(given.image) if given.remove else corrections.correct(given.image, label)
    output.end(site, f"{found}. {DRY_RUN}" if given.dry_run else f"{found}.", **asdict(found))
    return 0


CORRECT = Command(
    "correct",
    "give an image another label, or remove it; safe to repeat and to interrupt",
    "correct /logos images_labeled_by_folder/cat/1.png dog",
    _add_arguments,
    _run,
)
