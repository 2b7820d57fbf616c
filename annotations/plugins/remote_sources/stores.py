"""The stores behind addresses as file systems of fsspec, with no rights but those that the secrets give."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from annotations.errors import MaterialRefused

from .guard import Doors, resolver
from .opening import refused, told

CONNECT, READ = 20, 60  # seconds without an answer after which a server counts as silent
GOOGLE_KEY = ("client_email", "private_key", "private_key_id")
GOOGLE_TOKENS = "https://oauth2.googleapis.com/token"
GOOGLE_SCOPE = "https://www.googleapis.com/auth/devstorage.read_only"


def filesystem(scheme: str, *, secrets: Mapping[str, str], endpoint: str = "") -> Any:
    """Return fsspec's file system for a scheme, with no rights but those that the secrets give."""
    import fsspec

    if scheme in ("", "file"):
        return fsspec.filesystem("file")
    if scheme in ("http", "https"):
        return _http(secrets)
    return _s3(secrets, endpoint) if scheme == "s3" else _gs(secrets)


def _http(secrets: Mapping[str, str]) -> Any:
    import aiohttp
    from fsspec.implementations.http import HTTPFileSystem

    doors = Doors()
    headers = {"Authorization": f"Bearer {secrets['bearer']}"} if secrets.get("bearer") else {}

    async def client(**_: Any) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(socket_factory=doors.socket),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT, sock_read=READ),
            headers=headers,
        )

    return HTTPFileSystem(get_client=client, skip_instance_cache=True, use_listings_cache=False)


def _s3(secrets: Mapping[str, str], endpoint: str) -> Any:
    try:
        import s3fs
    except ImportError:
        raise _extra("s3://") from None
    doors, where = Doors(), urlsplit(endpoint)
    if where.hostname:
        with told(endpoint):
            doors.check_host(where.hostname)
    config = {
        "connect_timeout": CONNECT,
        "read_timeout": READ,
        "retries": {"max_attempts": 2},
        "connector_args": {"resolver": resolver(doors)},
    }
    return s3fs.S3FileSystem(
        anon=not secrets.get("key"),
        key=secrets.get("key") or None,
        secret=secrets.get("secret") or None,
        endpoint_url=endpoint or None,
        config_kwargs=config,
        skip_instance_cache=True,
        use_listings_cache=False,
    )


def _gs(secrets: Mapping[str, str]) -> Any:
    # Its experimental half asks for the kind of each bucket over gRPC, a minute long where nothing answers that.
    os.environ.setdefault("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
    try:
        import gcsfs
    except ImportError:
        raise _extra("gs://") from None
    token = _service_account(secrets["google"]) if secrets.get("google") else "anon"
    return gcsfs.GCSFileSystem(token=token, skip_instance_cache=True, use_listings_cache=False)


def _service_account(text: str) -> Any:
    """Read a key file of a service account, and nothing else that Google's libraries take for a key.

    They would also read files of the server, use its own account, or send requests wherever the key says.
    """
    from google.oauth2.service_account import Credentials

    try:
        found = json.loads(text)
        known = {name: str(found[name]) for name in GOOGLE_KEY}
        known["token_uri"] = GOOGLE_TOKENS
        return Credentials.from_service_account_info(known, scopes=[GOOGLE_SCOPE])  # type: ignore[no-untyped-call]
    except (ValueError, TypeError, LookupError):
        reason = "the Google key cannot be read; paste the whole key file (JSON) of a service account"
        raise refused("gs://", reason) from None


def _extra(scheme: str) -> MaterialRefused:
    return refused(scheme, "this server cannot read such addresses; install evalplatform[cloud] there")
