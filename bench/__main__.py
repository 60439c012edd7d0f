"""Measures what is named, or everything; prints a table and keeps the figures in results.json."""

import json
import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import (
    airflow,
    alike,
    audit,
    bake,
    calls,
    drift,
    honesty,
    labelling,
    learning,
    learning_curve,
    live,
    reviewers,
    sampling,
    small_loop,
    succession,
    thresholds,
    throughput,
    training,
    unknown,
)
from bench.figures import Figure

RESULTS = Path(__file__).with_name("results.json")
MEASURES: Mapping[str, Callable[[], list[Figure]]] = {
    "calls": lambda: calls.measure(1000),
    "sampling": lambda: sampling.measure(1000, 50),
    "check": lambda: training.measure_check(10_000, 100_000),
    "manifest": lambda: training.measure_manifest(100_000),
    "burst-5": lambda: throughput.measure(2000, 5),
    "burst-2": lambda: throughput.measure(2000, 2),
    "burst-1": lambda: throughput.measure(2000, 1),
    "learning": lambda: learning.measure((1, 2, 3), labelled=9, testing=20, uploads=43),
    "alike": lambda: alike.measure(range(1, 11), 200),
    "labelling": lambda: labelling.measure(10),
    "reviewers": lambda: reviewers.measure(200),
    "decisions": lambda: honesty.measure(10, 20),
    "succession": lambda: succession.measure(200),
    "bake": lambda: bake.measure(1000),
    "drift": lambda: drift.measure(200, 200),
    "audit": lambda: audit.measure(range(1, 5)),
    "audit-logos": lambda: audit.measure_logos(range(1, 4)),
    "thresholds": lambda: thresholds.measure(200),
    "unknown": lambda: unknown.measure(range(1, 11)),
    "learning-curve": lambda: learning_curve.measure(20),
    "live": lambda: live.measure(1000),
    "small-loop": lambda: small_loop.measure(range(1, 11)),
    "airflow": lambda: airflow.measure(30, 120),
}


def main(names: Sequence[str]) -> int:
    """Run measures; return 1 where a figure is out of its bounds."""
    unknown = set(names) - MEASURES.keys()
    if unknown:
        print(f"There is no measure {', '.join(sorted(unknown))}; there are: {', '.join(MEASURES)}.")
        return 2
    logging.disable(logging.INFO)
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for name in names or MEASURES:
        figures = MEASURES[name]()
        kept[name] = {"cores": os.cpu_count(), "figures": [asdict(figure) for figure in figures]}
        RESULTS.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")
        _show(figures)
    found = [Figure(**figure) for measure in kept.values() for figure in measure["figures"]]
    _show(found)
    return int(not all(figure.holds for figure in found))


def _show(figures: Sequence[Figure]) -> None:
    table = Table("measure", "the sample", "target", "measured", "", "note")
    for figure in figures:
        holds = "holds" if figure.holds else "falls short"
        table.add_row(figure.name, figure.sample, figure.target, figure.shown, holds, figure.note)
    Console(width=180).print(table)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
