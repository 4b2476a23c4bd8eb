"""What is done about bars that break a rule: reject the batch, quarantine the row, warn, or allow it, by asset class."""

from collections.abc import Iterable, Mapping

from barmill.errors import ConfigError, choice_of
from barmill.market.datasets import ASSET_CLASSES

REJECT, QUARANTINE, WARN, ALLOW = "reject", "quarantine", "warn", "allow"
ACTIONS = (REJECT, QUARANTINE, WARN, ALLOW)
"""reject: nothing of the batch is taken; quarantine: the row is left out and listed; warn: it is listed; allow: it is fine."""

NULL_STAMPS = "null_stamps"
DUPLICATES = "duplicate_dates"
ORDER = "non_monotonic_dates"
NULL_PRICES = "null_prices"
NON_FINITE = "non_finite_prices"
HIGH_BELOW_LOW = "high_below_low"
OHLC = "ohlc_violations"
NEGATIVE = "negative_prices"
ZERO = "zero_prices"
ZERO_OPEN = "zero_open"
NEGATIVE_VOLUME = "negative_volume"
MISSING_VOLUME = "missing_volume"
ZERO_VOLUME = "zero_volume"
OFF_SESSION = "off_session"
SPIKES = "spikes"
SPLIT_LIKE = "split_like"
STALE_RUN = "stale_run"

DEFAULTS = {
    NULL_STAMPS: QUARANTINE,
    DUPLICATES: QUARANTINE,
    ORDER: WARN,
    NULL_PRICES: QUARANTINE,
    NON_FINITE: QUARANTINE,
    HIGH_BELOW_LOW: QUARANTINE,
    OHLC: WARN,
    NEGATIVE: QUARANTINE,
    ZERO: QUARANTINE,
    ZERO_OPEN: WARN,  # suppliers write it where they know none; the rest of the bar is good
    NEGATIVE_VOLUME: QUARANTINE,
    MISSING_VOLUME: WARN,
    ZERO_VOLUME: WARN,
    OFF_SESSION: WARN,
    SPIKES: WARN,
    SPLIT_LIKE: WARN,
    STALE_RUN: WARN,
}
"""Rule → action, where the asset class has no other."""

_SIGNED = {NEGATIVE: ALLOW, ZERO: ALLOW, ZERO_OPEN: ALLOW}  # yields and rates fall below nothing; a barrel of oil did
_UNTRADED = {MISSING_VOLUME: ALLOW, ZERO_VOLUME: ALLOW}  # quoted, not traded at one place that could count
_WHOLE = {SPLIT_LIKE: ALLOW}  # nobody splits them
_FIXED = {STALE_RUN: ALLOW}  # set at meetings and auctions, weeks apart

BY_CLASS: Mapping[str, Mapping[str, str]] = {
    "equities": {},
    "etfs": {},
    "funds": _UNTRADED,
    "indices": {**_UNTRADED, **_WHOLE},
    "forex": {**_UNTRADED, **_WHOLE},
    "crypto": {ZERO: WARN, **_WHOLE},  # prices below the last decimal that the supplier prints
    "bonds": {**_SIGNED, **_UNTRADED, **_WHOLE},
    "rates": {**_SIGNED, **_UNTRADED, **_WHOLE, **_FIXED},
    "commodities": {**_SIGNED, **_UNTRADED, **_WHOLE},
    "futures": {NEGATIVE: WARN, ZERO: WARN, **_WHOLE},
    "derivatives": {ZERO: WARN, **_WHOLE, **_FIXED},
    "macro": {**_SIGNED, **_UNTRADED, **_WHOLE, **_FIXED},
    "other": {NEGATIVE: WARN, ZERO: WARN},
}
"""Asset class → rule → action, where it differs from `DEFAULTS`."""

_LEAVE_OUT = frozenset({NULL_STAMPS, DUPLICATES})  # without a stamp of its own no row can be stored


def overrides(asset_class: str, chosen: Mapping[str, str]) -> dict[str, str]:
    """What the setting `rules` says about an asset class.

    Args:
        asset_class: one of `datasets.ASSET_CLASSES`.
        chosen: `rule` or `asset_class.rule` → action; the latter wins.

    Raises:
        ConfigError: there is no such rule, asset class or action; the nearest is named.
    """
    general: dict[str, str] = {}
    special: dict[str, str] = {}
    for key, action in chosen.items():
        owner, dot, rule = key.rpartition(".")
        _check(f"rules: {key!r}", rule, DEFAULTS, "rule")
        _check(f"rules: {key!r} is {action!r}", action, _actions_of(rule), "action")
        if dot:
            _check(f"rules: {key!r}", owner, ASSET_CLASSES, "asset class")
        if not dot:
            general[rule] = action
        elif owner == asset_class:
            special[rule] = action
    return general | special


def resolve(asset_class: str, chosen: Mapping[str, str]) -> dict[str, str]:
    """Every rule's action for an asset class, the setting `rules` heeded; raises as `overrides`."""
    return {**DEFAULTS, **BY_CLASS[asset_class], **overrides(asset_class, chosen)}


def _actions_of(rule: str) -> tuple[str, ...]:
    return (REJECT, QUARANTINE) if rule in _LEAVE_OUT else ACTIONS


def _check(what: str, word: str, words: Iterable[str], kind: str) -> None:
    if word not in (known := tuple(words)):
        raise ConfigError(f"{what}: {word!r} is no {kind} here", choice_of(word, known))
