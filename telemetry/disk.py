"""Whether the disk with the telemetry on it has room for more."""

import shutil
from pathlib import Path
from urllib.parse import unquote

from django.conf import settings

FULLEST = 0.95
_SQLITE = "sqlite:///"


def is_full() -> bool:
    """A database on another machine looks after its own."""
    if not settings.TELEMETRY_URL.startswith(_SQLITE):
        return False
    file = Path(unquote(settings.TELEMETRY_URL.removeprefix(_SQLITE)))
    folder = next(each for each in file.parents if each.is_dir())
    usage = shutil.disk_usage(folder)
    return usage.used / (usage.used + usage.free) > FULLEST
