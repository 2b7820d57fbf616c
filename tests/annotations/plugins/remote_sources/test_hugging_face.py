"""Datasets: folders in the hub's layout, and a hub that this project plays, asked by a process of its own."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from annotations.errors import MaterialRefused
from annotations.registry import OutputRecord, Part, remote_sources
from tests.standins.hub import Dataset, HubServer
from tests.standins.running import running

ROOT = Path(__file__).resolve().parents[4]
CARD = """---
configs:
- config_name: curated
  data_files:
  - {split: test, path: "curated/*.jsonl"}
- config_name: raw
  data_files: "raw.csv"
---
# Outputs
"""
SNEAKY = '---\nconfigs:\n- config_name: default\n  data_files:\n  - {split: train, path: "%s"}\n---\n'
# Asks as a worker would: `datasets` reads the hub's address when it loads.
ASKING = """
import json, sys
import django
django.setup()
from annotations.errors import PlatformError
from annotations.registry import OutputRecord, remote_sources
source = remote_sources.get("hugging_face")
told = []
for settings, secrets in json.loads(sys.stdin.read()):
    try:
        pinned = source.pinned(settings=source.clean_settings(settings), secrets=secrets)
        records = [one for one in source.fetch(settings=pinned, secrets=secrets) if isinstance(one, OutputRecord)]
        rows = source.expected(settings=pinned, secrets=secrets) if "parquet" in settings["repository"] else None
        told.append({"revision": pinned["revision"], "texts": [one.text for one in records], "expected": rows})
    except PlatformError as error:
        told.append({"error": type(error).__name__, "said": str(error)})
print(json.dumps(told))
"""


def rows(count: int, **more: Any) -> list[dict[str, Any]]:
    return [{"prompt": f"p{n}", "system": "s", "text": f"t{n}", **more} for n in range(count)]


def parquet(found: list[dict[str, Any]]) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(found), sink)
    return sink.getvalue()


def jsonl(found: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in found).encode()


def lay(root: Path, files: dict[str, bytes | str]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


def fetched(folder: Path, **settings: Any) -> list[Any]:
    source = remote_sources.get("hugging_face")
    clean = source.clean_settings({"folder": str(folder), **settings})
    return list(source.fetch(settings=source.pinned(settings=clean, secrets={}), secrets={}))


def texts(items: list[Any]) -> list[str]:
    return [item.text for item in items if isinstance(item, OutputRecord)]


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def test_a_folder_is_read_by_the_names_of_its_files(tmp_path: Path) -> None:
    folder = lay(
        tmp_path / "set",
        {
            "data/train-00000-of-00002.parquet": parquet(rows(2)),
            "data/train-00001-of-00002.parquet": parquet(rows(1, extra="x")),
            "data/test-00000-of-00001.parquet": parquet(rows(1)),
        },
    )

    found = fetched(folder)

    assert [(one.row, Path(one.file).name) for one in found if isinstance(one, Part)] == [
        (0, "train-00000-of-00002.parquet"),
        (2, "train-00001-of-00002.parquet"),
    ]
    assert texts(found) == ["t0", "t1", "t0"]
    assert texts(fetched(folder, split="test")) == ["t0"]
    source = remote_sources.get("hugging_face")
    assert source.expected(settings=source.clean_settings({"folder": str(folder)}), secrets={}) == 3


def test_a_card_says_configurations_and_splits(tmp_path: Path) -> None:
    folder = lay(
        tmp_path / "set",
        {"README.md": CARD, "curated/a.jsonl": jsonl(rows(2)), "raw.csv": "prompt,system,text\np,s,raw\n"},
    )

    assert texts(fetched(folder, config="curated", split="test")) == ["t0", "t1"]
    assert texts(fetched(folder, config="raw")) == ["raw"]
    with pytest.raises(MaterialRefused, match=r"choose a configuration; there are: 'curated', 'raw'$"):
        fetched(folder)
    with pytest.raises(MaterialRefused, match="there is no split 'train'; there are: 'test'"):
        fetched(folder, config="curated")


def test_an_array_in_one_file_is_read_by_the_library(tmp_path: Path) -> None:
    nested = [{"prompt": {"q": f"p{n}"}, "text": [f"a{n}", f"b{n}"]} for n in range(2)]
    folder = lay(tmp_path / "set", {"train.json": json.dumps(nested)})

    found = fetched(folder, prompt="prompt.q", system="", system_name="m")

    assert [(one.row, one.sample, one.text) for one in found] == [
        (1, 0, "a0"),
        (1, 1, "b0"),
        (2, 0, "a1"),
        (2, 1, "b1"),
    ]


def test_no_card_leads_out_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "secret.jsonl").write_bytes(jsonl(rows(1)))
    for number, pattern in enumerate(
        ("../secret.jsonl", str(tmp_path / "secret.jsonl"), "https://127.0.0.1:9/a.jsonl")
    ):
        folder = lay(tmp_path / f"set{number}", {"README.md": SNEAKY % pattern, "a.jsonl": jsonl(rows(1))})
        with pytest.raises(MaterialRefused, match="its card names files outside"):
            fetched(folder)
    folder = lay(tmp_path / "linked", {"README.md": "# Nothing\n"})
    (folder / "train.jsonl").symlink_to(tmp_path / "secret.jsonl")
    with pytest.raises(MaterialRefused, match="its card names files outside"):
        fetched(folder)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({}, "name either a dataset"),
        ({"repository": "a/b", "folder": "/x"}, "name either a dataset"),
        ({"repository": "../../etc"}, "takes owner/name"),
        ({"repository": "json/../x"}, "takes owner/name"),
        ({"folder": "/etc"}, "FETCH_ROOTS"),
        ({"repository": "a/b", "split": ""}, "must name a split"),
        ({"repository": "a/b", "system": ""}, "one system for all rows"),
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        remote_sources.get("hugging_face").clean_settings(wrong)


def test_a_folder_that_is_not_there_or_holds_no_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MaterialRefused, match="there is no such folder"):
        fetched(tmp_path / "none")
    with pytest.raises(MaterialRefused, match="there are no data files"):
        fetched(lay(tmp_path / "empty", {"README.md": "# Nothing\n"}))
    with pytest.raises(MaterialRefused, match=r"the YAML at the head of its README\.md is damaged"):
        fetched(lay(tmp_path / "torn", {"README.md": "---\nconfigs: [torn\n---\n", "a.jsonl": jsonl(rows(1))}))


@pytest.fixture(scope="module")
def hub() -> Iterator[HubServer]:
    with running(HubServer()) as server:
        server.hub.datasets = {
            "lab/outputs": Dataset({"README.md": CARD.encode(), "curated/a.jsonl": jsonl(rows(3)), "raw.csv": b"x\n"}),
            "lab/parquet": Dataset(
                {"data/train-0.parquet": parquet(rows(2)), "data/train-1.parquet": parquet(rows(1))}
            ),
            "lab/private": Dataset({"train.jsonl": jsonl(rows(1))}, token="hush-hush"),
            "lab/gated": Dataset({}, gated=True),
            "lab/sneaky": Dataset({"README.md": (SNEAKY % "hf://datasets/lab/private/train.jsonl").encode()}),
        }
        yield server


def test_a_hub_is_asked_with_a_token_only_when_one_was_given(hub: HubServer, tmp_path: Path) -> None:
    curated = {"repository": "lab/outputs", "config": "curated", "split": "test"}
    asked: list[tuple[dict[str, str], dict[str, str]]] = [
        (curated, {}),
        ({**curated, "revision": hub.hub.datasets["lab/outputs"].sha}, {}),
        ({**curated, "revision": "v9"}, {}),
        ({"repository": "lab/parquet"}, {}),
        ({"repository": "lab/private"}, {"token": "hush-hush"}),
        ({"repository": "lab/private"}, {}),
        ({"repository": "lab/gated"}, {}),
        ({"repository": "lab/none"}, {}),
        ({"repository": "lab/sneaky"}, {}),
    ]
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "evalplatform.settings",
        "HF_ENDPOINT": hub.url,
        "HF_HUB_OFFLINE": "0",
        "HF_HOME": str(tmp_path),
        "HF_TOKEN": "the-server's-own",
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }

    command = [sys.executable, "-c", ASKING]
    done = subprocess.run(
        command, input=json.dumps(asked), cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    sha = hub.hub.datasets["lab/outputs"].sha
    assert told[0] == told[1] == {"revision": sha, "texts": ["t0", "t1", "t2"], "expected": None}
    assert told[3]["texts"] == ["t0", "t1", "t0"]
    assert told[3]["expected"] == 3
    assert told[4]["texts"] == ["t0"]
    said = [one.get("said", "") for one in told]
    assert "there is no revision 'v9'" in said[2]
    assert "it is private; check the name, or give a token" in said[5]
    assert "the dataset is gated" in said[6]
    assert "there is no such dataset" in said[7]
    assert "its card names files outside the dataset" in said[8]
    sent = {(path.partition("/resolve")[0].split("/revision")[0], token) for _, path, token in hub.hub.asked if token}
    assert {token for _, token in sent} == {"Bearer hush-hush"}
    assert all("lab/private" in path for path, _ in sent)
    assert "hush-hush" not in done.stdout + done.stderr
