"""Codec and level of Parquet files, as a setting spells them: `zstd`, `zstd:9`, `lz4`, `none`."""

from collections.abc import Mapping

from barmill.errors import ConfigError

DEFAULT = "zstd:1"
USUAL = {"chunks": DEFAULT, "panel": "lz4", "indicators": DEFAULT, "universes": DEFAULT, "labels": DEFAULT, "regimes": DEFAULT}
"""Stage → what it writes with where the setting says nothing: lz4 for what is read far more often than written."""

# codec → its levels and the one it has without saying; None where it has no levels
_LEVELS: Mapping[str, tuple[range, int] | None] = {
    "none": None,
    "snappy": None,
    "lz4": None,
    "gzip": (range(1, 10), 6),
    "zstd": (range(1, 23), 1),
    "brotli": (range(12), 8),
}


def parse_compression(text: str) -> str:
    """A codec with its level spelled out, `zstd:1`; alone where it has none.

    Raises:
        ConfigError: there is no such codec or level.
    """
    codec, mark, number = text.strip().lower().partition(":")
    if codec in _LEVELS:
        known = _LEVELS[codec]
        if known is None and not mark:
            return codec
        if known and (not mark or (number.isdecimal() and int(number) in known[0])):
            return f"{codec}:{int(number) if mark else known[1]}"
    spelled = (f"{name}:{low[0]}-{low[-1]}" if (low := levels and levels[0]) else name for name, levels in _LEVELS.items())
    raise ConfigError(f"compression: {text!r} is no codec and level", f"there are {', '.join(spelled)}")


def compression_of(stage: str, table: Mapping[str, str]) -> str:
    """What the setting `compression` says of a stage of `USUAL`.

    Raises:
        ConfigError: there is no such codec or level, or the setting speaks of a stage that there is not.
    """
    if unknown := [name for name in table if name not in USUAL]:
        raise ConfigError(f"compression: {unknown[0]!r} is no stage that it can be set for", f"there are {_QUOTED}")
    return parse_compression(table.get(stage, USUAL[stage]))


_QUOTED = ", ".join(map(repr, USUAL))
