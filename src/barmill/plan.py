"""The plan: where everything lies, and which targets exist, read from small files each time it is asked."""

import csv
import functools
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath

from barmill.config import Settings
from barmill.errors import BarmillError, BarsError, ConfigError, InputError
from barmill.market import archive, calendars, datasets, selection
from barmill.market.compression import USUAL, compression_of
from barmill.market.datasets import Dataset
from barmill.market.lists import WHOLE
from barmill.market.manifest import Identity, Manifest
from barmill.market.periods import parse_scheme
from barmill.market.tables import read_rows


@dataclass(frozen=True)
class Symbol:
    """A matched Stooq ticker: `AAPL.US`, and where its raw file lies below the tree's root."""

    name: str
    relative_path: str


@dataclass(frozen=True)
class Plan:
    """Paths of a project. Every output of a stage lies in `artifacts/<stage>/`.

    Paths are relative to the project's root, where doit runs, unless a setting is absolute: a moved project keeps its
    keys and its tasks keep their names.

    Raises:
        ConfigError: a setting names a scheme of chunks or a codec that there is not.
    """

    settings: Settings

    def __post_init__(self) -> None:
        for scheme in (self.settings.chunk_daily, self.settings.chunk_intraday, *self.settings.chunk_schemes.values()):
            parse_scheme(scheme)
        for stage in USUAL:
            compression_of(stage, self.settings.compression)

    @property
    def stooq(self) -> Path:
        """Root of the raw Stooq tree."""
        return self.settings.stooq

    @property
    def store(self) -> Path:
        """Root of the store."""
        return self.settings.store or self.settings.artifacts / "store"

    @property
    def state(self) -> Path:
        """What is remembered between runs; losing it costs time, never a result."""
        return self.settings.artifacts / "state.sqlite"

    @property
    def database(self) -> str:
        """What indicators are published into: a path or a URL, which may hold a password."""
        return self.settings.database or str(self.settings.artifacts / "barmill.sqlite")

    def path(self, stage: str, name: str) -> Path:
        """The path of an output `name` of `stage`."""
        return self._folder(stage) / name

    @functools.cached_property
    def _folders(self) -> dict[str, Path]:
        return {}

    def _folder(self, stage: str) -> Path:
        # joining paths is slow enough to show in ten thousand targets
        folder = self._folders.get(stage)
        if folder is None:
            folder = self._folders[stage] = self.settings.artifacts / stage
        return folder

    def outputs_of(self, stage: str) -> str:
        """Regular expression of the paths that targets of `stage` write, for doit's delayed creators."""
        return re.escape(str(self.settings.artifacts / stage)) + "/"

    def stage_of(self, name: str) -> str | None:
        """The stage that writes the path `name`, or None for what is no output."""
        return name[len(self._above) :].partition(os.sep)[0] if name.startswith(self._above) else None

    def is_flat(self, name: str) -> bool:
        """Whether `name` lies directly in the folder of a stage, or is no output at all."""
        return not name.startswith(self._above) or name.count(os.sep, len(self._above)) == 1

    @functools.cached_property
    def _above(self) -> str:
        return os.path.join(self.settings.artifacts, "")

    def matches(self) -> bool:
        """Whether there is a tree, or a list, to match; a project of single series alone has neither.

        Raises:
            InputError: there is no list, and no single series either.
        """
        return self.stooq.exists() or bool(self.instrument_lists())

    def instrument_lists(self) -> list[Path]:
        """The brokers' lists: every .csv and .txt directly in the instruments folder, in any letter case.

        A project of single series needs none.

        Raises:
            InputError: there is no such folder, or no list in it, and no single series either.
        """
        folder = self.settings.instruments
        found = folder.iterdir() if folder.is_dir() else ()
        lists = sorted(p for p in found if p.suffix.lower() in {".csv", ".txt"} and not p.name.startswith("."))
        if not lists and not self._series_files():
            what = "has no .csv or .txt file" if folder.is_dir() else "does not exist"
            raise InputError(
                f"the instruments folder {folder.absolute()} {what}",
                "put a broker's list there, or set `instruments` in [tool.barmill] or BARMILL_INSTRUMENTS",
            )
        return lists

    def symbols(self) -> list[Symbol]:
        """The matched symbols as of the last match; empty before the first."""
        return list(self._matched()[0])

    def datasets(self) -> list[Dataset]:
        """Every price series that is built: the matched symbols as of the last match, then the single series."""
        symbols, tree = self._matched()
        if len(tree) != len(symbols):
            root = self.stooq
            tree[:] = [datasets.of_tree(each.name, root / each.relative_path, each.relative_path) for each in symbols]
        self._spelled_out.clear()  # a short name may mean another dataset now
        return [*tree, *filter(None, map(self._series, self._series_files()))]

    def by_dataset(self, setting: str) -> Mapping[str, str]:
        """A setting of `market.selection.SETTINGS`: pattern of dataset names → value.

        A short name, which is the symbol of one dataset alone, is spelled out.
        """
        if setting not in self._spelled_out:
            table = self._patterns(setting)
            shortened = any(map(selection.is_short, table))
            self._spelled_out[setting] = selection.spelled_out(table, self.datasets()) if shortened else table
        return self._spelled_out[setting]

    def warnings(self) -> list[str]:
        """What a run ends with: rejected lists, calendars without sessions, patterns of settings that match no dataset."""
        return [*self._rejected_lists(), *self._faulty_calendars(), *self.unmatched()]

    def _faulty_calendars(self) -> Iterator[str]:
        """A line for each calendar in use whose sessions can't be computed, as of its last build."""
        faults = {path: path.read_text(encoding="utf-8") for path in self.path("sessions", "").glob("*.fault.txt")}
        if not any(faults.values()):
            return
        try:
            used = sorted({name for name in map(self.calendar, self.datasets()) if name})
        except (BarmillError, OSError):  # what needs the file or the setting reports it
            return
        for calendar in used:
            if fault := faults.get(self.sessions_fault(calendar)):
                yield f"no sessions of {calendar}: {'; '.join(fault.splitlines())}"

    def _rejected_lists(self) -> Iterator[str]:
        """A line for each broker's list of which no line could be read, as of its last build."""
        try:
            lists = self.instrument_lists()
        except (InputError, OSError):
            return
        for path in lists:
            try:
                with open(self.path("instruments", f"{path.name}.rejected.csv"), encoding="utf-8", newline="") as file:
                    row = next(csv.DictReader(file), {})
            except OSError:
                continue
            if cure := WHOLE.get(row.get("reason", "")):
                report = self.path("reports", "instruments_rejected.csv")
                yield f"{path}: the whole list is rejected ({row['reason']}), see {report}; {cure}"

    def unmatched(self) -> list[str]:
        """A line for each pattern of a setting that matches no dataset; none before it is known which datasets exist."""
        tables = {setting: table for setting in selection.SETTINGS if (table := self._patterns(setting))}
        try:
            known = bool(tables) and (not self.matches() or _stamp(str(self.path("match", "symbols.csv"))) is not None)
            those = self.datasets() if known else []
        except InputError:  # what needs the file reports it
            return []
        return [line for setting, table in tables.items() if those for line in selection.unmatched(setting, table, those)]

    def _patterns(self, setting: str) -> Mapping[str, str]:
        value: Mapping[str, str] | tuple[str, ...] = getattr(self.settings, setting)
        return value if isinstance(value, Mapping) else dict.fromkeys(value, "yes")

    @functools.cached_property
    def _spelled_out(self) -> dict[str, Mapping[str, str]]:
        return {}

    def _matched(self) -> tuple[list[Symbol], list[Dataset]]:
        """The matched symbols, and their datasets once they were asked for; anew when the file of the last match is another."""
        path = str(self.path("match", "symbols.csv"))
        stamp = _stamp(path)
        known = self._matches.get(stamp)
        if known is None:
            rows = read_rows(Path(path)) if stamp else []
            known = [Symbol(row["symbol"], row["relative_path"]) for row in rows], []
            self._matches.clear()
            self._matches[stamp] = known
        return known

    @functools.cached_property
    def _matches(self) -> dict[tuple[int, ...] | None, tuple[list[Symbol], list[Dataset]]]:
        return {}

    def research(self) -> list[Dataset]:
        """The datasets that the research stages are made for: those that a glob of the setting `research` matches.

        Raises:
            ConfigError: one of them has no bars within a day.
        """
        those, wanted = self.datasets(), self.by_dataset("research")
        chosen = [each for each in those if datasets.chosen(wanted, each.name)]
        for dataset in chosen:
            if dataset.frequency not in datasets.MINUTES:
                raise ConfigError(
                    f"setting research: {dataset.name} is chosen, whose bars are {dataset.frequency}",
                    "choose datasets with bars within a day, such as forex/1min/*",
                )
        return chosen

    def archives(self) -> dict[str, list[Path]]:
        """Dataset → the files of its archive: the index, then the packs; those without an archive are not there."""
        series = self.settings.series
        return {name: archive.files_of(series, name) for name in archive.names(series)}

    def identity(self, dataset: Dataset) -> Identity:
        """What the chunks of a dataset have in common, by the settings.

        Raises:
            ConfigError: there is no such calendar.
        """
        settings = self.settings
        usual = settings.chunk_intraday if dataset.frequency in datasets.MINUTES else settings.chunk_daily
        scheme = parse_scheme(datasets.chosen(self.by_dataset("chunk_schemes"), dataset.name) or usual)
        zone = calendars.zone_of(dataset, self.by_dataset("calendars")) if dataset.frequency in datasets.MINUTES else ""
        return Identity(dataset.name, dataset.symbol, dataset.asset_class, dataset.frequency, zone, scheme)

    def manifest_path(self, name: str) -> Path:
        """Where the manifest of the dataset `name` lies."""
        return self.path("chunks", f"{name}.json")

    def manifest(self, name: str) -> Manifest | None:
        """The chunks of the dataset `name` as of their last build; None before it, and while its manifest is damaged.

        The build of the chunks finds the damage and repairs it; reading bars tells it.
        """
        path = f"{self._folder('chunks')}/{name}.json"
        stamp = _stamp(path)
        if stamp is None:
            return None
        known, manifest = self._manifests.get(name, ((), None))
        if known != stamp:
            try:
                manifest = Manifest.read(Path(path))
            except BarsError:
                manifest = None
            self._manifests[name] = (stamp, manifest)
        return manifest

    @functools.cached_property
    def _manifests(self) -> dict[str, tuple[tuple[int, ...], Manifest | None]]:
        return {}

    def chunk_files(self, name: str) -> list[Path]:
        """The files of the chunks of the dataset `name`, in order of time, by its manifest.

        Before their first build it is the manifest that is missing: whoever reads them waits for it, and never reads nothing.
        """
        manifest, path = self.manifest(name), self.manifest_path(name)
        return manifest.files(path) if manifest else [path]

    def calendar(self, dataset: Dataset) -> str:
        """The calendar whose sessions a dataset follows; "" if none is known."""
        return calendars.calendar_of(dataset, self.by_dataset("calendars"))

    def sessions(self, calendar: str) -> Path:
        """The table of a calendar's sessions."""
        return self.path("sessions", calendars.file_name(calendar))

    def sessions_fault(self, calendar: str) -> Path:
        """Why a calendar's sessions can't be computed; an empty file if they were."""
        return self.sessions(calendar).with_suffix(".fault.txt")

    def strays(self) -> list[Path]:
        """Files in the folder of single series that are none, because of their place or name."""
        return [self.settings.series / file for file in self._series_files() if self._series(file) is None]

    def _series(self, file: PurePath) -> Dataset | None:
        return datasets.of_series(self.settings.series, file, self._kind_of_provider(file))

    def _kind_of_provider(self, file: PurePath) -> str:
        """The kind of the provider that a single series was loaded from; "" if it was put there by hand."""
        path = self.settings.series / datasets.HISTORIES / file.with_suffix(".json")
        stamp = _stamp(str(path))
        if stamp is None:
            return ""
        if self._providers.get(path, (None, ""))[0] != stamp:
            try:
                provider = str(json.loads(path.read_bytes()).get("provider", ""))
            except (OSError, ValueError, AttributeError):  # `doit health` reports a damaged history
                provider = ""
            self._providers[path] = stamp, self.kind_of_provider(provider)
        return self._providers[path][1]

    def kind_of_provider(self, provider: str) -> str:
        """The kind of a provider; `YAHOO` of one named so, too: files saved from Yahoo keep its spelling."""
        kind = self.settings.providers.get(provider, {}).get("kind", provider)
        return datasets.YAHOO if provider == datasets.YAHOO else str(kind)

    @functools.cached_property
    def _providers(self) -> dict[Path, tuple[tuple[int, ...], str]]:
        return {}

    def _series_files(self) -> list[PurePath]:
        root = self.settings.series
        found = {PurePath(f"{name}.txt") for name in archive.names(root)}  # a text that was lost is missed
        for above, folders, names in os.walk(root):
            folders[:] = [folder for folder in folders if not folder.startswith(".")]
            found.update(PurePath(above, name).relative_to(root) for name in names if not name.startswith("."))
        return sorted(found)


def _stamp(path: str) -> tuple[int, ...] | None:
    """What is another after a file was replaced; None if there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
