"""The vendored browser files are the ones their list names: `python -m benchmarks.vendored`."""

import hashlib
import json
import sys
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "static" / "vendor"


def problems(folder: Path = FOLDER) -> list[str]:
    """What differs from `vendor.json`; empty when nothing does."""
    listed = json.loads((folder / "vendor.json").read_text(encoding="utf-8"))
    found = [problem for entry in listed if (problem := _problem(folder, entry))]
    known = {entry["file"] for entry in listed} | {entry["licence_file"] for entry in listed}
    there = {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}
    return found + [f"{name} is not listed" for name in sorted(there - known - {"vendor.json"})]


def _problem(folder: Path, entry: dict[str, str]) -> str:
    file = folder / entry["file"]
    if not file.is_file() or not (folder / entry["licence_file"]).is_file():
        return f"{entry['file']} or its licence is missing"
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    return "" if digest == entry["sha256"] else f"{entry['file']} has the checksum {digest}"


if __name__ == "__main__":
    sys.exit("\n".join(problems()) or 0)
