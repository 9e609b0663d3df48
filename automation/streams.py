"""What an execution says, as the socket sends it."""

from typing import Any

from automation.models import OutputLine


def execution_frames(execution_id: str, after: int, limit: int) -> list[dict[str, Any]]:
    """Output lines after `after`, in order, as frames for the socket."""
    lines = OutputLine.objects.filter(execution_id=int(execution_id), seq__gt=after)
    return [{"seq": line.seq, "kind": line.kind, "entry": as_line(line)} for line in lines[:limit]]


def as_line(line: OutputLine) -> dict[str, Any]:
    return {
        "seq": line.seq,
        "at": line.at.isoformat(),
        "step": line.step_id,
        "kind": line.kind,
        "text": line.text,
    }
