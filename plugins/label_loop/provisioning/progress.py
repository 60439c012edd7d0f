"""Waits for a stack, and reports its events as they occur."""

from collections.abc import Callable, Iterator
from typing import Any

from botocore.exceptions import ClientError

from label_loop.provisioning.account import Account
from label_loop.provisioning.stack import Stack

_POLL_SECONDS = 5.0
_SILENCE_SECONDS = 60.0  # without an event, before a line says that CloudFormation is still working
_START_SECONDS = 60.0  # within which CloudFormation starts what it was asked to do
_CANCELLED = "cancelled"  # the consequence of another resource's failure, not a cause


class Progress:
    """The events of one stack from now on; to be created before the operation that causes them starts."""

    def __init__(self, account: Account, stack: str, *, is_new: bool = False) -> None:
        self._account = account
        self._stack = stack
        self._seen = set() if is_new else {event["EventId"] for event in self._page()}
        self.failures: list[str] = []

    def follow(self, look: Callable[[], Stack | None], detail: Callable[[], str] = str) -> Stack | None:
        """Return the stack once CloudFormation has finished; ``detail`` completes the line shown during silence."""
        began = reported = self._account.clock()
        has_begun = False
        while True:
            has_news = self._report_new()  # read before the stack: a status older than the events could look final
            stack, now = look(), self._account.clock()
            has_begun = has_begun or has_news or (stack is not None and stack.is_busy)
            if stack is None or self._has_ended(stack, has_begun, now - began):
                self._report_new()
                return stack
            if has_news:
                reported = now
            if now - reported >= _SILENCE_SECONDS:
                reported = now
                self._account.say(f"    {stack.status} for {(now - began) / 60:.0f} min{detail()}")
            self._account.sleep(_POLL_SECONDS)

    def _has_ended(self, stack: Stack, has_begun: bool, seconds: float) -> bool:
        may_begin = seconds < _START_SECONDS and (stack.is_empty or not has_begun)
        return not stack.is_busy and not may_begin

    def _report_new(self) -> bool:
        new = list(self._new())
        for event in reversed(new):
            self._seen.add(event["EventId"])
            status, reason = event.get("ResourceStatus", ""), event.get("ResourceStatusReason", "")
            what = f"{event.get('ResourceType', '')} {event.get('LogicalResourceId', '')}"
            because = f": {reason}" if reason else ""
            self._account.say(f"    {event['Timestamp']:%H:%M:%S} {status:<18} {what}{because}")
            if status.endswith("_FAILED") and _CANCELLED not in reason:
                self.failures.append(f"{what} {status}: {reason or 'no reason given'}")
        return bool(new)

    def _new(self) -> Iterator[dict[str, Any]]:
        token: dict[str, str] = {}
        while True:
            answer = self._answer(token)
            for event in answer.get("StackEvents", []):
                if event["EventId"] in self._seen:
                    return
                yield event
            if not answer.get("NextToken"):
                return
            token = {"NextToken": answer["NextToken"]}

    def _page(self) -> list[dict[str, Any]]:
        return list(self._answer({}).get("StackEvents", []))

    def _answer(self, token: dict[str, str]) -> dict[str, Any]:
        try:
            answer = self._account.client("cloudformation").describe_stack_events(StackName=self._stack, **token)
        except ClientError as error:
            if "does not exist" in str(error):  # it was deleted
                return {}
            raise
        return dict(answer)
