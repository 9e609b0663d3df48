"""What the outbound guard lets through: the operator's list, and what was opened here."""

from django.conf import settings
from django.utils.module_loading import import_string

from telemetry.outbound import Guard


def guard() -> Guard:
    """Asked for anew by each call: the sample estate's ports change whenever it starts."""
    opened = [address for name in settings.OUTBOUND_OPENED_BY for address in import_string(name)()]
    return Guard.from_text(",".join(filter(None, [settings.OUTBOUND_ALLOW, *opened])))
