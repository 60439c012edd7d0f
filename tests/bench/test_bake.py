"""A failing version returns, an equal one does not: a few of the measure's bakes."""

from bench import bake


def test_the_figures_hold() -> None:
    figures = bake.measure(100)
    assert len(figures) == 8
    assert all(figure.holds for figure in figures), figures
