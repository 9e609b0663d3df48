"""How far a deed on many incidents is, for the person who asked for it."""

from dataclasses import dataclass

from django.http import HttpRequest
from django.utils import timezone

from incidents import bulk
from incidents.models import BulkDeed


@dataclass(frozen=True, slots=True)
class Progress:
    """`is_undoable`: now, by the person who asked for it."""

    deed: BulkDeed
    is_undoable: bool

    @property
    def words(self) -> str:
        deed = self.deed
        told = "Took it back for" if deed.undoes_id else bulk.KINDS[deed.verb].told
        done, total = len(deed.done), len(deed.numbers)
        if deed.finished_at is None:
            return f"{told} {done:,} of {total:,} incidents"
        return f"{told} {done:,} incident{'' if done == 1 else 's'}"


def progress_of(deed: BulkDeed) -> Progress:
    return Progress(deed, bulk.may_be_undone(deed, timezone.now()))


def followed(request: HttpRequest) -> list[Progress]:
    """The deeds whose progress, or whose undo, is still of interest."""
    shown = BulkDeed.objects.shown_to(request.user.pk, timezone.now())
    return [progress_of(deed) for deed in shown.select_related("undone_by")]
