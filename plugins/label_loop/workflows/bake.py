"""The bake: watches a version that the loop has just deployed, and has the former one return if uploads fail."""

from dataclasses import replace
from datetime import UTC, datetime

from label_loop.domain import bake
from label_loop.domain.approval import deadline
from label_loop.domain.bake import BakeVerdict
from label_loop.loop_state import LoopState
from label_loop.model_project import ModelProject
from label_loop.parameters import ApproveDeployments
from label_loop.payloads import ApprovalQuestion, Bake

_ENDED = BakeVerdict("end", "another version serves, or the bake is over")


class BakeWorkflow(ModelProject):
    """The looks at one version, and what they lead to. Each step is idempotent."""

    def bake_of(self, version_name: str) -> Bake | None:
        """Return the bake of a version; None if there is none, or another version serves by now."""
        state = self.context.store.refresh()
        return state.current_bake if _is_of(state, version_name) else None

    def look(self, version_name: str, *, at_failures: bool) -> BakeVerdict:
        """Judge a version by what is counted: by what fails, or by the shares that a person is asked about.

        One call for the state, and one or two for the counts.
        """
        of, statistics = self.bake_of(version_name), self.context.clients.statistics
        if of is None or statistics is None:
            return _ENDED
        if of.returning:  # recorded before a crash
            return BakeVerdict("return", of.returning) if at_failures else _ENDED
        if of.asked and not at_failures:
            return BakeVerdict("ask", of.asked)
        now = datetime.now(UTC)
        days, _ = statistics.days(*bake.days_to_read(of, now.date()))
        hours = self.context.read_settings().bake_hours
        return bake.look(of, days, hours, now, at_failures=at_failures)

    def return_former(self, version_name: str, reason: str) -> Bake | None:
        """Record and announce that the former version is to serve again; None if another version serves by now."""
        before = self.bake_of(version_name)
        state = self.context.store.change_state(lambda state: _with(state, version_name, returning=reason))
        found = state.current_bake if _is_of(state, version_name) else None
        if found and before and not before.returning:
            text = (
                f"{found.returning}. {found.former_name}, which was stopped, is started again and then serves. "
                "Until the one that fails is stopped, both are billed"
            )
            self.announce_version(version_name, text, returns_to=found.former_name)
        return found

    def ask(self, version_name: str, reason: str) -> Bake | None:
        """Record and announce a change; return the bake if a person is to be asked about it, else None.

        An open question about a newer version comes first. With ``Approve-Deployments`` never, nobody is asked.
        """
        before, settings = self.bake_of(version_name), self.context.settings
        may_ask = settings.approve_deployments is not ApproveDeployments.NEVER

        def asked(state: LoopState) -> LoopState:
            of = state.current_bake
            if of is None or not _is_of(state, version_name) or of.asked:
                return state
            state = _with(state, version_name, asked=reason)
            if not may_ask or state.open_question:
                return state
            until = deadline(None, datetime.now(UTC), settings)
            text = (
                f"{version_name} replaced it, and {reason}. {of.former_name} was stopped: to deploy it again is a "
                "start that is billed"
            )
            return replace(state, approval_question=ApprovalQuestion(of.former_name, text, until, "hold"))

        state = self.context.store.change_state(asked)
        if before and not before.asked:
            self.announce_version(version_name, f"{reason}. It goes on serving unless a person decides otherwise")
        of, question = state.current_bake, state.open_question
        if of is None or not _is_of(state, version_name) or question is None:
            return None
        return of if question.version_name == of.former_name else None

    def end(self, version_name: str, reason: str) -> None:
        """Record and announce that the bake has ended, if it is still under way."""
        before = self.bake_of(version_name)
        if before and not before.returning:
            self.context.store.change_state(
                lambda state: replace(state, current_bake=None) if _is_of(state, version_name) else state
            )
            self.announce_version(version_name, f"the bake has ended after {reason}; it goes on serving")


def _is_of(state: LoopState, version_name: str) -> bool:
    of = state.current_bake
    return of is not None and of.version_name == version_name and of.version_arn == state.endpoint_arn


def _with(state: LoopState, version_name: str, **changes: str) -> LoopState:
    if state.current_bake is None or not _is_of(state, version_name) or state.current_bake.returning:
        return state
    return replace(state, current_bake=replace(state.current_bake, **changes))
