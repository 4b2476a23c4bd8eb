"""The time zone of a dataset: where its periods begin and end.

That of the exchange it is listed on; UTC where there is none: currencies and cryptocurrencies trade around the clock.
"""

import functools
from collections.abc import Mapping
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from barmill.errors import ConfigError
from barmill.market import venues
from barmill.market.datasets import MINUTES, Dataset, chosen

UTC = "UTC"

_BY_REGION = {
    "us": "America/New_York",
    "uk": "Europe/London",
    "pl": "Europe/Warsaw",
    "de": "Europe/Berlin",
    "jp": "Asia/Tokyo",
    "hk": "Asia/Hong_Kong",
    "hu": "Europe/Budapest",
    "ca": "America/Toronto",
    "fr": "Europe/Paris",
    "nl": "Europe/Amsterdam",
    "be": "Europe/Brussels",
    "pt": "Europe/Lisbon",
    "ie": "Europe/Dublin",
    "ch": "Europe/Zurich",
    "it": "Europe/Rome",
    "es": "Europe/Madrid",
    "at": "Europe/Vienna",
    "cz": "Europe/Prague",
    "se": "Europe/Stockholm",
    "fi": "Europe/Helsinki",
    "dk": "Europe/Copenhagen",
    "no": "Europe/Oslo",
    "au": "Australia/Sydney",
}


def zone_of(dataset: Dataset, zones: Mapping[str, str]) -> str:
    """IANA name of the dataset's time zone; "" where its bars are dated, not timed.

    Args:
        dataset: the price series.
        zones: glob of dataset name → IANA zone; the first that matches wins over the exchange's.

    Raises:
        ConfigError: there is no such zone.
    """
    if dataset.frequency not in MINUTES:
        return ""
    venue = venues.by_mic(dataset.mic)
    name = chosen(zones, dataset.name) or (_BY_REGION[venue.region] if venue else UTC)
    if not is_zone(name):
        raise ConfigError(f"zones: there is no time zone {name!r}", 'take an IANA name: "America/New_York"')
    return name


@functools.cache
def is_zone(name: str) -> bool:
    """Whether there is a time zone of this IANA name."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
