"""Outputs from a dataset of the Hugging Face hub, or from a folder in the same layout; streamed, never kept.

`datasets` says which files a configuration and split mean, from the card or from their names; the files are then read
row by row like all others. A commit stands for the revision, and no file outside the repository is read, whatever a
card says. The hub is huggingface.co unless the operator's HF_ENDPOINT names another.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from annotations.errors import MaterialRefused, Problem
from annotations.registry import Option, OutputRecord, Part, RawRow, RemoteSource, remote_sources
from annotations.registry.cells import quoted
from annotations.registry.options import complete

from .guard import check_path
from .mapping import MAPPING, Mapper, checked_mapping
from .opening import inner_name, opened, told
from .tables import Place, numbered, outputs_of

REPOSITORY = re.compile(r"[\w.-]{1,96}(/[\w.-]{1,96})?")
COMMIT = re.compile(r"[0-9a-f]{40}")
TABLES = (".parquet", ".pq", ".csv", ".tsv", ".jsonl", ".ndjson")  # what our own readers read, by the file's ending
BY_DATASETS = ("arrow", "json", "text")  # what `datasets` reads for us
SETTINGS_FILE = ".huggingface.yaml"
SECONDS = 20


@remote_sources.register
class HuggingFace(RemoteSource):
    """One split of one configuration of a dataset."""

    name = "hugging_face"
    label = "Hugging Face dataset"
    takes: ClassVar[tuple[Option, ...]] = (
        Option("repository", "Dataset", "words", "", "As on the hub: owner/name.", most=200),
        Option(
            "revision",
            "Revision",
            "words",
            "",
            "A commit, branch or tag; empty: the newest. The commit that it means is kept, so that it never moves.",
            most=200,
        ),
        Option(
            "folder", "… or a folder of the server", "words", "", "With data/*.parquet, README.md and so on.", most=300
        ),
        Option("config", "Configuration", "words", "", "Empty when there is one.", most=200),
        Option("split", "Split", "words", "train", most=200),
        *MAPPING,
    )
    secrets: ClassVar[tuple[tuple[str, str], ...]] = (("token", "Access token (for a private or gated dataset)"),)

    def clean_settings(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Check names; whether there is such a dataset is asked when it is looked at or queued."""
        found = complete(self.takes, settings, of="this source")
        if bool(found["repository"]) == bool(found["folder"]):
            message = "name either a dataset ('repository') or a folder of the server ('folder')"
            raise ValueError(message)
        if found["repository"] and (not REPOSITORY.fullmatch(found["repository"]) or ".." in found["repository"]):
            message = f"the option 'repository' takes owner/name, not {quoted(found['repository'])}"
            raise ValueError(message)
        if found["folder"]:
            try:
                found["folder"] = str(check_path(found["folder"]))
            except ValueError as error:
                message = f"folder: {error}"
                raise ValueError(message) from None
        if not found["split"]:
            message = "the option 'split' must name a split, e.g. train"
            raise ValueError(message)
        checked_mapping(found)
        return found

    def described(self, settings: Mapping[str, Any]) -> str:
        """Return dataset, commit, configuration and split."""
        what = settings["folder"] or settings["repository"]
        commit = f"@{settings['revision'][:12]}" if settings["repository"] and settings["revision"] else ""
        return f"{what}{commit} ({'/'.join(filter(None, (settings['config'], settings['split'])))})"

    def pinned(self, *, settings: Mapping[str, Any], secrets: Mapping[str, str]) -> dict[str, Any]:
        """Ask the hub which commit the revision is."""
        if settings["folder"]:
            return {**settings, "revision": ""}
        return {**settings, "revision": _info(settings, secrets).sha}

    def fetch(self, *, settings: Mapping[str, Any], secrets: Mapping[str, str]) -> Iterator[Any]:
        """Yield the outputs of the split's files, one behind the other."""
        with _split(settings, secrets) as (builder, files):
            if not all(inner_name(place.shown).lower().endswith(TABLES) for place in files):
                yield from _by_datasets(builder, settings)
                return
            row = 0
            for place in files:
                yield Part(row, place.shown)
                start = row
                for item in numbered(outputs_of(place, settings=settings), start=start):
                    row = max(row, item.row)
                    yield item

    def expected(self, *, settings: Mapping[str, Any], secrets: Mapping[str, str]) -> int | None:
        """Take it from the card, or from the ends of Parquet files."""
        import pyarrow.parquet as pq

        with _split(settings, secrets) as (builder, files):
            known = (builder.info.splits or {}).get(settings["split"])
            if known is not None and known.num_examples:
                return int(known.num_examples)
            if not all(place.path.lower().endswith(".parquet") for place in files):
                return None
            rows = 0
            for place in files:
                with opened(place.fs, place.path, file=place.shown, jumping=True) as stream:
                    rows += pq.read_metadata(stream).num_rows
            return rows


def _refused(settings: Mapping[str, Any], reason: str) -> MaterialRefused:
    return MaterialRefused([Problem(settings["folder"] or settings["repository"], 0, "", reason)])


@contextmanager
def _told(settings: Mapping[str, Any]) -> Iterator[None]:
    """Say what the hub's library says in words of our own; its messages hold addresses and advice for programmers."""
    from datasets.data_files import EmptyDatasetError
    from datasets.exceptions import DataFilesNotFoundError, DatasetNotFoundError
    from huggingface_hub.errors import GatedRepoError, HFValidationError, RepositoryNotFoundError, RevisionNotFoundError

    try:
        with told(settings["folder"] or settings["repository"]):
            try:
                yield
            except GatedRepoError:
                reason = "the dataset is gated: ask for access on its page, then give a token of that account"
                raise _refused(settings, reason) from None
            except RevisionNotFoundError:
                raise _refused(settings, f"there is no revision {quoted(settings['revision'])}") from None
            except (RepositoryNotFoundError, DatasetNotFoundError):
                reason = "there is no such dataset, or it is private; check the name, or give a token"
                raise _refused(settings, reason) from None
            except (DataFilesNotFoundError, EmptyDatasetError):
                raise _refused(settings, "there are no data files that can be read") from None
            except HFValidationError:
                raise _refused(settings, "is no name of a dataset") from None
    except ConnectionError as error:
        raise _refused(settings, f"the hub cannot be reached from this server ({type(error).__name__})") from None


def _info(settings: Mapping[str, Any], secrets: Mapping[str, str]) -> Any:
    from huggingface_hub import HfApi

    with _told(settings):
        # Without a token of the researcher's none is sent: the server's own account is nobody's business.
        api = HfApi(token=secrets.get("token") or False)
        return api.dataset_info(settings["repository"], revision=settings["revision"] or None, timeout=SECONDS)


@contextmanager
def _split(settings: Mapping[str, Any], secrets: Mapping[str, str]) -> Iterator[tuple[Any, list[Place]]]:
    """Yield what `datasets` makes of the dataset, and the files of the split, all of them inside it."""
    import datasets

    datasets.disable_progress_bars()
    _check_card(settings, secrets)
    with tempfile.TemporaryDirectory() as cache:
        with _understood(settings), _told(settings):
            builder = datasets.load_dataset_builder(
                settings["folder"] or f"hf://datasets/{settings['repository']}",
                settings["config"] or None,
                revision=settings["revision"] or None,
                token=secrets.get("token") or False,
                cache_dir=cache,
            )
        splits = builder.config.data_files or {}
        if settings["split"] not in splits:
            listed = ", ".join(quoted(str(name)) for name in splits) or "none"
            raise _refused(settings, f"there is no split {quoted(settings['split'])}; there are: {listed}")
        yield builder, _places(settings, secrets, list(splits[settings["split"]]))


@contextmanager
def _understood(settings: Mapping[str, Any]) -> Iterator[None]:
    """Turn the ValueErrors of `datasets` about configurations into a refusal."""
    try:
        yield
    except ValueError as error:
        there = re.search(r"\[('[^\]]+)\]", str(error))
        names = re.findall(r"'([^']+)'", there[1]) if there else []
        if "onfig" not in str(error):
            raise _refused(settings, "the dataset cannot be understood: its card or its layout is damaged") from None
        listed = ", ".join(quoted(name) for name in dict.fromkeys(names) if name != settings["config"])
        raise _refused(settings, f"choose a configuration; there are: {listed}") from None


def _places(settings: Mapping[str, Any], secrets: Mapping[str, str], found: list[str]) -> list[Place]:
    """Return the files; raises MaterialRefused when one lies outside the dataset."""
    if settings["folder"]:
        import fsspec

        root, fs = Path(settings["folder"]).resolve(), fsspec.filesystem("file")
        paths = [Path(one).resolve() for one in found]
        if not all(root in path.parents for path in paths):
            raise _refused(settings, "its card names files outside the folder")
        return [Place(fs, str(path), str(path)) for path in paths]
    from huggingface_hub import HfFileSystem

    begin = f"hf://datasets/{settings['repository']}@{settings['revision']}/"
    if not all(one.startswith(begin) and ".." not in one for one in found):
        raise _refused(settings, "its card names files outside the dataset")
    fs = HfFileSystem(token=secrets.get("token") or False, skip_instance_cache=True)
    return [Place(fs, one.removeprefix("hf://"), one.removeprefix(begin)) for one in found]


def _check_card(settings: Mapping[str, Any], secrets: Mapping[str, str]) -> None:
    """Refuse a card that names files elsewhere before anybody looks for them there."""
    from huggingface_hub import DatasetCard
    from yaml import YAMLError

    card: Mapping[str, Any] = {}
    if settings["folder"]:
        root = Path(settings["folder"])
        if not root.is_dir():
            raise _refused(settings, "there is no such folder")
        names = [one.name for one in root.iterdir()]
        if "README.md" in names:
            try:
                card = DatasetCard.load(root / "README.md", ignore_metadata_errors=True).data.to_dict()
            except (OSError, ValueError, YAMLError):
                raise _refused(settings, "the YAML at the head of its README.md is damaged; mend it") from None
    else:
        info = _info(settings, secrets)
        names = [one.rfilename for one in info.siblings or ()]
        card = info.card_data.to_dict() if info.card_data else {}
    if SETTINGS_FILE in names:
        raise _refused(settings, f"datasets with a {SETTINGS_FILE} are not read; put its content into the card")
    if any(_leads_out(pattern) for pattern in _patterns(card.get("configs"))):
        raise _refused(settings, "its card names files outside the dataset")


def _patterns(found: Any) -> Iterator[str]:
    """Yield every text in the configurations of a card that may be a pattern of files."""
    if isinstance(found, str):
        yield found
    elif isinstance(found, Mapping):
        for name, value in found.items():
            if name not in ("config_name", "split", "default", "description"):
                yield from _patterns(value)
    elif isinstance(found, list):
        for value in found:
            yield from _patterns(value)


def _leads_out(pattern: str) -> bool:
    return "://" in pattern or "::" in pattern or pattern.startswith(("/", "~")) or ".." in pattern.split("/")


def _by_datasets(builder: Any, settings: Mapping[str, Any]) -> Iterator[OutputRecord | Problem]:
    """Yield the outputs of files that only `datasets` can read, streaming."""
    if builder.name not in BY_DATASETS:
        raise _refused(settings, f"holds no table that can be read (it is of the kind {builder.name})")
    shown = settings["folder"] or settings["repository"]
    mapper = Mapper(settings, file=shown)
    with _told(settings):
        rows = iter(builder.as_streaming_dataset(split=settings["split"]))
    number = 0
    while True:
        with _told(settings):
            row = next(rows, None)
        if row is None:
            return
        number += 1
        yield from mapper.read(RawRow(number, tuple(row), tuple(row.values())))
