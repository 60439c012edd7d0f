"""``recount``: counts a log that is older than its statistics."""

from argparse import ArgumentParser, Namespace

from label_loop.cli.command import DRY_RUN, Command
from label_loop.cli.output import Output
from label_loop.provisioning.report import ProvisioningError
from label_loop.provisioning.site import Site
from label_loop.provisioning.statistics import rebuild


def _add_arguments(_: ArgumentParser) -> None:
    """Take what every command takes."""


def _run(given: Namespace, site: Site, output: Output) -> int:
    written, changed = rebuild(site)
    if changed:
        names = ", ".join(day.day_and_version for day in changed)
        problem = f"{written} days and versions are as the log says; these were counted on meanwhile: {names}"
        raise ProvisioningError("statistics of", site.loop.path, problem, "run the command again")
    words = f"The statistics of {written} days and versions are as the log says."
    if given.dry_run:
        words = f"The log has {written} days and versions to count. {DRY_RUN}"
    output.end(site, words, days_and_versions=written)
    return 0


RECOUNT = Command(
    "recount",
    "count a loop's whole inference log into its daily statistics; safe to repeat, and while the loop runs",
    "recount /logos",
    _add_arguments,
    _run,
)
