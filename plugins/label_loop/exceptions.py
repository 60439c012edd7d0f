"""Named errors. Each message states the problem, the offending value, the rule it breaks, and the remedy."""

from collections.abc import Sequence

_SHOWN_CHARACTERS = 80


def shown(value: object) -> str:
    """Return ``repr(value)`` for a message, truncated to 80 characters; non-printable text is escaped to ASCII."""
    text = ascii(value) if isinstance(value, str) and not value.isprintable() else repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}… ({len(text)} characters)"


class LabelLoopError(Exception):
    """Base class of every error that this package raises on purpose."""


class InvalidParameterError(LabelLoopError):
    """A parameter's value cannot be parsed or is out of range."""

    def __init__(self, name: str, value: object, rule: str) -> None:
        super().__init__(f"{name} is {shown(value)}, but must be {rule}.")
        self.name = name
        self.value = value
        self.rule = rule


class RefusedParametersError(LabelLoopError):
    """A sync rejected one or more parameter values and applied everything else."""

    def __init__(self, loop_path: str, problems: Sequence[str]) -> None:
        super().__init__(
            f"{len(problems)} parameter value(s) for {loop_path} are not in force; the last valid values are. Correct "
            "them in Parameter Store or in the Airflow Variables:\n" + "\n".join(problems)
        )


class LoopNotSetUpError(LabelLoopError):
    """A loop has no usable system record in Parameter Store."""

    def __init__(self, loop_path: str, detail: str) -> None:
        super().__init__(
            f"The loop {loop_path} is not set up: {detail}. Run `python -m label_loop provision {loop_path}`, or "
            "remove the path from [label_loop] parameter_paths and from the Variable label_loop/parameter_paths."
        )


class InvalidLabelError(LabelLoopError):
    """The name of a folder, an answer or an upload is not a valid label."""

    def __init__(self, name: str, rule: str) -> None:
        super().__init__(f"{shown(name)} is not a valid label: {rule}.")


class MalformedEventError(LabelLoopError):
    """A queue message is not a valid S3 notification or A2I event."""


class RefusedAnswerError(LabelLoopError):
    """A review answer is not applied, and trying it again would not change that."""


class MalformedAnswerError(RefusedAnswerError):
    """A review answer is malformed."""


class ForeignObjectError(LabelLoopError):
    """An object is not in the folder of the loop's bucket that it is expected in."""

    def __init__(self, uri: str, folder_uri: str) -> None:
        super().__init__(
            f"{shown(uri)} is not the loop's, so it is neither read nor copied: it must be in {folder_uri}. Remove the "
            "notification or rule that reports it to this loop's queue."
        )


class UnaskedAnswerError(LabelLoopError):
    """An answer refers to a detection that is not in the log, or of which the log records no review (yet)."""


class UnusableTrainingSetError(LabelLoopError):
    """The labelled images cannot train a model. Raised before any training is started or billed."""


class NotCorrectedError(LabelLoopError):
    """A label cannot be corrected: the image is not there, or the label is none."""

    def __init__(self, what: str, problem: str) -> None:
        super().__init__(f"The label of {shown(what)} was not corrected: {problem}.")


class VersionNotCreatedError(LabelLoopError):
    """AWS refused to start a training for good: another try would be refused, too."""

    def __init__(self, version_name: str, why: str, dag_id: str) -> None:
        super().__init__(
            f"The training of {version_name} was not started, and will not be tried again: {why} Fix the cause, then "
            f'trigger the DAG {dag_id} with "force".'
        )


class DatasetFailedError(LabelLoopError):
    """Rekognition could not make a dataset of a training set."""

    def __init__(self, dataset: str, message: str, manifest_key: str) -> None:
        reason = message.rstrip(".") or "no reason given"
        super().__init__(f"Rekognition could not make the dataset {dataset} of {manifest_key}: {reason}.")


class UnreadableDatasetError(LabelLoopError):
    """The file of a dataset holds something that the loop does not write."""

    def __init__(self, name: str, line: int, problem: str) -> None:
        super().__init__(
            f"The dataset {name} cannot be read: line {line} is {problem}. Restore its earlier version in S3."
        )


class VersionNotDeployableError(LabelLoopError):
    """The version requested for deployment does not exist, or its status does not allow a start."""


class RunningLimitError(LabelLoopError):
    """The limit of running project versions is reached."""


class SmokeTestFailedError(LabelLoopError):
    """A newly started version failed its smoke test; the endpoint was not moved."""


class ReviewRefusedError(LabelLoopError):
    """The review backend does not accept tasks from this account or loop."""


class ReviewTakenError(LabelLoopError):
    """This reviewer can no longer change the review: it is leased to somebody else, or already answered."""


class NoServingModelError(LabelLoopError):
    """No running model can detect images, or be stopped."""


class UnfinishedWorkError(LabelLoopError):
    """A run finished, but some of its items failed and will be retried, or there is a problem to report."""

    def __init__(self, unfinished: int, problems: Sequence[str]) -> None:
        items = "1 item" if unfinished == 1 else f"{unfinished} items"
        retried = f"{items} failed and will be retried. " if unfinished else ""
        which = f"Problem 1 of {len(problems)}" if len(problems) > 1 else "Problem"
        super().__init__(f"{retried}{which}: {problems[0]}")


class StateChangedError(LabelLoopError):
    """A change to a loop's state was abandoned because of concurrent changes; it can be retried."""

    def __init__(self, loop_path: str, tries: int) -> None:
        super().__init__(
            f"The state of {loop_path} could not be updated: each of {tries} attempts conflicted with a concurrent "
            "change. Nothing was written; retrying the task is safe."
        )
