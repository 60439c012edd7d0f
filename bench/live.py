"""How often the interval of the live accuracy covers the true one: streams of detections of a real model, drawn anew.

Stream number s of a case has the seed s, and its draws the secret "s".
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bench.figures import Figure
from bench.live_streams import (
    CAMERAS,
    Drawn,
    Flags,
    Numbers,
    Stream,
    counts,
    draw,
    stream_of_cameras,
    stream_of_one_model,
    truths,
)
from label_loop.domain.insight import Share
from label_loop.domain.live_accuracy import Estimate, LiveAccuracy, live_accuracy

COVERED = 0.935
_NARROWER = {100: 0.4, 1000: 0.6}  # by interval, as share of today's width

# ----------------------------------------------------------- who answers what


type Order = Callable[[Stream, np.random.Generator], Numbers]
LEFT: Mapping[str, Order] = {
    "at random": lambda stream, chance: chance.random(len(stream.right)),
    "the least sure": lambda stream, _: stream.confidence,
    "the surest": lambda stream, _: -stream.confidence,  # as at a desk that begins with the least sure
    "the wrong ones": lambda stream, chance: stream.right + chance.random(len(stream.right)),
}
"""Which tasks are left without an answer: those that come first in this order."""


def _all_but(asked: Flags, share: float, order: Numbers) -> Flags:
    """Answer this share of the tasks."""
    tasks = np.flatnonzero(asked)
    answered = asked.copy()
    answered[tasks[np.argsort(order[tasks], kind="stable")][: len(tasks) - round(share * len(tasks))]] = False
    return answered


# ------------------------------------------------------------------- measures


@dataclass(frozen=True)
class Answering:
    """How the tasks of a stream are answered: the share, which are left, and whether a budget withholds any."""

    share: float = 1.0
    left: str = "at random"
    has_budget: bool = False

    def asked(self, stream: Stream, drawn: Drawn) -> Flags:
        """Return what people are asked of; with a budget, nothing but what is drawn."""
        return (drawn.sample > 0) | (drawn.review if self.has_budget else ~stream.accepted)

    def answered(self, stream: Stream, drawn: Drawn, seed: int) -> Flags:
        """Return what is answered."""
        order = LEFT[self.left](stream, np.random.default_rng([seed, 1]))
        return _all_but(self.asked(stream, drawn), self.share, order)

    def estimates(self, stream: Stream, drawn: Drawn, seed: int) -> "Estimates":
        """Return the loop's estimates."""
        asked, answered = self.asked(stream, drawn), self.answered(stream, drawn, seed)
        wrong = Stream(stream.confidence, stream.right & answered)
        return Estimates(_live(stream, drawn, answered), _live(stream, drawn, asked), _live(wrong, drawn, asked))


def _live(stream: Stream, drawn: Drawn, answered: Flags) -> LiveAccuracy:
    return live_accuracy("v1", counts(stream, drawn, answered))


@dataclass(frozen=True)
class Estimates:
    """What the loop says, what it would say if all had answered, and if those without an answer were wrong."""

    found: LiveAccuracy
    full: LiveAccuracy
    wrong: LiveAccuracy


HEADLINES = ("accepted", "overall")
_ALL = Answering()
ANSWERINGS = [
    Answering(share, left, has_budget)
    for share in (1.0, 0.95, 0.7)
    for has_budget in (False, True)
    for left in (LEFT if share < 1 else ["at random"])
]


@dataclass
class Tally:
    """How many of the intervals of one headline cover the truth, are too wide, or have a rate that they may not."""

    truth: float
    streams: int = 0
    covered: int = 0
    too_wide: int = 0
    dishonest: int = 0
    width: float = 0.0
    excess: float = 0.0
    """How much wider than the unanswered share and the interval of a full response an interval was, at most."""

    def add(self, found: Estimate, full: Estimate, wrong: Estimate) -> None:
        """Count one stream."""
        width, unanswered = _width(found.interval), 1 - found.answered
        self.streams += 1
        self.covered += found.interval[0] <= self.truth <= found.interval[1]
        self.width += width
        self.excess = max(self.excess, width - unanswered - _width(full.interval))
        self.too_wide += width > unanswered + max(_width(one.interval) for one in (full, wrong)) + 1e-9
        self.dishonest += found.rate is not None and found.answered < 0.95 - 1e-9

    @property
    def coverage(self) -> float:
        """The share of the intervals that cover the truth."""
        return self.covered / self.streams


def _width(interval: tuple[float, float]) -> float:
    return interval[1] - interval[0]


def simulate(
    make: Callable[[int, int], Stream], truths: Sequence[float], interval: int, streams: int, how: Sequence[Answering]
) -> tuple[dict[tuple[Answering, str], Tally], float]:
    """Return what the estimates of each answering come to, and the mean width of today's interval.

    ``truths`` are those of the headlines. A stream has 100 blocks, but at least 2,000 and at most 20,000 detections.
    """
    length = min(max(100 * interval, 2000), 20_000)
    tallies = {(one, name): Tally(truth) for one in how for name, truth in zip(HEADLINES, truths, strict=True)}
    every_nth = 0.0
    for seed in range(streams):
        stream = make(length, seed)
        drawn = draw(stream, interval, str(seed))
        for one in how:
            estimates = one.estimates(stream, drawn, seed)
            for name in HEADLINES:
                found, full, wrong = (getattr(live, name) for live in vars(estimates).values())
                tallies[one, name].add(found, full, wrong)
        nth = stream.right[interval - 1 :: interval]
        every_nth += _width(Share(int(nth.sum()), len(nth)).interval or (0.0, 1.0)) / streams
    return tallies, every_nth


def measure(
    streams: int, intervals: Sequence[int] = (100, 1000), cameras: Sequence[int] = (10, 40, 100, 1000)
) -> list[Figure]:
    """Return the coverage of so many streams of each case, and how wide the intervals are."""
    found = {interval: simulate(stream_of_one_model, truths(), interval, streams, ANSWERINGS) for interval in intervals}
    tallies = {(interval, *key): tally for interval, (some, _) in found.items() for key, tally in some.items()}
    figures = [
        _coverage(
            f"live accuracy, {share:.0%} answered, {'a' if has_budget else 'no'} budget",
            {key: one for key, one in tallies.items() if (key[1].share, key[1].has_budget) == (share, has_budget)},
        )
        for share in (1.0, 0.95, 0.7)
        for has_budget in (False, True)
    ]
    figures += _honesty(list(tallies.values()))
    for interval in cameras:
        some, _ = simulate(stream_of_cameras, truths(1 / CAMERAS), interval, streams, [_ALL])
        own = {(interval, *key): tally for key, tally in some.items()}
        figures.append(_coverage(f"ten cameras, one broken, n = {interval}", own))
    return figures + [_width_against_today(interval, *some) for interval, some in found.items()]


def _honesty(tallies: Sequence[Tally]) -> list[Figure]:
    return [
        Figure("live accuracy: point estimates below 95 % answered", sum(one.dishonest for one in tallies), at_most=0),
        Figure(
            "live accuracy: intervals wider than the unanswered share and any interval of a full response",
            sum(one.too_wide for one in tallies),
            at_most=0,
            note="any: also where all that were left are wrong",
        ),
        Figure(
            "live accuracy: how much wider than the unanswered share and the interval of the full response, at most",
            max(one.excess for one in tallies),
            at_most=0,
            digits=3,
            note="A full response that is right on 0.99 has a narrow interval. If a part is unknown, it might be less, "
            "and a lesser share has a wider one",
        ),
    ]


def _width_against_today(interval: int, tallies: Mapping[tuple[Answering, str], Tally], today: float) -> Figure:
    tally = tallies[_ALL, "overall"]
    ours = tally.width / tally.streams
    name = f"width of the interval against every n-th detection alone, n = {interval}"
    note = f"{ours:.3f} instead of {today:.3f}, from the same number of answers"
    return Figure(name, ours / today, at_most=_NARROWER.get(interval), note=note)


def _coverage(name: str, tallies: Mapping[tuple[int, Answering, str], Tally]) -> Figure:
    (interval, how, headline), worst = min(tallies.items(), key=lambda item: item[1].coverage)
    widths = [tally.width / tally.streams for tally in tallies.values()]
    note = f"{headline}, n = {interval}, left: {how.left}; widths {min(widths):.3f} to {max(widths):.3f}"
    streams = f"{worst.streams:,} streams"
    return Figure(f"{name}: least coverage, {streams}", worst.coverage, at_least=COVERED, digits=3, note=note)
