"""``dead-letters``: shows the messages that failed five times, sends them again, or discards them."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator

from label_loop.cli.command import DRY_RUN, Command
from label_loop.cli.output import Output
from label_loop.provisioning.dead_letters import DeadLetter, dead_letters, discard, pick, send_again, show
from label_loop.provisioning.report import ProvisioningError
from label_loop.provisioning.site import Site

type _Work = Callable[[Site, Iterator[DeadLetter]], Iterator[DeadLetter]]
_FOUND = "found; --send-again gives them back, --discard deletes them"


def _add_arguments(parser: ArgumentParser) -> None:
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--send-again", action="store_true", help="give them back to their queues, the cause mended")
    action.add_argument("--discard", action="store_true", help="delete them for good: what they are about is not done")
    parser.add_argument(
        "--message", action="append", metavar="ID", help="only this one, by its id as it is shown; may be repeated"
    )


def _run(given: Namespace, site: Site, output: Output) -> int:
    wanted = set(given.message or ())
    letters = pick(site, dead_letters(site), wanted) if wanted else dead_letters(site)
    work, verb = _work(given)
    done: list[DeadLetter] = []
    for letter in work(site, letters):
        output.line(str(letter))
        done.append(letter)
    if missing := sorted(wanted - {letter.message_id for letter in done}):
        way_out = "list them without --message; one that somebody looks at elsewhere is back after a minute"
        problem = f"{site.loop.path} has no such message"
        raise ProvisioningError("dead letter", ", ".join(missing), problem, way_out)
    words = f"{len(done)} dead letter(s) {verb}." if done else "There are no dead letters."
    output.end(
        site,
        f"{words} {DRY_RUN}" if given.dry_run else words,
        dead_letters=[letter.to_json() for letter in done],
    )
    return 0


def _work(given: Namespace) -> tuple[_Work, str]:
    """Return what is done with the messages, and its words."""
    if given.dry_run and (given.send_again or given.discard):
        return show, "found"
    if given.send_again:
        return send_again, "sent again"
    return (discard, "discarded") if given.discard else (show, _FOUND)


DEAD_LETTERS = Command(
    "dead-letters",
    "show the messages of a loop that failed five times, send them again, or discard them",
    "dead-letters /logos --send-again",
    _add_arguments,
    _run,
)
