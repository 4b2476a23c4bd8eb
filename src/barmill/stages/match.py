"""Which Stooq file holds each instrument's prices; the venue must agree, and what is unmatched has a reason."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from barmill.market import aliases as renames
from barmill.market import spelling, stooq, venues
from barmill.market.tables import read_parquet, read_rows, write_rows
from barmill.market.venues import Listing, Venue
from barmill.plan import Plan
from barmill.target import Target

_INSTRUMENT = ("symbol", "isin", "market", "name", "currency")
MATCHES = (
    *_INSTRUMENT, "quote_unit", "venue", "matched_ticker", "stooq_path", "region", "category", "strategy", "confidence",
    "source_file",
)  # fmt: skip
UNMATCHED = (*_INSTRUMENT, "source_file", "reason", "candidates")
SYMBOLS = ("symbol", "relative_path")

UNKNOWN_VENUE = "unknown_venue"
NOT_COVERED = "venue_not_covered({})"
NOT_IN_TREE = "not_in_tree"
FREQUENCY_MISSING = "frequency_missing"
AMBIGUOUS_TICKER = "ambiguous_ticker"
ISIN_CONFLICT = "isin_conflict"

_MOST_CANDIDATES = 5
_CONFIDENCE = ("high", "medium", "low")


def build(
    index: Path,
    instruments: Sequence[Path],
    matches: Path,
    unmatched: Path,
    symbols: Path,
    *,
    frequency: str,
    aliases: Mapping[str, str],
) -> None:
    """Match every instrument to a file of its own venue, or say why there is none.

    The venue is the market's, else the one that the symbol's suffix names. Only files in the venue's region and
    categories, under tickers with its suffix, are looked at, so a file of another venue changes no match.

    Args:
        index: index of the tree.
        instruments: accepted instruments, a table per list, in the order of the report.
        matches: one row per matched instrument, in input order. `venue` is a MIC: of a symbol that names the country alone
            (`AAPL.US`) the exchange whose category the file is in. `strategy` is ticker (the symbol is the Stooq ticker),
            venue_suffix (symbol and the venue's suffix), bare (a ticker without suffix), class_share, preferred, unit,
            warrant (another spelling of it), alias (a later name). `confidence` is high; medium with one doubt, low with
            more: the file is kept with another exchange of the country, the name is a later one, the symbol is spelled
            as a class and the file as a preferred, the currency is none of the venue's; and two doubts when
            the symbol alone names the venue (unless it is the Stooq ticker), or names another one than the market, or when
            as many or more rows give the ticker another ISIN.
        unmatched: one row per other instrument; `candidates` are tickers of the same symbol elsewhere in the tree, at
            most five, joined by `;`. Reasons: unknown_venue (neither market nor symbol names one),
            venue_not_covered(MIC) (the tree has no file of that venue), frequency_missing (it has this ticker, but at
            other frequencies only), not_in_tree (it does not have it), ambiguous_ticker (two venues keep different
            files under one ticker, and the other one has it), isin_conflict (other rows give the ticker another ISIN, and
            the row's ISIN to another ticker of the region; that one is the first candidate).
        symbols: the distinct matched tickers and their files, in order of the ticker.
        frequency: part of the tree that instruments are matched with.
        aliases: old ticker → new ticker, beside the built-in ones.
    """
    tree = _Tree.read(index, frequency)
    rows = [row for path in instruments for row in read_rows(path)]
    found = [_match(row, tree, aliases) for row in rows]
    files: dict[str, str] = {}
    for match in found:
        if isinstance(match, _Match):
            files[match.ticker] = min(match.file.path, files.get(match.ticker, match.file.path))
    isins = _Isins(zip(rows, found, strict=True))
    outcomes = [(row, isins.checked(row, _unambiguous(outcome, files))) for row, outcome in zip(rows, found, strict=True)]
    write_rows(matches, MATCHES, (outcome.row(row) for row, outcome in outcomes if isinstance(outcome, _Match)))
    write_rows(unmatched, UNMATCHED, (outcome.row(row) for row, outcome in outcomes if isinstance(outcome, _Miss)))
    write_rows(symbols, SYMBOLS, ({"symbol": ticker, "relative_path": path} for ticker, path in sorted(files.items())))


def targets(plan: Plan) -> Iterator[Target]:
    """One target for all lists."""
    if not plan.matches():
        return
    lists = [path.name for path in plan.instrument_lists()]
    yield Target(
        name="tradeable",
        build=build,
        inputs={
            "index": plan.path("index", "index.parquet"),
            "instruments": [plan.path("instruments", f"{name}.accepted.csv") for name in lists],
        },
        outputs={role: plan.path("match", f"{role}.csv") for role in ("matches", "unmatched", "symbols")},
        params={"frequency": plan.settings.frequency, "aliases": dict(plan.settings.aliases)},
    )


class _File(NamedTuple):
    region: str
    category: str
    path: str


@dataclass
class _Tree:
    """The index, asked by ticker. `wanted` has the files of the frequency to match with, `others` the rest."""

    wanted: dict[str, list[_File]] = field(default_factory=dict)
    others: dict[str, list[_File]] = field(default_factory=dict)
    places: set[tuple[str, str]] = field(default_factory=set)
    bases: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def read(cls, index: Path, frequency: str) -> "_Tree":
        names = ("ticker", "region", "category", "relative_path", "frequency", "suffix")
        table = read_parquet(index, names)
        tree = cls()
        for ticker, region, category, path, own, suffix in zip(
            *(table.column(name).to_pylist() for name in names), strict=True
        ):
            files = tree.wanted if own == frequency else tree.others
            files.setdefault(ticker, []).append(_File(region, category, path))
            tree.places.add((region, category))
            tree.bases.setdefault(ticker.removesuffix(suffix), []).append(ticker)
        return tree

    def find(self, files: Mapping[str, list[_File]], venue: Venue, ticker: str) -> _File | None:
        """The venue's file of this ticker: of several, the one where Stooq's bundle puts it, then by path."""
        found = [file for file in files.get(ticker, ()) if venue.admits(file.region, file.category)]
        return min(found, key=lambda file: stooq.copy_rank(file.path), default=None)

    def covers(self, venue: Venue) -> bool:
        return any(venue.admits(region, category) for region, category in self.places)

    def candidates(self, stems: Sequence[str]) -> tuple[str, ...]:
        """Tickers of these stems anywhere in the tree, nearest spelling first."""
        found = dict.fromkeys(ticker for stem in stems for ticker in sorted(self.bases.get(stem, ())))
        return tuple(found)[:_MOST_CANDIDATES]


class _Match(NamedTuple):
    ticker: str
    file: _File
    venue: str
    strategy: str
    confidence: str

    def row(self, instrument: Mapping[str, str]) -> dict[str, str]:
        kept = {name: instrument[name] for name in (*_INSTRUMENT, "quote_unit", "source_file")}
        place = {"stooq_path": self.file.path, "region": self.file.region, "category": self.file.category}
        how = {"venue": self.venue, "matched_ticker": self.ticker, "strategy": self.strategy, "confidence": self.confidence}
        return {**kept, **place, **how}


class _Miss(NamedTuple):
    reason: str
    candidates: tuple[str, ...]

    def row(self, instrument: Mapping[str, str]) -> dict[str, str]:
        kept = {name: instrument[name] for name in (*_INSTRUMENT, "source_file")}
        return {**kept, "reason": self.reason, "candidates": ";".join(self.candidates)}


def _match(row: Mapping[str, str], tree: _Tree, aliases: Mapping[str, str]) -> _Match | _Miss:
    listing = venues.listing(row["symbol"], row["market"], row["venue"])
    stems = spelling.stems(listing.base)
    venue = listing.venue
    if venue is None:
        return _Miss(UNKNOWN_VENUE, tree.candidates(stems))
    if not tree.covers(venue):
        return _Miss(NOT_COVERED.format(venue.label), tree.candidates(stems))
    spelled = [(stem, stem + suffix) for stem in stems for suffix in venue.suffixes]
    for stem, ticker in spelled:
        if file := tree.find(tree.wanted, venue, ticker):
            strategy = _strategy(row["symbol"], stem, ticker)
            other_kind = stem != stems[0] == stem.replace("_", "-")
            return _matched(ticker, file, venue, strategy, _doubts(row, listing, venue, file, strategy) + other_kind)
    for _, ticker in spelled:
        for later in renames.successors(ticker, aliases):
            if file := tree.find(tree.wanted, venue, later):
                return _matched(later, file, venue, "alias", _doubts(row, listing, venue, file, "alias") + 1)
    elsewhere = any(tree.find(tree.others, venue, ticker) for _, ticker in spelled)
    return _Miss(FREQUENCY_MISSING if elsewhere else NOT_IN_TREE, tree.candidates(stems))


def _unambiguous(outcome: _Match | _Miss, files: Mapping[str, str]) -> _Match | _Miss:
    """A match whose ticker stands for another file is none: a symbol has one file."""
    if isinstance(outcome, _Match) and outcome.file.path != files[outcome.ticker]:
        return _Miss(AMBIGUOUS_TICKER, (outcome.ticker,))
    return outcome


class _Isins:
    """Which ISIN the rows of all lists give each ticker, and which tickers each ISIN.

    One paper may be listed on several venues, under one ticker or several, so an ISIN is compared within a region.
    """

    def __init__(self, outcomes: Iterable[tuple[Mapping[str, str], _Match | _Miss]]) -> None:
        self._of_ticker: dict[str, Counter[str]] = {}
        self._of_isin: dict[tuple[str, str], Counter[str]] = {}
        for row, outcome in outcomes:
            if isinstance(outcome, _Match) and row["isin"]:
                self._of_ticker.setdefault(outcome.ticker, Counter())[row["isin"]] += 1
                self._of_isin.setdefault((outcome.file.region, row["isin"]), Counter())[outcome.ticker] += 1

    def checked(self, row: Mapping[str, str], outcome: _Match | _Miss) -> _Match | _Miss:
        """The outcome of a row, unless other rows contradict its ISIN."""
        isin = row["isin"]
        if not isinstance(outcome, _Match) or not isin:
            return outcome
        counts = self._of_ticker[outcome.ticker]
        rivals = [other for other in counts if other != isin]
        if not rivals:
            return outcome
        elsewhere = self._of_isin[outcome.file.region, isin]
        other, times = max(elsewhere.items(), key=lambda each: (each[1], each[0] != outcome.ticker, each[0]))
        if other != outcome.ticker and times >= elsewhere[outcome.ticker]:
            return _Miss(ISIN_CONFLICT, (other, outcome.ticker))
        if max(counts[rival] for rival in rivals) >= counts[isin]:
            return outcome._replace(confidence=_CONFIDENCE[-1])
        return outcome


def _matched(ticker: str, file: _File, venue: Venue, strategy: str, doubts: int) -> _Match:
    exchange = venue if venue.mic else venues.keeper(file.region, file.category)
    return _Match(ticker, file, exchange.mic if exchange else "", strategy, _CONFIDENCE[min(doubts, len(_CONFIDENCE) - 1)])


def _strategy(symbol: str, stem: str, ticker: str) -> str:
    if ticker != stem and symbol.upper() == ticker:
        return "ticker"
    return spelling.kind(stem) or ("bare" if ticker == stem else "venue_suffix")


def _doubts(row: Mapping[str, str], listing: Listing, venue: Venue, file: _File, strategy: str) -> int:
    """How many reasons there are to look at this match again."""
    doubts = 2 * (listing.source == "conflict" or (listing.source == "symbol" and strategy != "ticker"))
    doubts += not venue.is_home(file.category)
    return doubts + bool(row["currency"] and row["currency"] not in venue.currencies)
