"""One measured figure: its target, and the AWS sample's where that was measured."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A value and its bound. ``note`` explains what a reader would ask: how it adds up, or why it falls short."""

    name: str
    value: float
    at_most: float | None = None
    at_least: float | None = None
    sample: str = "-"
    digits: int = 2
    unit: str = ""
    note: str = ""

    @property
    def holds(self) -> bool:
        """Whether the value is within its bounds."""
        above = self.at_least is not None and self.value < self.at_least
        return not above and (self.at_most is None or self.value <= self.at_most)

    @property
    def target(self) -> str:
        """The bound in words."""
        bounds = [f"<= {self.at_most:g}"] if self.at_most is not None else []
        bounds += [f">= {self.at_least:g}"] if self.at_least is not None else []
        return (" and ".join(bounds) + f" {self.unit}").strip() or "-"

    @property
    def shown(self) -> str:
        """The value in words."""
        number = f"{self.value:.{self.digits}f}"
        return (number.rstrip("0").rstrip(".") if "." in number else number) + f" {self.unit}".rstrip()
