"""Approval: a person decides on a version that the loop cannot decide on, or nobody does in time."""

from dataclasses import replace

from label_loop.domain import training
from label_loop.domain.approval import OPTIONS
from label_loop.loop_state import LoopState
from label_loop.model_project import ModelProject
from label_loop.payloads import ApprovalQuestion
from label_loop.workflows.model_versions import ModelVersions


class ApprovalWorkflow(ModelProject):
    """The question whether to deploy a version, and its answer. Each step is idempotent."""

    def open_question(self, version_name: str) -> ApprovalQuestion | None:
        """Return the question about a version; None if it is answered, or a newer version or a deployment closed it."""
        question = self.context.store.refresh().open_question
        return question if question and question.version_name == version_name else None

    def announce_question(self, question: ApprovalQuestion, where: str) -> None:
        """Publish that a decision is wanted; ``where`` is the address at which Airflow takes the answer."""
        name = question.version_name
        text = (
            f"a decision is wanted by {question.deadline}: deploy it or hold it? "
            f"{question.reason}. Answer on the page Models, or in Airflow: {where}. Without an answer, the decision "
            f"is: {OPTIONS[question.otherwise]}"
        )
        self.announce_version(name, text, answer_at=where, answer_by=question.until)

    def answer(self, version_name: str, choice: str, answered_by: str | None) -> str | None:
        """Apply an answer, "deploy" or "hold"; return what was decided, or None if the question was closed before.

        ``answered_by`` is None if nobody answered in time. Applying the same answer again returns the same.
        """
        who = f"by {answered_by}" if answered_by else "since nobody answered in time"
        outcome = training.APPROVED if choice == "deploy" else training.HELD
        before = self.open_question(version_name)
        version = self.version(version_name) if before else None

        def answered(state: LoopState) -> LoopState:
            question, attempt = state.open_question, state.last_training_attempt
            if question is None or question.version_name != version_name:
                return state
            if attempt and attempt.version_name == version_name:
                attempt = replace(attempt, outcome=outcome, verdict=f"{outcome} {who}: {question.reason}")
            is_best = version and choice == "deploy" and question.is_best
            return replace(
                state,
                approval_question=replace(question, answer=choice),
                last_training_attempt=attempt,
                best_version_arn=version.arn if version and is_best else state.best_version_arn,
            )

        question = self.context.store.change_state(answered).approval_question
        if question is None or question.version_name != version_name or not question.answer:
            return None
        if question.answer == choice:
            ModelVersions(self.context).answered(version_name, outcome, answered_by, question.reason)
        if before:
            self.announce_version(version_name, f"{outcome} {who}: {question.reason}")
        return question.answer
