"""What a researcher must not reach through the server: its own files, its network, its cloud account.

Addresses of hosts are looked at when a connection is made, so that neither a redirect nor a name that is answered
differently the second time leads inside. The operator opens what he wants opened: FETCH_ROOTS, FETCH_PRIVATE_HOSTS.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django.conf import settings as site

from annotations.registry.cells import quoted

SECRET_WORDS = ("token", "secret", "password", "passwd", "signature", "credential", "apikey", "api_key", "api-key")
SECRET_NAMES = ("key", "sig", "auth", "authorization", "awsaccesskeyid", "googleaccessid", "access_key", "jwt")
NAT64 = ipaddress.ip_network("64:ff9b::/96")


class InsideError(OSError):
    """The address belongs to the server's own network."""


class Doors:
    """Which private addresses are open, by the setting as it stands; names in it are looked up once."""

    def __init__(self) -> None:
        self._networks = [network for entry in site.FETCH_PRIVATE_HOSTS for network in _networks(entry)]

    def check(self, found: str) -> None:
        """Raise InsideError for an address that is neither public nor opened."""
        address = _plain(found)
        if address.is_global and not address.is_multicast:
            return
        if not any(address.version == network.version and address in network for network in self._networks):
            message = "the address is inside a private network"
            raise InsideError(message)

    def socket(self, info: Any) -> socket.socket:
        """Make the socket of a connection to an address that was looked up (aiohttp's `socket_factory`)."""
        family, kind, protocol, _, address = info
        self.check(address[0])
        return socket.socket(family, kind, protocol)

    def check_host(self, host: str) -> None:
        """Look a host up and check all of its addresses; raises OSError when there is none."""
        for *_, address in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM):
            self.check(str(address[0]))


def resolver(doors: Doors) -> Any:
    """Return a resolver for aiohttp that checks what it finds."""
    from aiohttp.abc import AbstractResolver, ResolveResult

    class Checked(AbstractResolver):
        async def resolve(
            self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
        ) -> list[ResolveResult]:
            loop = asyncio.get_running_loop()
            infos = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family)
            found = []
            for kind, _, protocol, _, address in infos:
                doors.check(str(address[0]))
                found.append(
                    ResolveResult(
                        hostname=host,
                        host=str(address[0]),
                        port=port,
                        family=kind,
                        proto=protocol,
                        flags=socket.AI_NUMERICHOST,
                    )
                )
            return found

        async def close(self) -> None:
            """Nothing is held."""

    return Checked()


def _networks(entry: str) -> Iterator[Any]:
    """Yield the networks that an entry of the setting opens: an address, a network or a host's addresses."""
    try:
        yield ipaddress.ip_network(entry, strict=False)
    except ValueError:
        try:
            infos = socket.getaddrinfo(entry, None)
        except OSError:
            return
        for *_, address in infos:
            yield ipaddress.ip_network(str(address[0]).partition("%")[0])


def _plain(found: str) -> Any:
    """Return the address that is meant, also when IPv6 carries one of IPv4."""
    address = ipaddress.ip_address(found.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        carried = address.ipv4_mapped or address.sixtofour
        if carried is None and address in NAT64:
            carried = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        return carried or address
    return address


def check_open(address: str) -> None:
    """Raise ValueError for an address that holds a password, a token or a key: settings are shown and kept in clear."""
    parts = urlsplit(address)
    if "@" in parts.netloc:
        message = "an address must not hold a name and password (name:password@); use the secret fields"
        raise ValueError(message)
    for name, _ in parse_qsl(parts.query, keep_blank_values=True):
        lowered = name.lower()
        if lowered in SECRET_NAMES or any(word in lowered for word in SECRET_WORDS):
            message = f"an address must not hold a secret ({quoted(name)} in its query); use the secret fields"
            raise ValueError(message)


def check_path(path: Path | str) -> Path:
    """Return where a path of the server really leads; raises ValueError unless that is below FETCH_ROOTS."""
    found = Path(path).resolve()
    roots = [Path(root).resolve() for root in site.FETCH_ROOTS]
    if not any(found == root or root in found.parents for root in roots):
        where = "below " + ", ".join(str(root) for root in site.FETCH_ROOTS) if roots else "nowhere on this server"
        message = f"files may be read {where} (the operator's setting FETCH_ROOTS), not at {quoted(path)}"
        raise ValueError(message)
    return found
