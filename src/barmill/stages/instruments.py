"""A broker's list as a table of instruments with venue and currency, and a report of what was rejected."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from barmill.errors import ConfigError, InputError
from barmill.market import currencies, venues
from barmill.market.lists import Record, normalised, read_table
from barmill.market.tables import write_rows
from barmill.plan import Plan
from barmill.target import Target

ACCEPTED = ("source_file", "symbol", "isin", "market", "name", "currency", "quote_unit", "venue")
REJECTED = ("source_file", "line", "reason", "text")

MISSING_SYMBOL = "missing_symbol"
TEST_ISSUE = "test_issue"
FOOTER = "footer"
REPEATED_HEADER = "repeated_header"
SHIFTED_COLUMNS = "shifted_columns"

_LONGEST_TEXT = 200

# What programs write for "nothing". Upper-case NA, NAN and NONE are tickers, so they count where no ticker can stand.
_PLACEHOLDERS = frozenset({"-", "--", "---", "N/A", "n/a", "#N/A", "n.a.", "nan", "NaN", "null", "NULL", "none", "None", "nil"})
_NO_CODE = frozenset({"NA", "NAN", "NONE", "XXX"})

_HEADERS = {
    "symbol": (
        "symbol",
        "ticker",
        "act symbol",
        "ticker symbol",
        "stock symbol",
        "trading symbol",
        "epic",
        "instrument symbol",
        "ib symbol",
        "symbol ticker",
        "instr code",
        "instrument code",
        "walor",
    ),
    "isin": ("isin", "isin code", "kod isin", "isin number", "security id"),
    "market": (
        "market",
        "exchange",
        "venue",
        "listing exchange",
        "stock exchange",
        "primary exchange",
        "listing exch",
        "reference exchange",
        "exchange id",
        "trading venue",
        "mic",
        "rynek",
        "giełda",
    ),
    "name": (
        "name",
        "security name",
        "company",
        "company name",
        "instrument name",
        "instrument",
        "security",
        "nazwa",
        "description",
        "product",
        "product description",
        "full description",
    ),
    "currency": ("currency", "ccy", "currency code", "currencycode", "trading currency", "quote currency", "waluta"),
    "test issue": ("test issue",),
}
_NASDAQ_LISTED = frozenset({"market category", "test issue"})
_ISIN = re.compile(r"\b[A-Z]{2}[A-Z0-9]{9}[0-9]\b")


def build(
    source: Path,
    accepted: Path,
    rejected: Path,
    *,
    source_file: str,
    venue_names: Mapping[str, str],
    headings: Mapping[str, str],
) -> None:
    """Read one broker's list; a list of any content is built, and what is wrong with it is in `rejected`.

    Args:
        source: the list, in any of the dialects of `market.lists`.
        accepted: source_file, symbol (broker's spelling), isin, market, name, currency (ISO 4217), quote_unit (`GBX` for
            pence), venue (MIC, or "" when unknown); rows in the list's order, duplicates kept. Blank lines and blanks
            around or within values do not show in it.
        rejected: source_file, line (1-based, 0 for an empty file), reason, text (at most 200 characters). Reasons of a
            whole list: empty_file, not_a_table, no_symbol_column; of a line: field_count, stray_quote, missing_symbol,
            test_issue, shifted_columns (an ISIN within the market), footer, repeated_header (of a list that was put
            together of several).
        source_file: name of the list, as it is written into the rows.
        venue_names: the project's own names of venues; see `venues.checked`.
        headings: heading of a column → its role, where the built-in headings don't fit; see `checked_columns`.
    """
    table = read_table(_content(source), lambda names: _column("symbol", names, headings) is not None)
    places = {role: _column(role, table.columns, headings) for role in _HEADERS}
    # Nasdaq's own list has no exchange column: its header is its market.
    market = "NASDAQ" if places["market"] is None and _NASDAQ_LISTED.issubset(table.columns) else ""
    rows, faults = [], []
    if table.fault:
        faults.append(_fault(table.line, table.fault, table.text))
    for record in table.records:
        values = {role: _value(record.fields, place) for role, place in places.items()}
        values |= {role: "" for role in ("isin", "currency") if values[role] in _NO_CODE}
        values["market"] = values["market"] or market
        if reason := REPEATED_HEADER if normalised(record.fields) == table.columns else _rejection(record, values):
            faults.append(_fault(record.line, reason, record.text))
        else:
            rows.append({"source_file": source_file, **_instrument(values, venue_names)})
    write_rows(accepted, ACCEPTED, rows)
    write_rows(rejected, REJECTED, ({"source_file": source_file, **fault} for fault in faults))


def _content(source: Path) -> bytes:
    try:
        return source.read_bytes()
    except IsADirectoryError:
        raise InputError(f"{source} is a folder, not a list", "move the folder away") from None


def targets(plan: Plan) -> Iterator[Target]:
    """One target per broker's list."""
    venue_names, headings = venues.checked(plan.settings.venues), checked_columns(plan.settings.columns)
    for path in plan.instrument_lists():
        name = path.name
        yield Target(
            name=name,
            build=build,
            inputs={"source": path},
            outputs={
                "accepted": plan.path("instruments", f"{name}.accepted.csv"),
                "rejected": plan.path("instruments", f"{name}.rejected.csv"),
            },
            params={"source_file": path.name, "venue_names": venue_names, "headings": headings},
        )


def checked_columns(own: Mapping[str, str]) -> dict[str, str]:
    """A project's own headings of lists, spelled as `read_table` gives them: heading → role.

    Raises:
        ConfigError: a role is unknown.
    """
    roles = [role for role in _HEADERS if role != "test issue"]
    for heading, role in own.items():
        if role not in roles:
            raise ConfigError(f"setting columns: {heading} = {role!r} is not a role", f"the roles are {', '.join(roles)}")
    return {normalised([heading])[0]: role for heading, role in own.items()}


def _column(role: str, names: Sequence[str], own: Mapping[str, str]) -> int | None:
    """Place of the column that plays `role`: by the project's own headings, else by the likeliest of the built-in ones."""
    chosen = next((at for at, name in enumerate(names) if own.get(name) == role), None)
    if chosen is not None:
        return chosen
    return next((names.index(name) for name in _HEADERS[role] if name in names), None)


def _value(fields: Sequence[str], place: int | None) -> str:
    value = "" if place is None or place >= len(fields) else " ".join(fields[place].replace("\ufeff", "").split())
    return "" if value in _PLACEHOLDERS else value


def _fault(line: int, reason: str, text: str) -> dict[str, object]:
    return {"line": line, "reason": reason, "text": text[:_LONGEST_TEXT]}


def _rejection(record: Record, values: Mapping[str, str]) -> str:
    if record.text.lstrip().lower().startswith("file creation time"):
        return FOOTER
    if record.fault:
        return record.fault
    if not values["symbol"]:
        return MISSING_SYMBOL
    if values["test issue"].upper() == "Y":
        return TEST_ISSUE
    return SHIFTED_COLUMNS if _ISIN.search(values["market"]) else ""


def _instrument(values: Mapping[str, str], venue_names: Mapping[str, str]) -> dict[str, str]:
    text = venues.split_market(values["market"])
    name = _joined(text.company, values["name"])
    currency = values["currency"] or text.currency
    if not currency:
        rest, _, last = name.rpartition(" ")
        if currencies.is_code(last):
            name, currency = rest, last
    quote = currencies.quote(currency)
    venue = venues.listing(values["symbol"], text.market, own=venue_names).venue
    return {
        "symbol": values["symbol"],
        "isin": values["isin"].upper(),
        "market": text.market,
        "name": name,
        "currency": quote.currency,
        "quote_unit": quote.unit,
        "venue": venue.mic if venue else "",
    }


def _joined(company: str, name: str) -> str:
    """The whole name, of which the market column swallowed `company` and the name column kept a piece."""
    first, second = ("".join(filter(str.isalnum, part.upper())) for part in (company, name))
    if second in first:
        return company
    return name if first in second else f"{company} {name}"
