"""Which tier an address belongs to, and the list an administrator opens targets with. Pure."""

import re
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_PRIVATE = [
    ip_network(text)
    for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
]
# Cloud metadata services that sit outside the link-local range.
_METADATA = {ip_address(text) for text in ("100.100.100.200", "168.63.129.16", "fd00:ec2::254")}
_NAT64 = IPv6Network("64:ff9b::/96")
# Not public, whatever a version of Python thinks: IETF assignments, site-local, local NAT64.
_NEVER_PUBLIC = [ip_network(text) for text in ("192.0.0.0/24", "fec0::/10", "64:ff9b:1::/48")]
_IPV4_COMPATIBLE = IPv6Network("::/96")
_NUMBER = re.compile(r"(?:[0-9]+|0[xX][0-9a-fA-F]*)\Z")
_OPENING = re.compile(
    r"(?:\[(?P<bracketed>[^\]]+)\](?P<length>/\d+)?|(?P<plain>[^\[\]]+?))(?P<port>:\d{1,5})?\Z"
)


class Tier(StrEnum):
    FORBIDDEN = "forbidden"
    PRIVATE = "private"
    PUBLIC = "public"


def parse_address(text: str) -> Address | None:
    """An address in its usual form, without a zone; None for anything else."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return None if getattr(address, "scope_id", None) else address


def names_a_number(host: str) -> bool:
    """Whether a resolver may read `host` as an IPv4 number: `0`, `0x7f.1`, `2130706433`.

    The rule is WHATWG's: the last label decides (https://url.spec.whatwg.org/#ends-in-a-number).
    """
    return bool(_NUMBER.match(host.removesuffix(".").rsplit(".", 1)[-1]))


def tier_of(address: Address) -> Tier:
    """The strictest tier among the address and every IPv4 address hidden inside it."""
    tiers = {_own_tier(each) for each in (address, *_embedded(address))}
    return next(tier for tier in Tier if tier in tiers)


def _own_tier(address: Address) -> Tier:
    if address in _METADATA:
        return Tier.FORBIDDEN
    if any(address in network for network in _PRIVATE):
        return Tier.PRIVATE
    if isinstance(address, IPv6Address) and _embedded(address):
        return Tier.PUBLIC
    return Tier.PUBLIC if _is_public(address) else Tier.FORBIDDEN


def _is_public(address: Address) -> bool:
    if any(address in network for network in _NEVER_PUBLIC):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _embedded(address: Address) -> list[IPv4Address]:
    """IPv4-mapped, IPv4-compatible, 6to4, Teredo and NAT64 (RFC 4291, 3056, 4380, 6052)."""
    if isinstance(address, IPv4Address):
        return []
    found = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in _NAT64 or (address in _IPV4_COMPATIBLE and int(address) > 1):
        found.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return [each for each in found if each is not None]


@dataclass(frozen=True)
class Opening:
    """A network, and one port of it or all."""

    network: Network
    port: int | None = None

    def covers(self, address: Address, port: int) -> bool:
        """An IPv4-mapped address is covered by the network of the IPv4 address it means."""
        mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
        return (mapped or address) in self.network and self.port in (None, port)


def parse_openings(text: str) -> tuple[Opening, ...]:
    """`127.0.0.1/32:9001, 10.0.0.0/8, [::1]/128:80, ::1`; raises ValueError naming the entry."""
    return tuple(_parse_opening(part.strip()) for part in text.split(",") if part.strip())


def _parse_opening(text: str) -> Opening:
    try:
        return Opening(ip_network(text))
    except ValueError:
        pass
    matched = _OPENING.match(text)
    if matched is None:
        raise ValueError(f"{text!r} is not CIDR[:port].")
    network = (matched["bracketed"] or matched["plain"]) + (matched["length"] or "")
    port = int(matched["port"][1:]) if matched["port"] else None
    if port is not None and not 0 < port < 65536:
        raise ValueError(f"{text!r} has no valid port.")
    try:
        return Opening(ip_network(network), port)
    except ValueError as error:
        raise ValueError(f"{text!r} is not CIDR[:port]: {error}") from error
