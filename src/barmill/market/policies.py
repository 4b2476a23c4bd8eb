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

LEFT_OUT = (REJECT, QUARANTINE)
"""The actions after which a row does not stay."""

NOT_STORED = {
    NULL_STAMPS: "a bar without a date can't be stored",
    DUPLICATES: "of several bars of one time one is stored",
    NULL_PRICES: "a bar without a price can't be stored",
    NON_FINITE: "a price that is not a finite number can't be stored",
}
"""Rules whose rows can't stay → why."""


def overrides(asset_class: str, chosen: Mapping[str, str]) -> dict[str, str]:
    """What the setting `rules` says about an asset class.

    Args:
        asset_class: one of `datasets.ASSET_CLASSES`.
        chosen: `rule` or `asset_class.rule` → action; the latter wins.

    Raises:
        ConfigError: the rule, asset class or action is unknown (the nearest is named), or the action is not one of the rule's.
    """
    general: dict[str, str] = {}
    special: dict[str, str] = {}
    for key, action in chosen.items():
        owner, dot, rule = key.rpartition(".")
        _check(f"rules: {key!r}", rule, DEFAULTS, "rule")
        _check(f"rules: {key!r} is {action!r}", action, ACTIONS, "action")
        if rule in NOT_STORED and action not in LEFT_OUT:
            raise ConfigError(f"rules: {key!r} can't be {action!r}: {NOT_STORED[rule]}", f"use {REJECT} or {QUARANTINE}")
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


def _check(what: str, word: str, words: Iterable[str], kind: str) -> None:
    if word not in (known := tuple(words)):
        raise ConfigError(f"{what}: unknown {kind} {word!r}", choice_of(word, known))
