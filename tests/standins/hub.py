"""A stand-in of the Hugging Face hub: datasets in memory, with the calls of its API that reading them takes.

As the hub does: a branch is the newest commit, a private dataset is not there for whoever has no token, a gated one
refuses, files come by range, and what is not there says so in ``X-Error-Code``.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

RANGE = re.compile(r"bytes=(\d+)-(\d*)")


@dataclass
class Dataset:
    """Files by path; `token` is needed to see it, `gated` refuses everybody."""

    files: dict[str, bytes]
    token: str = ""
    gated: bool = False
    branch: str = "main"

    @property
    def sha(self) -> str:
        """The commit: it changes with the files."""
        digest = hashlib.sha1(usedforsecurity=False)
        for path in sorted(self.files):
            digest.update(path.encode() + self.files[path])
        return digest.hexdigest()


@dataclass
class Hub:
    """All datasets by name, every request that came, and how many of the next ones are answered with an error."""

    datasets: dict[str, Dataset] = field(default_factory=dict)
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    failing: list[int] = field(default_factory=list)


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    server: HubServer

    def do_GET(self) -> None:
        """Answer."""
        self._answer()

    do_HEAD = do_POST = do_GET  # noqa: N815 - the library's names

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self) -> None:
        hub = self.server.hub
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = unquote(urlsplit(self.path).path)
        hub.asked.append((self.command, path, self.headers.get("Authorization", "")))
        if hub.failing:
            self._send(hub.failing.pop(0), {"error": "try later"})
            return
        for name, dataset in hub.datasets.items():
            for begin in (f"/api/datasets/{name}", f"/datasets/{name}/resolve"):
                if path == begin or path.startswith(f"{begin}/"):
                    self._of(dataset, name, path, body)
                    return
        self._error(404, "RepoNotFound")

    def _of(self, dataset: Dataset, name: str, path: str, body: bytes) -> None:
        if dataset.gated:
            self._error(403, "GatedRepo")
        elif dataset.token and self.headers.get("Authorization") != f"Bearer {dataset.token}":
            self._error(401, "RepoNotFound")
        elif path.startswith(f"/datasets/{name}/resolve/"):
            revision, _, file = path.removeprefix(f"/datasets/{name}/resolve/").partition("/")
            self._file(dataset, revision, file)
        else:
            self._api(dataset, name, path.removeprefix(f"/api/datasets/{name}").strip("/"), body)

    def _api(self, dataset: Dataset, name: str, rest: str, body: bytes) -> None:
        what, _, more = rest.partition("/")
        revision, _, folder = more.partition("/")
        if revision not in ("", dataset.branch, dataset.sha):
            self._error(404, "RevisionNotFound")
        elif what in ("", "revision"):
            card = _card(dataset.files.get("README.md", b""))
            siblings = [{"rfilename": path} for path in sorted(dataset.files)]
            facts = {"id": name, "sha": dataset.sha, "siblings": siblings, "cardData": card, "private": False}
            self._send(200, {**facts, "tags": [], "downloads": 0, "likes": 0, "disabled": False, "gated": False})
        elif what == "tree":
            found = _tree(dataset, folder, recursive="recursive=true" in self.path.lower())
            self._send(200, found) if found or not folder else self._error(404, "EntryNotFound")
        elif what == "paths-info":
            text = body.decode()
            asked = json.loads(text)["paths"] if text.startswith("{") else _form(text)
            self._send(200, [entry for path in asked for entry in _entries(dataset, path)])
        else:
            self._error(404, "EntryNotFound")

    def _file(self, dataset: Dataset, revision: str, file: str) -> None:
        content = dataset.files.get(file)
        if content is None or revision not in (dataset.branch, dataset.sha):
            self._error(404, "EntryNotFound")
            return
        asked = RANGE.fullmatch(self.headers.get("Range", ""))
        begin = int(asked[1]) if asked else 0
        end = min(int(asked[2]) + 1 if asked and asked[2] else len(content), len(content))
        headers = {"ETag": f'"{_oid(content)}"', "X-Repo-Commit": dataset.sha, "Accept-Ranges": "bytes"}
        if asked:
            headers["Content-Range"] = f"bytes {begin}-{end - 1}/{len(content)}"
        self._write(206 if asked else 200, content[begin:end], {**headers, "Content-Type": "application/octet-stream"})

    def _error(self, status: int, code: str) -> None:
        headers = {"X-Error-Code": code, "X-Error-Message": code, "Content-Type": "application/json"}
        self._write(status, json.dumps({"error": code}).encode(), headers)

    def _send(self, status: int, found: Any) -> None:
        self._write(status, json.dumps(found).encode(), {"Content-Type": "application/json"})

    def _write(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _oid(content: bytes) -> str:
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()


def _card(readme: bytes) -> dict[str, Any]:
    import yaml

    parts = readme.decode().split("---\n")
    return dict(yaml.safe_load(parts[1])) if len(parts) > 2 else {}


def _form(text: str) -> list[str]:
    from urllib.parse import parse_qs

    return parse_qs(text).get("paths", [])


def _entries(dataset: Dataset, path: str) -> list[dict[str, Any]]:
    if path in dataset.files:
        content = dataset.files[path]
        return [{"type": "file", "path": path, "size": len(content), "oid": _oid(content)}]
    return (
        [{"type": "directory", "path": path, "oid": _oid(path.encode())}]
        if _tree(dataset, path, recursive=False)
        else []
    )


def _tree(dataset: Dataset, folder: str, *, recursive: bool) -> list[dict[str, Any]]:
    begin = f"{folder.strip('/')}/" if folder.strip("/") else ""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(dataset.files):
        if not path.startswith(begin):
            continue
        parts = path.removeprefix(begin).split("/")
        for depth in range(1, len(parts)):
            place = begin + "/".join(parts[:depth])
            if recursive or depth == 1:
                found[place] = {"type": "directory", "path": place, "oid": _oid(place.encode())}
        if recursive or len(parts) == 1:
            found[path] = {
                "type": "file",
                "path": path,
                "size": len(dataset.files[path]),
                "oid": _oid(dataset.files[path]),
            }
    return list(found.values())


class HubServer(ThreadingHTTPServer):
    """Serves a hub on a free port of this machine."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.hub = Hub()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_address[1]}"
