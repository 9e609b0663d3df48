"""A secret that is made once in the data folder and shared by every command."""

import contextlib
import os
import secrets
import tempfile
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

RANDOM_BYTES = 64


def read_or_make(file: Path, *, older_than: Path) -> str:
    """The file's content; made with mode 0600 when missing, the same for all who race to make it.

    Raises ImproperlyConfigured when other accounts may read the file, and when it is gone although
    what it protects is still there: a new key would read none of it.
    """
    is_in_use = older_than.exists()  # looked at first: who makes both makes the key first
    if not file.exists():
        if is_in_use:
            raise ImproperlyConfigured(_gone(file, older_than))
        _make(file)
    if file.stat().st_mode & 0o077:
        raise ImproperlyConfigured(f"{file} can be read by others. Run: chmod 600 {file}")
    return file.read_text(encoding="ascii").strip()


def _gone(file: Path, older_than: Path) -> str:
    return (
        f"{file} is gone, and {older_than.name} beside it holds secrets that only this key reads. "
        "Put it back from the backup. Without one, give a new key in AIOPS_SECRET_KEY, and enter "
        "the secrets of connections again."
    )


def _make(file: Path) -> None:
    """Write a draft, then link it under its name: the first one wins, and none reads half."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(dir=file.parent, prefix=".key-")
    with os.fdopen(descriptor, "w", encoding="ascii") as out:
        out.write(secrets.token_urlsafe(RANDOM_BYTES))
        out.flush()
        os.fsync(out.fileno())
    with contextlib.suppress(FileExistsError):
        os.link(draft, file)
    os.unlink(draft)
