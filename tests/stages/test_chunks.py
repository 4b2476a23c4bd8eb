"""Chunks of a dataset and their manifest, against plain Python."""

import dataclasses
import datetime as dt
from dataclasses import asdict
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from barmill.errors import InputError
from barmill.hashing import digest_file
from barmill.market.chunkset import rebuild
from barmill.market.manifest import Identity, Manifest
from barmill.market.tables import read_parquet
from barmill.stages import chunks
from tests.stages.contract import StageContract
from tests.support import chunks_oracle as oracle

HEADER = "ticker,per,date,time,open,high,low,close,volume,openint"
DAILY = Identity("A.US", "A.US", "equities", "daily", "", "year")
WARSAW = "Europe/Warsaw"


def timed(scheme="month", zone="America/New_York"):
    """A dataset of bars within a day."""
    return Identity("A.US", "A.US", "equities", "5min", zone, scheme)


def line(stamp, *values):
    """A line of an export: a date or a datetime, and up to six values."""
    values = [*values, *[1.5, 2.5, 0.5, 1.0, 100.0, 0.0][len(values) :]]
    return f"A.US,D,{stamp:%Y-%m-%d},{stamp:%H:%M:%S},{','.join('' if each is None else repr(each) for each in values)}"


def build(folder, lines, identity=DAILY, clock="", compression="zstd:1", header=HEADER):
    """Build the chunks of an export with these lines; returns the manifest."""
    folder.mkdir(exist_ok=True)
    export = folder / "export.csv"
    export.write_text("\n".join([header, *lines, ""]))
    at = {"chunks": folder / identity.name, "manifest": folder / f"{identity.name}.json"}
    chunks.build([export], **at, identity=asdict(identity), clock=clock, compression=compression)
    return Manifest.read(at["manifest"])


def stored(folder, manifest):
    """Bars of each chunk, as Python values."""
    path = folder / f"{manifest.identity.name}.json"
    tables = {chunk.period: read_parquet(file) for chunk, file in zip(manifest.chunks, manifest.files(path), strict=True)}
    return {period: [tuple(row.values()) for row in table.to_pylist()] for period, table in tables.items()}


def days(*texts):
    """Dates."""
    return [dt.date.fromisoformat(text) for text in texts]


def test_a_year_of_bars_is_a_file(tmp_path):
    """Chunks hold the bars of their period, in order; the manifest says which, how many, and what their bytes are."""
    bars = days("2022-12-30", "2023-01-02", "2023-12-29", "2025-01-02")
    manifest = build(tmp_path, [line(day, 1.25, 2.0, 1.0, 1.5, None, None) for day in bars])
    assert stored(tmp_path, manifest) == {
        "2022": [(bars[0], 1.25, 2.0, 1.0, 1.5, None, None)],
        "2023": [(day, 1.25, 2.0, 1.0, 1.5, None, None) for day in bars[1:3]],
        "2025": [(bars[3], 1.25, 2.0, 1.0, 1.5, None, None)],
    }
    told = [(chunk.period, chunk.file, chunk.start, chunk.end, chunk.rows) for chunk in manifest.chunks]
    assert told[1] == ("2023", "A.US/2023.parquet", "2023-01-02", "2023-12-29", 2)
    assert (manifest.rows, manifest.start, manifest.end) == (4, "2022-12-30", "2025-01-02")
    for chunk in manifest.chunks:
        file = tmp_path / chunk.file
        assert (chunk.digest, chunk.bytes) == (digest_file(file), file.stat().st_size)


def test_columns_and_types_are_those_on_disk(tmp_path):
    """The manifest names the columns and types that the files have."""
    for identity, clock in ((DAILY, ""), (timed(), WARSAW)):
        manifest = build(tmp_path / identity.frequency, [line(dt.datetime(2024, 1, 2, 15, 30))], identity, clock)
        (file,) = manifest.files(tmp_path / identity.frequency / "A.US.json")
        schema = read_parquet(file).schema
        assert dict(manifest.columns) == {field.name: str(field.type) for field in schema}
    assert next(iter(manifest.columns.items())) == ("time", "timestamp[us, tz=UTC]")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    scheme=st.sampled_from(["week", "month", "quarter", "year", "3 days", "30 days"]),
    stamps=st.lists(st.dates(dt.date(1985, 1, 1), dt.date(2040, 1, 1)), min_size=1, max_size=40, unique=True),
)
def test_dated_bars_are_cut_as_the_calendar_says(tmp_path, scheme, stamps):
    """Any dates, by any scheme: the same chunks as in plain Python, and the manifest can be made again from the files."""
    identity = dataclasses.replace(DAILY, scheme=scheme)
    lines = [line(day, float(at)) for at, day in enumerate(sorted(stamps))]
    check(tmp_path, lines, identity, "")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    scheme=st.sampled_from(["week", "month", "1 days", "year"]),
    zone=st.sampled_from(["America/New_York", "Asia/Tokyo", "UTC", "America/Sao_Paulo"]),
    start=st.sampled_from([dt.datetime(2024, 3, 31), dt.datetime(2024, 10, 27), dt.datetime(2024, 12, 31, 20)]),
    minutes=st.lists(st.integers(0, 60 * 24 * 3), min_size=1, max_size=60, unique=True),
)
def test_timed_bars_are_cut_in_the_zone_of_the_exchange(tmp_path, scheme, zone, start, minutes):
    """Wall clock stamps around a change of clocks come to the instants, and to the periods, that zoneinfo gives."""
    stamps = [start + dt.timedelta(minutes=each) for each in sorted(minutes)]
    real = [each for each in stamps if came(each)]
    lines = [line(each, float(at)) for at, each in enumerate(real)]
    check(tmp_path, lines, timed(scheme, zone), WARSAW)


def came(wall):
    """Whether clocks in Warsaw have shown this time."""
    warsaw = ZoneInfo(WARSAW)
    return wall.replace(tzinfo=warsaw).astimezone(dt.UTC).astimezone(warsaw).replace(tzinfo=None) == wall


def check(folder, lines, identity, clock):
    """Build into a folder of its own, and compare with the oracle."""
    place = folder / str(len(list(folder.iterdir())))
    manifest = build(place, lines, identity, clock)
    bars = oracle.read_export(place / "export.csv", clock)
    assert stored(place, manifest) == oracle.cut(bars, identity.scheme, identity.zone)
    if bars:
        assert rebuild(place / identity.name).encode() == (place / f"{identity.name}.json").read_bytes()


def test_a_wall_clock_hour_that_came_twice_is_the_second(tmp_path):
    """02:30 in Warsaw on the day when clocks were put back is 01:30 UTC, not 00:30."""
    manifest = build(tmp_path, [line(dt.datetime(2024, 10, 27, 2, 30))], timed(), WARSAW)
    assert manifest.start == "2024-10-27T01:30:00Z"


def test_a_wall_clock_hour_that_never_came_is_refused(tmp_path):
    """02:30 in Warsaw on the day when clocks were put forward is no time: the error names it, and where UTC stamps belong."""
    with pytest.raises(InputError, match=r"2024-03-31 02:30:00.*\nhint: .*stamped in UTC"):
        build(tmp_path, [line(dt.datetime(2024, 3, 31, 2, 30))], timed(), WARSAW)


def test_no_bar_is_an_empty_manifest(tmp_path):
    """Without an export, or with one of a header only, there is a manifest without chunks, and no folder."""
    assert build(tmp_path, []).chunks == ()
    at = {"chunks": tmp_path / "B", "manifest": tmp_path / "B.json"}
    chunks.build([], **at, identity=asdict(DAILY), clock="", compression="none")
    manifest = Manifest.read(at["manifest"])
    assert (manifest.rows, manifest.start, manifest.end) == (0, "", "")
    assert not at["chunks"].exists()


JAN_2, JAN_3 = days("2024-01-02", "2024-01-03")


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([line(JAN_2), line(JAN_2)], "line 3 is of 2024-01-02, after 2024-01-02"),
        ([line(JAN_2), line(JAN_3), line(JAN_2)], "line 4 is of 2024-01-02, after 2024-01-03"),
        ([line(JAN_2), line(JAN_3).replace("2024-01-03", "")], "1 bars have no stamp"),
        ([line(JAN_2).replace("00:00:00", "00:00:00+01:00")], r"00:00:00\+01:00"),
        ([line(JAN_2).replace("1.5", "n/a")], "n/a"),
        ([line(JAN_2, None)], "column open is no finite number"),
        ([line(JAN_2, float("nan"))], "column open is no finite number"),
        ([line(JAN_2, float("inf"))], "column open is no finite number"),
        ([line(JAN_2).replace("100.0", "1e2x")], "1e2x"),
        ([line(JAN_2) + ",7"], "11"),
    ],
    ids=["twice", "unordered", "no stamp", "zone", "text", "null", "nan", "inf", "dtype", "column"],
)
def test_what_is_no_export_is_refused(tmp_path, lines, words):
    """Stamps twice, out of order, missing, with a zone; another type, a field more: an error with its cure, and no manifest."""
    with pytest.raises(InputError, match=rf"(?s)export\.csv.*{words}.*hint: .*doit"):
        build(tmp_path, lines)
    assert not (tmp_path / "A.US.json").exists()


def test_other_columns_are_refused(tmp_path):
    """A column more in the header is named."""
    with pytest.raises(InputError, match=r"columns .*openint,vwap, an export has"):
        build(tmp_path, [line(JAN_2) + ",7"], header=f"{HEADER},vwap")


@pytest.mark.parametrize("compression", ["none", "snappy", "lz4", "gzip:6", "zstd:9", "brotli:4"])
def test_codecs(tmp_path, compression):
    """Each codec gives the same bars."""
    lines = [line(dt.date(2024, 1, 1) + dt.timedelta(n), float(n)) for n in range(300)]
    manifest = build(tmp_path, lines, compression=compression)
    assert [row[1] for rows in stored(tmp_path, manifest).values() for row in rows] == [float(n) for n in range(300)]


class TestContract(StageContract):
    """What every stage promises."""

    stage = "chunks"
