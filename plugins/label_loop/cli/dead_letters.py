"""``dead-letters``: shows what failed five times, and sends its messages again or discards them."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator

from label_loop.cli.command import DRY_RUN, Command
from label_loop.cli.output import Output
from label_loop.provisioning.dead_letters import DeadLetter, dead_letters, discard, pick, send_again, show
from label_loop.provisioning.put_aside import put_aside
from label_loop.provisioning.report import ProvisioningError
from label_loop.provisioning.site import Site

type _Action = Callable[[Site, Iterator[DeadLetter]], Iterator[DeadLetter]]
_PUT_ASIDE = "object(s) were put aside; to try one again, remove the cause and copy the object onto itself."
_FOUND = "found; --send-again returns them to their queues, --discard deletes them"


def _add_arguments(parser: ArgumentParser) -> None:
    action = parser.add_mutually_exclusive_group()
    action.add_argument(
        "--send-again", action="store_true", help="return them to their queues, once the cause is fixed"
    )
    action.add_argument("--discard", action="store_true", help="delete them permanently, without processing them")
    parser.add_argument(
        "--message", action="append", metavar="ID", help="only the message with this ID, as listed; may be repeated"
    )


def _run(given: Namespace, site: Site, output: Output) -> int:
    wanted = set(given.message or ())
    letters = pick(site, dead_letters(site), wanted) if wanted else dead_letters(site)
    action, verb = _action(given)
    done: list[DeadLetter] = []
    for letter in action(site, letters):
        output.line(str(letter))
        done.append(letter)
    if missing := sorted(wanted - {letter.message_id for letter in done}):
        remedy = "list the messages without --message; one that is being read elsewhere reappears after a minute"
        problem = f"{site.loop.path} has no such message"
        raise ProvisioningError("dead letter", ", ".join(missing), problem, remedy)
    words = [f"{len(done)} dead letter(s) {verb}." if done else "There are no dead letters."]
    aside = put_aside(site) if action is show and not wanted else []
    for text in aside:
        output.line(f"aside    {text}")
    if aside:
        words.append(f"{len(aside)} {_PUT_ASIDE}")
    if given.dry_run:
        words.append(DRY_RUN)
    output.end(site, " ".join(words), dead_letters=[letter.to_json() for letter in done], put_aside=aside)
    return 0


def _action(given: Namespace) -> tuple[_Action, str]:
    """Return what is done with the messages, and the words for it."""
    if given.dry_run and (given.send_again or given.discard):
        return show, "found"
    if given.send_again:
        return send_again, "sent again"
    return (discard, "discarded") if given.discard else (show, _FOUND)


DEAD_LETTERS = Command(
    "dead-letters",
    "show what failed five times in a loop, and send its messages again or discard them",
    "dead-letters /logos --send-again",
    _add_arguments,
    _run,
)
