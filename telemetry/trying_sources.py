"""Try a source out, as a person who connects it wants to know: what answers, or what to mend."""

import asyncio
from dataclasses import dataclass

import httpx

from telemetry import asking_loop
from telemetry.address_tiers import Tier, parse_address, tier_of
from telemetry.asking import Answer, try_out
from telemetry.models import DataSource
from telemetry.outbound_allowed import guard
from telemetry.outbound_async import judged
from telemetry.sources.asker import UNTRUSTED
from telemetry.sources.base import SourceFailed

RESOLVING_SECONDS = 3.0
CREDENTIALS = "Check the credentials, and what they may read there."
PATH = "Give the address that the product itself answers at, without a path of its API."
CLOSED = (
    "The address is in a range that is closed, so that nobody reaches inner services through this "
    "console. Where that is wanted, an administrator names it in AIOPS_OUTBOUND_ALLOW and restarts."
)
CERTIFICATE = (
    "It must be for the name that was typed, and from an authority that this machine knows: add "
    "it to the machine's, or name a file of authorities in SSL_CERT_FILE."
)
SILENT = "Is it running there, and does a firewall let this machine in?"
KIND = "Check the kind and the address."


@dataclass(frozen=True, slots=True)
class Trial:
    """`addresses` are what the name leads to, each with its tier; none for what is refused."""

    answer: Answer[str]
    addresses: tuple[str, ...]
    way_out: str

    @property
    def said(self) -> str:
        return self.answer.value or ""


def try_source(source: DataSource) -> Trial:
    """Takes eight seconds at most, and is noted on the source."""
    answer = try_out(source)
    addresses = asking_loop.run(_addresses(source.url))
    return Trial(answer, addresses, _way_out(answer.failed) if answer.failed else "")


async def _addresses(url: str) -> tuple[str, ...]:
    try:
        async with asyncio.timeout(RESOLVING_SECONDS):
            target = await judged(guard(), url)
    except (httpx.ConnectError, TimeoutError):
        return ()
    return tuple(f"{address} ({_tier(address)})" for address in target.addresses)


def _tier(address: str) -> str:
    """Whatever is forbidden and reached all the same was opened by an administrator."""
    parsed = parse_address(address)
    tier = tier_of(parsed) if parsed else Tier.FORBIDDEN
    return "opened here" if tier is Tier.FORBIDDEN else str(tier)


def _way_out(failed: SourceFailed) -> str:
    words = str(failed)
    if failed.status in (401, 403):
        return CREDENTIALS
    if failed.status == 404:
        return PATH
    if " is refused: " in words:
        return CLOSED
    if words.startswith(UNTRUSTED):
        return CERTIFICATE
    return SILENT if failed.is_passing else KIND
