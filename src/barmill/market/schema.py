"""Column names of the price and report tables, in their order on disk."""

# A raw Stooq line and a clean export have the same ten columns. Prices are in the quote unit of the listing, adjusted for
# splits and dividends by the supplier; volume is in units and may be fractional after a split.
BAR = ("ticker", "per", "date", "time", "open", "high", "low", "close", "volume", "openint")
PRICES = ("open", "high", "low", "close")

# A stored bar: `date` (date32) where bars are daily or longer, `time` (timestamp[us, UTC], when the bar begins) within a day.
DATE, TIME = "date", "time"
VALUES = (*PRICES, "volume", "openint")  # float64; volume and openint may be null
NAME = "name"  # of the dataset, where bars of several stand in one table

RAW_HEADER = "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>"

REJECTED = ("source_file", "line", "reason", "text")

MATCH_REPORT = (
    "symbol", "isin", "market", "name", "currency", "matched_ticker", "stooq_path", "region", "category", "strategy",
    "source_file", "price_start", "price_end", "price_rows", "inferred_currency", "resolved_currency", "currency_status",
    "data_status", "data_flags", "venue", "confidence", "quote_unit", "last_close",
)  # fmt: skip
UNMATCHED_REPORT = ("symbol", "isin", "market", "name", "currency", "source_file", "reason", "candidates")
QUALITY_SUMMARY = ("what", "region", "value", "count", "examples")
VALIDATION = ("dataset", "rule", "action", "count", "first", "last", "example")
