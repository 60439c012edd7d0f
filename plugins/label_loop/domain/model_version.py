"""What became of a version: with what it was compared, who decided what, and when."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from label_loop.domain import training
from label_loop.domain.dataset_version import dataset_key
from label_loop.payloads import MODELS_FOLDER

THE_LOOP: Final = "the loop"
REQUESTED: Final = "deployment requested"


def model_key(number: int) -> str:
    """Return the S3 key of what is recorded of a version."""
    return f"{MODELS_FOLDER}v{number}.json"


@dataclass(frozen=True)
class Decision:
    """One decision on a version: what was decided, by whom, when (ISO 8601 in UTC), and why in one sentence."""

    decision: str
    by: str
    at: str
    reason: str = ""


@dataclass(frozen=True)
class Pairs:
    """On how many of the compared test images a version is better, and worse, than the champion."""

    better: int
    worse: int
    compared: int


@dataclass(frozen=True)
class ModelVersion:
    """A version. ``version`` is its name in AWS, ``champion`` that of the version that served when it was judged.

    ``pairs`` are None if the two could not be compared. ``decisions`` are in order; the last one holds.
    """

    number: int
    version: str
    champion: str | None = None
    pairs: Pairs | None = None
    f1: float | None = None
    decisions: tuple[Decision, ...] = ()

    @property
    def decision(self) -> Decision | None:
        """The decision that holds, or None before the first."""
        return self.decisions[-1] if self.decisions else None

    @property
    def reason(self) -> str:
        """The latest reason that was given, for a deployment is recorded without one."""
        return next((one.reason for one in reversed(self.decisions) if one.reason), "")

    def decided(self, decision: Decision) -> "ModelVersion":
        """Return it with one more decision. A decision that is made again, after a crash, is recorded once."""
        last = self.decision
        is_again = last is not None and replace(last, at=decision.at) == decision
        # Somebody may go back to a version that was deployed before: then it has another moment.
        if last and is_again and (decision.decision != training.DEPLOYED or last.at == decision.at):
            return self
        return replace(self, decisions=(*self.decisions, decision))

    def to_json(self) -> str:
        """Return it as JSON."""
        return json.dumps({**asdict(self), "dataset": dataset_key(self.number)}, ensure_ascii=False, indent=1)

    @classmethod
    def from_json(cls, text: str | bytes) -> "ModelVersion | None":
        """Parse the result of ``to_json``; None if it is something else."""
        try:
            return _parsed(json.loads(text))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return None


def _parsed(values: Mapping[str, Any]) -> ModelVersion:
    pairs, f1, champion = values["pairs"], values["f1"], values["champion"]
    return ModelVersion(
        number=int(values["number"]),
        version=str(values["version"]),
        champion=None if champion is None else str(champion),
        pairs=None if pairs is None else Pairs(*(int(pairs[name]) for name in ("better", "worse", "compared"))),
        f1=None if f1 is None else float(f1),
        decisions=tuple(
            Decision(*(str(one[name]) for name in ("decision", "by", "at", "reason"))) for one in values["decisions"]
        ),
    )
