"""What the figures were measured on: a rate means nothing without it."""

import os
import platform
import sqlite3
from pathlib import Path


def describe() -> str:
    return (
        f"{_processor()}, {os.cpu_count()} cores, {_memory_gb():.0f} GB, {_system()}, "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, "
        f"load {os.getloadavg()[0]:.1f} before"
    )


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _memory_gb() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9


def _system() -> str:
    return platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
