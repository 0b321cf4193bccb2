"""A row's results: comparisons, and budgets that were met or missed."""

from dataclasses import dataclass, field

from bench.measuring import Spread, spread


@dataclass
class Comparison:
    """One thing, measured for kvmctl and its peers. The first measurement is ours."""

    title: str
    unit: str
    measured: dict[str, Spread]
    more_is_better: bool = False

    def ratio(self, peer):
        """Our median divided by the peer's."""
        ours = next(iter(self.measured.values())).median
        theirs = self.measured[peer].median
        return ours / theirs if theirs else None


@dataclass
class Budget:
    """A limit, and the measured value."""

    what: str
    measured: float
    limit: float
    unit: str

    @property
    def is_met(self):
        return self.measured <= self.limit


@dataclass
class Results:
    """All results of one row."""

    comparisons: list[Comparison] = field(default_factory=list)
    budgets: list[Budget] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def compare(self, title, unit, values, more_is_better=False):
        """Adds and returns a comparison of {who: measurements}, ours first."""
        measured = {who: spread(numbers) for who, numbers in values.items()}
        self.comparisons.append(Comparison(title, unit, measured, more_is_better))
        return self.comparisons[-1]

    def gate(self, what, measured, limit, unit):
        self.budgets.append(Budget(what, measured, limit, unit))

    def note(self, text):
        self.notes.append(text)
