"""``recount``: counts an inference log that is older than its statistics."""

from argparse import ArgumentParser, Namespace

from label_loop.cli.command import DRY_RUN, Command
from label_loop.cli.output import Output
from label_loop.provisioning.report import ProvisioningError
from label_loop.provisioning.site import Site
from label_loop.provisioning.statistics import rebuild


def _add_arguments(_: ArgumentParser) -> None:
    """Add nothing to the arguments that every command has."""


def _run(given: Namespace, site: Site, output: Output) -> int:
    written, changed = rebuild(site)
    if changed:
        names = ", ".join(day.day_and_version for day in changed)
        problem = f"{written} days and versions now match the log; these changed during the recount: {names}"
        raise ProvisioningError("statistics of", site.loop.path, problem, "run the command again")
    words = f"The statistics of {written} days and versions match the log."
    if given.dry_run:
        words = f"The log has {written} days and versions to count. {DRY_RUN}"
    output.end(site, words, days_and_versions=written)
    return 0


RECOUNT = Command(
    "recount",
    "recompute a loop's daily statistics from its whole inference log; safe to repeat, and while the loop runs",
    "recount /logos",
    _add_arguments,
    _run,
)
