"""Files at addresses: folders, a web server with faults, a store that speaks S3; packed in every way."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import Request, urlopen

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from annotations.errors import MaterialRefused, Problem, SourceUnreachable
from annotations.plugins.remote_sources.stores import filesystem
from annotations.registry import OutputRecord, Part, remote_sources
from tests.annotations.plugins.remote_sources.web import Web

ROWS = [{"prompt": f"Uses for a brick {n}?", "system": "steered", "text": f"Text {n}, é"} for n in range(3)]
JSONL = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS).encode()
CSV = ("prompt,system,text\n" + "".join(f'{row["prompt"]},{row["system"]},"{row["text"]}"\n' for row in ROWS)).encode()
TEXTS = [row["text"] for row in ROWS]


def parquet(rows: list[dict[str, Any]] = ROWS) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), sink)
    return sink.getvalue()


def zipped(content: bytes, *names: str) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, content)
    return sink.getvalue()


def zstd(content: bytes) -> bytes:
    return bytes(pa.Codec("zstd").compress(content, asbytes=True))


def fetched(*addresses: str, secrets: dict[str, str] | None = None, **settings: Any) -> list[Any]:
    source = remote_sources.get("addresses")
    clean = source.clean_settings({"addresses": list(addresses), **settings})
    return list(source.fetch(settings=clean, secrets=secrets or {}))


def texts(items: list[Any]) -> list[str]:
    assert not [item for item in items if isinstance(item, Problem)]
    return [item.text for item in items if isinstance(item, OutputRecord)]


def said(error: pytest.ExceptionInfo[MaterialRefused]) -> str:
    return " ".join(problem.reason for problem in error.value.problems)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", CSV),
        ("a.tsv", CSV.replace(b",s", b"\ts").replace(b",t", b"\tt").replace(b',"', b'\t"')),
        ("a.jsonl", JSONL),
        ("a.parquet", parquet()),
        ("a.jsonl.gz", gzip.compress(JSONL)),
        ("a.csv.bz2", bz2.compress(CSV)),
        ("a.jsonl.xz", lzma.compress(JSONL)),
        ("a.jsonl.zst", zstd(JSONL)),
        ("a.zip", zipped(CSV, "inner.csv")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("way", ["folder", "web"])
def test_every_format_and_packing_is_read(name: str, content: bytes, *, way: str, web: Web, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    web.files[f"/{name}"] = content

    found = fetched(str(tmp_path / name) if way == "folder" else web.url(f"/{name}"))

    assert texts(found) == TEXTS
    assert isinstance(found[0], Part)


def test_files_of_a_pattern_come_sorted_each_once_and_rows_are_counted_on(tmp_path: Path) -> None:
    for name, number in (("b.jsonl", 1), ("a.jsonl", 0), ("c.csv", 2)):
        (tmp_path / name).write_bytes(CSV if name.endswith("csv") else JSONL.replace(b"Text", b"%d" % number))

    found = fetched(f"{tmp_path}/*.jsonl", f"{tmp_path}/*")

    parts = [(item.row, Path(item.file).name) for item in found if isinstance(item, Part)]
    assert parts == [(0, "a.jsonl"), (3, "b.jsonl"), (6, "c.csv")]
    assert [item.row for item in found if isinstance(item, OutputRecord)] == list(range(1, 10))


def test_a_fault_names_the_file_and_the_row_over_all_files(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(JSONL)
    (tmp_path / "b.jsonl").write_bytes(JSONL + b"{oops\n")

    found = fetched(f"{tmp_path}/*.jsonl")

    (problem,) = [item for item in found if isinstance(item, Problem)]
    assert (Path(problem.file).name, problem.row) == ("b.jsonl", 7)
    assert problem.reason.startswith("is not JSON")


def test_the_format_can_be_chosen_where_the_name_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "outputs").write_bytes(JSONL)

    with pytest.raises(MaterialRefused, match="the ending tells no format; choose one"):
        fetched(str(tmp_path / "outputs"))

    assert texts(fetched(str(tmp_path / "outputs"), format="jsonl")) == TEXTS


@pytest.mark.parametrize("pack", [gzip.compress, zstd, bz2.compress, lzma.compress])
def test_a_cut_off_packed_file_is_refused_and_never_fewer_rows(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    (tmp_path / "a.jsonl.gz").write_bytes(pack(JSONL)[:-9])

    with pytest.raises(MaterialRefused, match=r"cut off|cannot be read further.*bring the whole file|damaged"):
        fetched(str(tmp_path / "a.jsonl.gz"))


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("page.csv", b"<!DOCTYPE html>\n<title>Sign in</title>", "is a web page"),
        ("page.jsonl", b"\n <html lang=en>", "is a web page"),
        ("book.xlsx", zipped(b"x", "[Content_Types].xml", "xl/workbook.xml"), "save the sheet as"),
        ("short.zip", b"PK\x03\x04", "the archive cannot be read"),
        ("blank.csv", b"\n" + CSV, "the first line is empty"),
        ("twice.csv", CSV.replace(b"prompt,", b"text,prompt,").replace(b"\nUses", b"\nx,Uses"), "is there twice"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_table_is_named_for_what_it_is(name: str, content: bytes, reason: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)

    with pytest.raises(MaterialRefused, match=reason):
        fetched(str(tmp_path / name))


def test_a_folder_is_told_from_a_missing_file_and_no_pattern_finds_one(tmp_path: Path) -> None:
    (tmp_path / "run" / "deeper.csv").mkdir(parents=True)
    (tmp_path / "run" / "a.csv").write_bytes(CSV)

    with pytest.raises(MaterialRefused, match="is a folder; name its files"):
        fetched(str(tmp_path / "run"))
    assert texts(fetched(f"{tmp_path}/run/*.csv")) == TEXTS


def test_files_that_a_file_manager_put_into_an_archive_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zipped(CSV, "in/a.csv", "__MACOSX/in/._a.csv", "in/.DS_Store"))

    assert texts(fetched(str(tmp_path / "a.zip"))) == TEXTS


def test_redirects_in_a_circle_are_an_address_to_mend(web: Web) -> None:
    web.redirects["/a.csv"] = "/a.csv"

    with pytest.raises(MaterialRefused, match="redirects in a circle"):
        fetched(web.url("/a.csv"))


def test_an_archive_of_two_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zipped(CSV, "a.csv", "b.csv"))

    with pytest.raises(MaterialRefused, match="holds 2 files"):
        fetched(str(tmp_path / "a.zip"))


def test_the_web_may_unpack_on_the_way_or_not(web: Web) -> None:
    web.files |= {"/plain.jsonl": JSONL, "/packed.jsonl.gz": JSONL, "/twice.jsonl.gz": gzip.compress(JSONL)}
    web.encoded |= {"/plain.jsonl", "/packed.jsonl.gz", "/twice.jsonl.gz"}

    for path in ("/plain.jsonl", "/packed.jsonl.gz", "/twice.jsonl.gz"):
        assert texts(fetched(web.url(path))) == TEXTS


def test_a_missing_page_is_refused_and_a_busy_server_may_be_asked_again(web: Web) -> None:
    web.files["/a.jsonl"] = JSONL
    web.faults["/a.jsonl"] = [503, 429, 403]

    with pytest.raises(MaterialRefused, match="there is no such file"):
        fetched(web.url("/none.jsonl"))
    with pytest.raises(SourceUnreachable, match="the server answers 503"):
        fetched(web.url("/a.jsonl"))
    with pytest.raises(SourceUnreachable, match="the server answers 429"):
        fetched(web.url("/a.jsonl"))
    with pytest.raises(MaterialRefused, match="access is denied; check the secret fields"):
        fetched(web.url("/a.jsonl"))


def test_a_connection_that_is_reset_in_the_middle_is_unreachable_not_damaged(web: Web) -> None:
    web.files["/a.jsonl"] = JSONL * 20_000
    web.faults["/a.jsonl"] = ["reset"]

    with pytest.raises(SourceUnreachable, match="the connection failed"):
        fetched(web.url("/a.jsonl"))


def test_a_server_that_is_not_there_is_unreachable(free_port: int) -> None:
    with pytest.raises(SourceUnreachable, match="the connection failed"):
        fetched(f"http://127.0.0.1:{free_port}/a.jsonl")


def test_the_bearer_goes_to_the_host_that_was_named_and_not_where_it_redirects_to(web: Web) -> None:
    web.files["/a.jsonl"] = JSONL
    web.redirects["/away.jsonl"] = f"http://localhost:{web.port}/a.jsonl"

    found = fetched(web.url("/away.jsonl"), secrets={"bearer": "hush-hush", "query": "sig=quiet"})

    assert texts(found) == TEXTS
    there = {path: headers.get("Authorization") for path, headers in web.asked}
    assert there == {"/away.jsonl?sig=quiet": "Bearer hush-hush", "/a.jsonl": None}


@pytest.mark.parametrize(
    "address",
    ["http://127.0.0.1:{port}/a.jsonl", "http://localhost:{port}/a.jsonl", "http://[::ffff:127.0.0.1]:{port}/a.jsonl"],
)
def test_addresses_inside_are_refused_unless_the_operator_opens_them(address: str, web: Web, settings: Any) -> None:
    settings.FETCH_PRIVATE_HOSTS = []
    web.files["/a.jsonl"] = JSONL

    with pytest.raises(MaterialRefused, match="inside a private network"):
        fetched(address.format(port=web.port))

    assert web.asked == []


@pytest.mark.parametrize(
    "inside", ["http://169.254.169.254/latest/meta-data/", "http://10.0.0.1/", "http://[fd00::1]/"]
)
def test_a_redirect_inside_is_refused(inside: str, web: Web) -> None:
    web.redirects["/a.jsonl"] = inside

    with pytest.raises(MaterialRefused, match="inside a private network"):
        fetched(web.url("/a.jsonl"))


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("https://me:hush@example.org/a.csv", "must not hold a name and password"),
        ("https://example.org/a.csv?X-Amz-Signature=hush", "must not hold a secret"),
        ("https://example.org/a.csv?token=hush", "must not hold a secret"),
        ("ftp://example.org/a.csv", "is no address that can be read"),
        ("zip://a.csv::https://example.org/a.zip", "is no address that can be read"),
        ("/etc/passwd", "FETCH_ROOTS"),
        ("file:///etc/passwd", "FETCH_ROOTS"),
        ("outputs.csv", "is no address"),
        ("https:///a.csv", "names no host"),
        ("s3:///a.csv", "names no bucket"),
        ("https://example.org:99999/a.csv", "no number from 0 to 65535"),
    ],
)
def test_addresses_that_may_not_be_read_are_refused_without_repeating_a_secret(address: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as error:
        fetched(address)

    assert "hush" not in str(error.value)


def test_no_way_leads_out_of_the_opened_folders(tmp_path: Path, settings: Any) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "outside.jsonl").write_bytes(JSONL)
    (inside / "link.jsonl").symlink_to(tmp_path / "outside.jsonl")
    settings.FETCH_ROOTS = [str(inside)]

    for address in (f"{inside}/../outside.jsonl", f"{tmp_path}/inside*/../outside.jsonl", f"{inside}/link.jsonl"):
        with pytest.raises(ValueError, match=r"FETCH_ROOTS|is no address"):
            fetched(address)
    with pytest.raises(MaterialRefused, match="FETCH_ROOTS"):
        fetched(f"{inside}/*.jsonl")


def test_expected_rows_are_read_from_the_ends_of_parquet_files(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.parquet").write_bytes(parquet())
    source = remote_sources.get("addresses")
    clean = source.clean_settings({"addresses": [f"{tmp_path}/*.parquet"]})

    assert source.expected(settings=clean, secrets={}) == 6


def test_without_the_extra_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "gcsfs", None)

    with pytest.raises(MaterialRefused, match=r"install evalplatform\[cloud\]"):
        fetched("gs://bucket/a.csv")


@pytest.fixture(scope="module")
def store() -> Any:
    """A store that speaks S3: moto's server."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    endpoint = f"http://127.0.0.1:{port}"
    keys = {"aws_access_key_id": "hush-key", "aws_secret_access_key": "hush-secret", "region_name": "us-east-1"}
    client = boto3.client("s3", endpoint_url=endpoint, **keys)
    client.create_bucket(Bucket="outputs")
    for name, body in (("x/a.parquet", parquet()), ("x/b.jsonl.gz", gzip.compress(JSONL)), ("y.txt", b"no")):
        client.put_object(Bucket="outputs", Key=name, Body=body)
    yield endpoint
    client.close()
    server.stop()


def test_a_store_is_read_by_pattern_with_its_keys(store: str) -> None:
    secrets = {"key": "hush-key", "secret": "hush-secret"}

    found = fetched("s3://outputs/x/*", endpoint=store, secrets=secrets)

    assert texts(found) == [*TEXTS, *TEXTS]
    assert [item.file for item in found if isinstance(item, Part)] == [
        "s3://outputs/x/a.parquet",
        "s3://outputs/x/b.jsonl.gz",
    ]


def test_what_a_store_does_not_have_or_give_is_said(store: str, settings: Any) -> None:
    for address in ("s3://outputs/none.csv", "s3://nowhere/a.csv"):
        with pytest.raises(MaterialRefused, match=r"there is no such file|access is denied"):
            fetched(address, endpoint=store, secrets={"key": "hush-key", "secret": "hush-secret"})
    settings.FETCH_PRIVATE_HOSTS = []
    with pytest.raises(MaterialRefused, match="inside a private network"):
        fetched("s3://outputs/x/a.parquet", endpoint=store)


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A store that speaks the JSON API of Google's, with two files in a bucket."""
    from gcp_storage_emulator.server import create_server

    server = create_server("127.0.0.1", 0, in_memory=True, default_bucket="outputs")
    server.start()
    address = f"http://127.0.0.1:{server._api._httpd.server_port}"
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", address)
    for name, body in (("x/a.parquet", parquet()), ("x/b c.jsonl.gz", gzip.compress(JSONL)), ("y.txt", b"no")):
        sent = f"{address}/upload/storage/v1/b/outputs/o?uploadType=media&name={quote(name)}"
        urlopen(Request(sent, data=body, headers={"Content-Type": "application/octet-stream"}), timeout=30).close()
    yield address
    server.stop()


def test_google_s_store_is_read_by_pattern(google: str) -> None:
    found = fetched("gs://outputs/x/*")

    assert texts(found) == [*TEXTS, *TEXTS]
    assert [item.file for item in found if isinstance(item, Part)] == [
        "gs://outputs/x/a.parquet",
        "gs://outputs/x/b c.jsonl.gz",
    ]
    for address in ("gs://outputs/none.csv", "gs://nowhere/a.csv"):
        with pytest.raises(MaterialRefused, match="there is no such file"):
            fetched(address)
    for address in ("gs://outputs/none*.csv", "gs://nowhere/*.csv"):
        with pytest.raises(MaterialRefused, match=r"no file is called like this|there is no such file"):
            fetched(address)


@pytest.mark.parametrize("status", [401, 403])
def test_what_google_s_store_does_not_give_is_said(status: int, web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", web.url(""))
    for path in ("o/a.csv", "o"):
        web.faults[f"/storage/v1/b/outputs/{path}"] = [status] * 9

    with pytest.raises(MaterialRefused, match="access is denied"):
        fetched("gs://outputs/a.csv")


def test_google_s_key_is_taken_from_the_field_alone_and_used_at_google_s_address_alone(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    pem = rsa.generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    key = {
        "type": "service_account",
        "client_email": "reader@project.example",
        "private_key_id": "1",
        "private_key": pem.decode(),
        "token_uri": "http://127.0.0.1:9/steal",
    }
    there = tmp_path / "server.json"
    there.write_text(json.dumps(key), encoding="utf-8")
    user = {"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "r"}

    fs = filesystem("gs", secrets={"google": json.dumps(key)})

    assert fs.credentials.credentials._token_uri == "https://oauth2.googleapis.com/token"
    for wrong in ("no JSON", "7", json.dumps(str(there)), '"google_default"', '"cloud"', "null", json.dumps(user)):
        with pytest.raises(MaterialRefused, match="paste the whole key file"):
            filesystem("gs", secrets={"google": wrong})
