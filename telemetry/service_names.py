"""What a service is called in addresses and runbooks, whatever its senders call it."""

import hashlib
import unicodedata

from django.utils.text import slugify

LONGEST = 100
DIGITS = 8


def slug_of(name: str) -> str:
    """Lower-case letters, digits and hyphens, always the same for a name; empty if it says nothing.

    What cannot be written so, such as 支付 or 🔥, or in so short a slug, is told apart by a hash of
    the whole name.
    """
    folded = unicodedata.normalize("NFKD", name.casefold()).strip()
    readable = slugify(folded.replace("_", "-"))
    if len(readable) <= LONGEST and not _has_more(folded):
        return readable
    digest = hashlib.sha256(folded.encode()).hexdigest()[:DIGITS]
    beginning = readable[: LONGEST - DIGITS - 1].rstrip("-") or "service"
    return f"{beginning}-{digest}"


def title_of(name: str) -> str:
    """What to show beside the slug; empty when the slug says it all."""
    return "" if name == slug_of(name) else name.strip()[:LONGEST]


def _has_more(folded: str) -> bool:
    """Whether it has letters, numbers or symbols that a slug cannot show."""
    return any(not c.isascii() and unicodedata.category(c)[0] in "LNS" for c in folded)
