"""The setting `out_of_sample`, a date or a share; `market.samples` finds the border of each series by it."""

import datetime as dt

from barmill.errors import ConfigError


def of_setting(setting: float | dt.date) -> float | str:
    """The setting as it stands in a target's parameters: a share, or a date as YYYY-MM-DD.

    Raises:
        ConfigError: the share is not from 0 to below 1.
    """
    if isinstance(setting, dt.date):
        return setting.isoformat()
    if not 0 <= setting < 1:
        raise ConfigError(
            f"setting out_of_sample: {setting} is not a share from 0 to below 1", "write for example 0.3, or a date: 2024-01-01"
        )
    return setting
