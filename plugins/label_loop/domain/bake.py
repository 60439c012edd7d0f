"""The bake: for some hours after a deployment, whether the new version does worse in service than the former one.

Test images say how often a version is right, and nothing about a version that fails on what is uploaded. Its uploads
are therefore compared with those of the former version in the seven days before. Whether more of them fail is tested
by the exact test of Fisher (Journal of the Royal Statistical Society 98, 1935), one-sided: given how many fail in all,
it is the chance that at least so many of them are of the new version if both fail equally often.

A bake looks again and again, so each look has a level of its own: 0.001 / (k (k + 1)) from the k-th quarter that the
uploads have grown by. These levels sum to 0.001. ``bench/`` measures how often a version returns that is not worse.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Literal, NamedTuple

from label_loop.domain import statistics
from label_loop.domain.insight import DailyCounts
from label_loop.domain.statistics import agreed_counter, answered_counter, label_counter, version_name
from label_loop.domain.training import DECIDED, RETURNED
from label_loop.loop_state import LoopState
from label_loop.payloads import Bake, ProjectVersion, TrainingAttempt

FEWEST_UPLOADS = 20
LEVEL = 0.001
DAYS_BEFORE = 7
"""Of which the former version's uploads are compared."""
LONGEST = timedelta(days=7)
"""Of a bake that is prolonged until there are enough uploads."""
_GROWTH = 1.25
_JUMP = 0.1  # by which a share rises at least before a person is asked: below it, nobody would act
_NEGLIGIBLE = 1e-17  # of a sum


class Share(NamedTuple):
    """Of how many something is true, of how many in all."""

    part: int
    whole: int

    def __str__(self) -> str:
        return f"{self.part} of {self.whole}"


class BakeVerdict(NamedTuple):
    """What a look at a bake leads to, and why in one sentence without a subject."""

    action: Literal["wait", "return", "ask", "end"]
    reason: str = ""


def bake_of(attempt: TrainingAttempt | None, version: ProjectVersion, former_arn: str | None, now: str) -> Bake | None:
    """Return the bake that begins as a version replaces another one at a moment in ISO 8601.

    None if a person chose the version, who then decides on it, too, and for the first one. What a person approved was
    proposed by the loop.
    """
    is_the_loops = attempt and attempt.version_name == version.name and attempt.outcome in DECIDED
    if not (is_the_loops and former_arn) or former_arn == version.arn:
        return None
    return Bake(version.name, version.arn, version_name(former_arn), former_arn, now)


def after_return(state: LoopState, deployed_version_name: str) -> LoopState:
    """Return the state as a version is deployed, with the return recorded if it is one to the former version.

    The attempt of the version that did worse is marked, so that it is not deployed again, and it is no longer the best
    one. A deployment by hand of the former version is a return, too, if the bake has found something.
    """
    bake, attempt = state.current_bake, state.last_training_attempt
    found = bake and bake.former_name == deployed_version_name and (bake.returning or bake.asked)
    if not bake or not found or bake.version_arn != state.endpoint_arn:
        return state
    if attempt and attempt.version_name == bake.version_name:
        attempt = replace(attempt, outcome=RETURNED, verdict=f"{RETURNED} to {bake.former_name}: {found}")
    is_best = state.best_version_arn == bake.version_arn
    return replace(
        state,
        last_training_attempt=attempt,
        best_version_arn=bake.former_arn if is_best else state.best_version_arn,
    )


def excess_p_value(new: Share, former: Share) -> float:
    """Return the chance of at least so many of the new ones if both shares are equal, by Fisher's exact test.

    It is 1 where the new share is not higher, and where there is nothing to compare.
    """
    marked, whole = new.part + former.part, new.whole + former.whole
    if not former.whole or new.part * whole <= new.whole * marked:
        return 1.0
    term = math.exp(
        _log_choose(marked, new.part)
        + _log_choose(whole - marked, new.whole - new.part)
        - _log_choose(whole, new.whole)
    )
    total = 0.0
    for part in range(new.part, min(marked, new.whole) + 1):
        total += term
        if term < _NEGLIGIBLE * total:  # beyond the mean, each term is smaller than the one before
            break
        term *= (marked - part) * (new.whole - part) / ((part + 1) * (whole - marked - new.whole + part + 1))
    return min(1.0, total)


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def is_higher(new: Share, former: Share) -> bool:
    """Return whether the new share is higher for sure, from 20 on."""
    if new.whole < FEWEST_UPLOADS:
        return False
    look = 1 + int(math.log(new.whole / FEWEST_UPLOADS) / math.log(_GROWTH))
    return excess_p_value(new, former) < LEVEL / (look * (look + 1))


def days_to_read(bake: Bake, today: date) -> tuple[date, date]:
    """Return the first and the last day of which counts are compared."""
    return _day(bake) - timedelta(days=DAYS_BEFORE), today


def look(bake: Bake, days: Sequence[DailyCounts], hours: int, now: datetime, *, at_failures: bool) -> BakeVerdict:
    """Judge a bake by the daily counts of both versions: by what fails, or by what a person is to look at.

    ``hours`` is how long it lasts. Counts are daily, so those of the new version begin with the day on which it was
    deployed.
    """
    new = _sum(one for one in days if one.version == bake.version_name and one.day >= _day(bake).isoformat())
    former = _sum(one for one in days if one.version == bake.former_name)
    for what, share in ({"uploads failed": _failures} if at_failures else _SHARES).items():
        now_is, was = share(new), share(former)
        if is_higher(now_is, was) and (at_failures or _rise(now_is, was) >= _JUMP):
            reason = f"{now_is} {what} since it serves, and {was} of {bake.former_name} before"
            return BakeVerdict("return" if at_failures else "ask", reason)
    uploads = _failures(new).whole
    if _is_over(bake, uploads, hours, now):
        return BakeVerdict("end", f"{uploads} uploads")
    return BakeVerdict("wait", f"{uploads} uploads")


def _is_over(bake: Bake, uploads: int, hours: int, now: datetime) -> bool:
    """Return whether a bake has ended. With fewer than 20 uploads it is prolonged, to seven days at most."""
    passed = now - datetime.fromisoformat(bake.since)
    if not hours or passed >= LONGEST:
        return True
    return passed >= timedelta(hours=hours) and uploads >= FEWEST_UPLOADS


def _day(bake: Bake) -> date:
    return datetime.fromisoformat(bake.since).date()


def _sum(days: Iterable[DailyCounts]) -> Counter[str]:
    total = Counter[str]()
    for day in days:
        total.update(day.counts)
    return total


def _rise(new: Share, former: Share) -> float:
    return new.part / new.whole - former.part / former.whole


def _failures(counts: Counter[str]) -> Share:
    # Images that cannot be read are in neither number: they would fail with any version.
    failed = counts[statistics.GIVEN_UP]
    return Share(failed, counts[statistics.DETECTIONS] + failed)


def _without_label(counts: Counter[str]) -> Share:
    return Share(counts[label_counter("")], counts[statistics.DETECTIONS])


def _not_accepted(counts: Counter[str]) -> Share:
    return Share(counts[statistics.DETECTIONS] - counts[statistics.ACCEPTED], counts[statistics.DETECTIONS])


def _wrong_samples(counts: Counter[str]) -> Share:
    answered = counts[answered_counter(statistics.SAMPLES)]
    return Share(answered - counts[agreed_counter(statistics.SAMPLES)], answered)


_SHARES: Mapping[str, Callable[[Counter[str]], Share]] = {
    "detections had no label": _without_label,
    "detections were not accepted": _not_accepted,
    "human samples were wrong": _wrong_samples,
}
