# SPDX-License-Identifier: GPL-2.0-or-later
"""The figures of all runs as text, and what the goals say of them."""
import math
import statistics
from typing import Callable, NamedTuple

NEVER = math.inf


class Column(NamedTuple):
    metric: str
    head: str
    form: Callable[[float], str]
    missed: str = "-"


def share(value):
    return f"{value * 100:.1f}"


def seconds(value):
    return f"{value:.2f}" if value < 10 else f"{value:.1f}"


def whole(value):
    return f"{value:.0f}"


TABLES = (
    ("together: T=0 when the content is there; CPU is ksmd's", (
        Column("together", "merged %", share), Column("t50_s", "T50 s", seconds, "never"),
        Column("t90_s", "T90 s", seconds, "never"), Column("t90_cpu_s", "CPU-s at T90", seconds, "never"),
        Column("x_floor", "x floor", seconds, "never"), Column("used_s", "CPU-s in all", seconds),
        Column("area", "MiB s per CPU-s", whole), Column("steady", "steady CPU %", share))),
    ("merged of what can be, % (and when the run was ended, s)", (
        Column("staggered", "staggered %", share), Column("staggered_s", "at s", whole),
        Column("late", "late equal %", share), Column("late_s", "at s", whole))),
    ("what a burst of merging costs busy guests, % (noise: the same with KSM off, twice)", (
        Column("loss_one_idle", "one CPU idle", share), Column("noise_one_idle", "noise", share),
        Column("merged_one_idle", "merged meanwhile %", share),
        Column("loss_none_idle", "none idle", share), Column("noise_none_idle", "noise", share),
        Column("merged_none_idle", "merged meanwhile %", share))),
)


class Results:
    """All values of each (contender, metric), in the order of the rounds."""

    def __init__(self):
        self._values = {}
        self.void = []

    def add(self, contender, scenario, numbers):
        """numbers: None for a void run."""
        if numbers is None:
            self.void.append(f"{contender} {scenario}")
            return
        for metric, value in numbers.items():
            found = NEVER if value is None else value
            self._values.setdefault((contender, metric), []).append(found)

    def values(self, contender, metric):
        if metric == "x_floor":
            floor = self.median("floor", "t90_cpu_s")
            return [value / floor for value in self.values(contender, "t90_cpu_s")] if floor else []
        return self._values.get((contender, metric), [])

    def median(self, contender, metric):
        """None where it was not measured."""
        values = self.values(contender, metric)
        return statistics.median_high(values) if values else None


def cell(values, column):
    def form(value):
        return column.missed if value == NEVER else column.form(value)
    if not values:
        return ""
    middle = form(statistics.median_high(values))
    low, high = form(min(values)), form(max(values))
    return middle if low == high else f"{middle} ({low}..{high})"


def lines(rows):
    """Columns as wide as they must be; the first to the left."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    for first, *rest in rows:
        cells = [first.ljust(widths[0])] + [text.rjust(width) for text, width in zip(rest, widths[1:])]
        yield ("  " + "  ".join(cells)).rstrip()


def tables(results, contenders):
    """Median, and the range where there is one."""
    for title, columns in TABLES:
        rows = [[contender] + [cell(results.values(contender, column.metric), column) for column in columns]
                for contender in contenders]
        rows = [row for row in rows if any(row[1:])]
        if rows:
            yield from ("", title)
            yield from lines([[""] + [column.head for column in columns]] + rows)
    if results.void:
        yield from ("", "void, and in no figure: " + ", ".join(results.void))


# --- goals ----------------------------------------------------------------------------

US = "kvmtuned"
MERGES = 0.5    # a peer that merged less than this did no work that could slow anybody


class Goals:
    """Each answers (what is asked, the figures, is it reached?); None: not measured."""

    def __init__(self, results, window_s):
        self._results, self._window_s = results, window_s

    def _of(self, metric, contender=US):
        return self._results.median(contender, metric)

    def _at_least(self, metric, what, bound):
        value = self._of(metric)
        reached = None if value is None else value >= bound
        return f"{what} >= {share(bound)} %", value is not None and f"{share(value)} %", reached

    def _below(self, metric, what, bound):
        value = self._of(metric)
        reached = None if value is None else value < bound
        return f"{what} < {share(bound)} %", value is not None and f"{share(value)} %", reached

    def _moment(self, value):
        return f"never in {self._window_s} s" if value == NEVER else f"{seconds(value)} s"

    def _sooner(self, peer, part):
        what = f"T90 <= 1/{part} of {peer}'s"
        ours, theirs = self._of("t90_s"), self._of("t90_s", peer)
        if ours is None or theirs is None:
            return what, None, None
        figures = f"{self._moment(ours)} against {self._moment(theirs)}"
        return what, figures, ours != NEVER and ours <= theirs / part

    def _frugal(self, bound):
        what, ratio = f"CPU-s at T90 <= {bound} x floor", self._of("x_floor")
        if ratio is None:
            return what, None, None
        return what, "T90 never" if ratio == NEVER else f"{ratio:.2f} x", ratio <= bound

    def _gentlest(self, peers):
        what, ours = "loss with no CPU idle below every merging peer's", self._of("loss_none_idle")
        theirs = {peer: self._of("loss_none_idle", peer) for peer in peers
                  if (self._of("merged_none_idle", peer) or 0) >= MERGES}
        if ours is None or not theirs:
            return what, None, None
        gentlest = min(theirs, key=theirs.get)
        figures = (f"{share(ours)} % against {share(theirs[gentlest])} % ({gentlest}); merged meanwhile: "
                   f"{share(self._of('merged_none_idle'))} % against "
                   f"{share(self._of('merged_none_idle', gentlest))} %")
        return what, figures, ours < theirs[gentlest]

    def all(self, contenders):
        peers = [contender for contender in contenders if contender not in (US, "floor")]
        return (self._at_least("staggered", "staggered merged", 0.99),
                self._at_least("late", "late equal merged", 0.99),
                self._sooner("ksmtuned", 5), self._sooner("advisor", 3), self._frugal(1.25),
                self._below("steady", "steady CPU", 0.01),
                self._below("loss_one_idle", "loss with a CPU idle", 0.03),
                self._gentlest(peers))


def verdicts(results, contenders, window_s):
    words = {True: "reached", False: "not reached", None: "not measured"}
    rows = [[what, figures or "", words[reached]]
            for what, figures, reached in Goals(results, window_s).all(contenders)]
    yield from ("", "goals of kvmtuned (medians)")
    yield from lines([["", "measured", "verdict"]] + rows)
