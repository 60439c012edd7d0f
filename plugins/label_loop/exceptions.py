"""Named errors. Each message says what is wrong, with which value, by which rule, and what to do."""

from collections.abc import Sequence

_SHOWN_CHARACTERS = 80


def shown(value: object) -> str:
    """Return a value for a message: quoted, with control characters escaped, and cut to a readable length."""
    text = ascii(value) if isinstance(value, str) and not value.isprintable() else repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}… ({len(text)} characters)"


class LabelLoopError(Exception):
    """Base of every error that this package raises on purpose."""


class InvalidParameterError(LabelLoopError):
    """A parameter's value does not parse or is out of range."""

    def __init__(self, name: str, value: object, rule: str) -> None:
        super().__init__(f"{name} is {shown(value)}, but must be {rule}.")
        self.name = name
        self.value = value
        self.rule = rule


class RefusedParametersError(LabelLoopError):
    """One or more parameters were refused in a sync; everything else was applied."""

    def __init__(self, loop_path: str, problems: Sequence[str]) -> None:
        super().__init__(
            f"{len(problems)} parameter value(s) of {loop_path} were refused; the last good values stay in "
            "force. Correct them in Parameter Store or as Airflow Variables:\n" + "\n".join(problems)
        )


class LoopNotSetUpError(LabelLoopError):
    """A loop's path holds no usable system record."""

    def __init__(self, loop_path: str, detail: str) -> None:
        super().__init__(
            f"The loop {loop_path} is not ready: {detail}. Set it up with "
            f"`python -m label_loop provision {loop_path}`, or take it out of [label_loop] parameter_paths and of the "
            "Variable label_loop/parameter_paths."
        )


class InvalidLabelError(LabelLoopError):
    """A name cannot be a label's: that of a folder, of an answer or of an upload."""

    def __init__(self, name: str, rule: str) -> None:
        super().__init__(f"{shown(name)} is no label: {rule}.")


class MalformedEventError(LabelLoopError):
    """A queue message is not an event that this loop understands."""


class MalformedAnswerError(LabelLoopError):
    """A review answer cannot be applied; the message says why."""


class UnusableTrainingSetError(LabelLoopError):
    """The labelled images cannot train a model; nothing was started and nothing was paid."""


class VersionNotDeployableError(LabelLoopError):
    """The version that a person wants to serve is unknown, or in a state that it cannot be started from."""


class RunningLimitError(LabelLoopError):
    """Rekognition runs no further version for this account at present."""


class SmokeTestFailedError(LabelLoopError):
    """A freshly started version does not answer; the endpoint was not moved."""


class ReviewRefusedError(LabelLoopError):
    """The review backend does not take tasks from this account or loop."""


class ReviewTakenError(LabelLoopError):
    """A review cannot be changed by this reviewer any more: somebody else has it, or it was answered."""


class NothingServesError(LabelLoopError):
    """No project version runs that detects, or that could be stopped."""


class UnfinishedWorkError(LabelLoopError):
    """A run went through its work, and left some of it for a later try."""

    def __init__(self, unfinished: int, problems: Sequence[str]) -> None:
        super().__init__(
            f"{unfinished} item(s) were left and will come again; {len(problems)} problem(s), the first: {problems[0]}"
        )


class StateChangedError(LabelLoopError):
    """Others changed the state of a loop again and again while it was to be changed; it is worth trying again."""

    def __init__(self, loop_path: str, tries: int) -> None:
        super().__init__(
            f"The state of {loop_path} was changed by others at each of {tries} tries to change it. Nothing was "
            "changed; the next try of the task reads it anew."
        )
