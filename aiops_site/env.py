"""Settings from the environment: typed, and refused with the variable's name and the way out."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from aiops_site.key_file import read_or_make

Role = Literal["web", "worker", "beat"]

SHORTEST_KEY = 50
FEWEST_DIFFERENT_CHARACTERS = 5
SAMPLE_WORDS = (
    "changeme",
    "change-me",
    "change_me",
    "django-insecure",
    "example",
    "replace-me",
)
STATEMENT_TIMEOUT_MS: dict[Role, int] = {"web": 5_000, "worker": 60_000, "beat": 5_000}
TRUE_WORDS = {"1", "true", "yes", "on"}
FALSE_WORDS = {"0", "false", "no", "off"}
LABEL = re.compile(r"[A-Za-z0-9._-]{1,30}")
SQLITE_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",  # an accepted message must outlive a power cut, not only a crash
    "journal_size_limit=67108864",
    "cache_size=-8000",
    "mmap_size=67108864",
    "temp_store=MEMORY",
)


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, default).strip()


def integer(name: str, default: int, *, least: int = 0, most: int = 2**31 - 1) -> int:
    raw = text(name, str(default))
    if not raw.isdecimal() or not least <= int(raw) <= most:
        _refuse(name, raw, f"Give a whole number from {least} to {most}.")
    return int(raw)


def boolean(name: str, *, default: bool) -> bool:
    raw = text(name, str(default)).lower()
    if raw not in TRUE_WORDS | FALSE_WORDS:
        _refuse(name, raw, "Say yes or no.")
    return raw in TRUE_WORDS


def choice(name: str, allowed: Sequence[str], default: str) -> str:
    raw = text(name, default)
    if raw not in allowed:
        _refuse(name, raw, f"Choose one of {', '.join(allowed)}.")
    return raw


def label(name: str) -> str:
    """A short name to show to people; empty when it is not set."""
    raw = text(name)
    if raw and not LABEL.fullmatch(raw):
        _refuse(name, raw, "Write at most 30 letters, digits, dots, hyphens and underscores.")
    return raw


def path(name: str, default: Path) -> Path:
    """An absolute path; a relative one counts from the working directory."""
    raw = text(name)
    return Path(raw).expanduser().absolute() if raw else default


def secret(name: str) -> str:
    """The value of NAME, or the content of the file NAME_FILE names; empty when neither is set."""
    value, file = text(name), text(f"{name}_FILE")
    if value and file:
        raise ImproperlyConfigured(f"{name} and {name}_FILE are both set. Keep one of them.")
    return _read_secret(name, Path(file)) if file else value


def allowed_hosts(name: str, *, public_host: str) -> list[str]:
    """The public host, this machine's own names and what the operator adds, comma separated."""
    added = [host.strip() for host in text(name).split(",") if host.strip()]
    if "*" in added:
        _refuse(name, "*", "List the host names that people use, separated by commas.")
    return list(dict.fromkeys([public_host, "localhost", "127.0.0.1", "[::1]", *added]))


def secret_key(data_dir: Path, *, is_embedded: bool) -> str:
    """Django's key: AIOPS_SECRET_KEY[_FILE], or made once in the data folder when embedded."""
    key = secret("AIOPS_SECRET_KEY")
    if not key and is_embedded:
        key = read_or_make(data_dir / "secret.key", older_than=data_dir / "console.sqlite3")
    weakness = _weakness(key)
    if weakness:
        raise ImproperlyConfigured(
            f"AIOPS_SECRET_KEY {weakness}. Make one with "
            "`python -c 'import secrets; print(secrets.token_urlsafe(64))'` and set "
            "AIOPS_SECRET_KEY, or AIOPS_SECRET_KEY_FILE to the path of a file that holds it."
        )
    return key


def fallback_keys() -> list[str]:
    """Keys of the time before a rotation: AIOPS_SECRET_KEY_FALLBACKS, or a file with one a line."""
    given = secret("AIOPS_SECRET_KEY_FALLBACKS").replace(",", "\n").splitlines()
    keys = [key.strip() for key in given if key.strip()]
    if weakness := next(filter(None, map(_weakness, keys)), ""):
        raise ImproperlyConfigured(
            f"A key of AIOPS_SECRET_KEY_FALLBACKS {weakness}. Whoever knows it could sign in as "
            "anybody: leave it out, and enter again what it encrypted."
        )
    return keys


def database(url: str, *, role: str) -> dict[str, Any]:
    """Django's settings of one database, from sqlite:///PATH or postgres://USER:PASSWORD@HOST/NAME.

    Postgres statements of the web role end after 5 s, those of the worker after 60 s.
    """
    parts = _split("DATABASE_URL", url)
    if parts.scheme == "sqlite":
        return _sqlite(unquote(parts.path[1:]))
    if parts.scheme in {"postgres", "postgresql"}:
        return _postgres(parts, role=role)
    raise _unknown_address("DATABASE_URL", "sqlite:///path, postgres://user:password@host/name")


def broker(url: str, *, data_dir: Path) -> tuple[str, dict[str, Any]]:
    """Celery's broker address and its transport options."""
    if url == "embedded":
        return "spool://localhost", {"folder": str(data_dir / "broker"), "polling_interval": 0.1}
    scheme = _split("AIOPS_BROKER_URL", url).scheme
    if scheme in {"redis", "rediss"}:
        return url, {
            "socket_timeout": 2,
            "socket_connect_timeout": 2,
            "retry_on_timeout": True,
            "visibility_timeout": 3600,
        }
    if scheme in {"amqp", "amqps"}:
        return url, {
            "connect_timeout": 2,
            "read_timeout": 2,
            "write_timeout": 2,
            "max_retries": 1,
        }
    raise _unknown_address("AIOPS_BROKER_URL", "embedded, amqp://host, redis://host")


def channel_layers(url: str, *, data_dir: Path) -> dict[str, Any]:
    """Channels' CHANNEL_LAYERS: sockets in the data folder, or Redis."""
    if url == "embedded":
        layer = "aiops_site.layer.LocalChannelLayer"
        return {"default": {"BACKEND": layer, "CONFIG": {"folder": str(data_dir / "run")}}}
    if _split("AIOPS_CHANNEL_URL", url).scheme in {"redis", "rediss"}:
        host = {"address": url, "socket_timeout": 2, "socket_connect_timeout": 2}
        layer = "channels_redis.core.RedisChannelLayer"
        return {"default": {"BACKEND": layer, "CONFIG": {"hosts": [host]}}}
    raise _unknown_address("AIOPS_CHANNEL_URL", "embedded, redis://host")


def _sqlite(name: str) -> dict[str, Any]:
    if not name:
        raise _unknown_address("DATABASE_URL", "sqlite:///path, with three slashes and a path")
    Path(name).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": name,
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 5,
            "init_command": "".join(f"PRAGMA {pragma};" for pragma in SQLITE_PRAGMAS),
        },
    }


def _postgres(parts: SplitResult, *, role: str) -> dict[str, Any]:
    options = dict(parse_qsl(parts.query)) | postgres_options(role)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path[1:]),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        "OPTIONS": options,
    }


def postgres_options(role: str) -> dict[str, Any]:
    """How long a role may wait for Postgres.

    Web requests run on short-lived threads, so only a pool lets them keep connections; the worker
    closes its connection after each task, and a pool would be built anew each time.
    """
    limits = {
        "statement_timeout": STATEMENT_TIMEOUT_MS["worker" if role == "worker" else "web"],
        "lock_timeout": 2_000,
        "idle_in_transaction_session_timeout": 30_000,
    }
    return {
        "connect_timeout": 2,
        "application_name": f"aiops-{role}",
        "options": " ".join(f"-c {name}={value}" for name, value in limits.items()),
        "pool": {"min_size": 1, "max_size": 8, "timeout": 2} if role == "web" else False,
    }


def _read_secret(name: str, file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ImproperlyConfigured(
            f"{name}_FILE names {file}, which cannot be read: {error.strerror}. "
            "Correct the path or its permissions."
        ) from error


def _weakness(key: str) -> str:
    if not key:
        return "is not set, and only the embedded default may make one by itself"
    if len(key) < SHORTEST_KEY or len(set(key)) < FEWEST_DIFFERENT_CHARACTERS:
        return f"is too weak: it needs {SHORTEST_KEY} characters or more, chosen at random"
    if any(word in key.lower() for word in SAMPLE_WORDS):
        return "is a sample value that everybody knows"
    return ""


def _split(name: str, url: str) -> SplitResult:
    """The address in parts; its text may hold a password and is never repeated in an error."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} is not an address: {error}.") from None
    return parts


def _refuse(name: str, raw: str, way_out: str) -> None:
    raise ImproperlyConfigured(f"{name} is {raw!r}. {way_out}")


def _unknown_address(name: str, known: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"{name} is not an address we know. Use one of: {known}.")
