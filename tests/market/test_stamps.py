"""Stamps in Parquet take next to no room, and come back as they were."""

import numpy as np
import pyarrow as pa
import pytest

from barmill.market import arrays
from barmill.market.tables import read_parquet, write_parquet


@pytest.mark.parametrize("kind", [pa.timestamp("us", "UTC"), pa.timestamp("us"), pa.date32()])
def test_stamps_are_stored_by_their_steps(tmp_path, kind):
    """300,000 stamps at even and odd distances take a byte each at most, and are read back exactly."""
    random = np.random.default_rng(1)
    steps = np.where(random.random(300_000) < 0.99, 1, random.integers(2, 1000, 300_000))
    stamps = np.cumsum(steps) * (1 if pa.types.is_date32(kind) else 60_000_000)
    table = pa.table({"time": arrays.arrow(stamps, kind), "value": arrays.arrow(np.zeros(300_000))})
    write_parquet(tmp_path / "x.parquet", table, ["time"])
    assert read_parquet(tmp_path / "x.parquet").equals(table)
    assert (tmp_path / "x.parquet").stat().st_size < 300_000
