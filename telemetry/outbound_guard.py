"""Where requests may go: a URL is resolved once and every address it has is judged.

Used by the client in `telemetry.outbound`, which connects to the judged address only.
"""

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Self

import httpx

from telemetry.address_tiers import (
    Address,
    Opening,
    Tier,
    names_a_number,
    parse_address,
    parse_openings,
    tier_of,
)

PORTS = {"http": 80, "https": 443}

Resolver = Callable[[str, int], Sequence[str]]


class OutboundRefused(httpx.ConnectError):
    """The target may not be reached from here; no connection was made."""


def resolve_by_system(host: str, port: int) -> list[str]:
    """The addresses of `host`; raises `httpx.ConnectError` when it has none."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpx.ConnectError(f"The name {host} could not be resolved.") from error
    return [str(sockaddr[0]) for *_, sockaddr in found]


@dataclass(frozen=True)
class Target:
    """Where a URL leads, judged: `addresses` are all allowed, in the resolver's order."""

    scheme: str
    host: str
    port: int
    addresses: tuple[str, ...]

    @property
    def address(self) -> str:
        return self.addresses[0]


@dataclass(frozen=True)
class Guard:
    """What may be reached. `allow` opens forbidden targets, `own` closes ours (database, broker).

    `private` says whether RFC 1918, ULA and CGNAT addresses are open, as a monitored network needs.
    """

    allow: tuple[Opening, ...] = ()
    own: tuple[Opening, ...] = ()
    private: bool = True
    resolve: Resolver = field(default=resolve_by_system, repr=False)

    @classmethod
    def from_text(cls, allow: str, *, own: str = "", private: bool = True) -> Self:
        """From comma lists of CIDR[:port]; raises ValueError naming the entry it can't read."""
        return cls(parse_openings(allow), parse_openings(own), private)

    def check_url(self, url: str) -> Target:
        """Resolve and judge; raises `OutboundRefused`, or `httpx.ConnectError` for a dead name."""
        parsed = _parse(url)
        host = parsed.raw_host.decode("ascii").removesuffix(".")
        port = PORTS[parsed.scheme] if parsed.port is None else parsed.port
        addresses = tuple(self._judged(host, port, each) for each in self._addresses(host, port))
        return Target(parsed.scheme, host, port, addresses)

    def _addresses(self, host: str, port: int) -> list[Address]:
        if literal := parse_address(host):
            return [literal]
        if names_a_number(host):
            raise OutboundRefused(
                f"{host} is refused: an address must be written as four decimal numbers."
            )
        found = [parse_address(text) for text in self.resolve(host, port)]
        if not found or None in found:
            raise OutboundRefused(f"{host} is refused: it has no usable address.")
        return [address for address in dict.fromkeys(found) if address is not None]

    def _judged(self, host: str, port: int, address: Address) -> str:
        if any(opening.covers(address, port) for opening in self.allow):
            return str(address)
        tier = tier_of(address)
        if any(own.covers(address, port) for own in self.own):
            tier = Tier.FORBIDDEN
        if tier is Tier.FORBIDDEN or (tier is Tier.PRIVATE and not self.private):
            raise OutboundRefused(
                f"{host}:{port} is refused: a {tier} target. "
                "An administrator can open it with AIOPS_OUTBOUND_ALLOW."
            )
        return str(address)


def check_url(url: str, allow: str = "", *, resolve: Resolver = resolve_by_system) -> Target:
    """Judge `url` against a comma list of CIDR[:port]; see `Guard.check_url`."""
    return Guard(parse_openings(allow), resolve=resolve).check_url(url)


def _parse(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, UnicodeError, ValueError) as error:
        raise OutboundRefused("That is not a web address that can be read.") from error
    if parsed.scheme not in PORTS:
        raise OutboundRefused("Only http and https addresses are reached.")
    if parsed.userinfo or "@" in parsed.netloc.decode("ascii"):
        raise OutboundRefused("A user name or password may not be part of an address.")
    if parsed.port is not None and not 0 < parsed.port < 65536:
        raise OutboundRefused("The address has no valid port.")
    if not parsed.raw_host:
        raise OutboundRefused("The address names no host.")
    return parsed
