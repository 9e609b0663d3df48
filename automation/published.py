"""Runbooks as documents: reading a version, writing a new one, publishing it."""

import hashlib
from functools import lru_cache

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction

from automation.document import load
from automation.document_models import RunbookDocument
from automation.models import Runbook, RunbookVersion


def document_of(version: RunbookVersion) -> RunbookDocument:
    """Raises `ValidationError` when the stored text is no longer a valid runbook."""
    return _document(version.text)


@transaction.atomic
def write_version(text: str, *, author: User | None, reason: str) -> RunbookVersion:
    """A new draft of the runbook the text names. The same text again gives the version it has."""
    document = _document(text)
    runbook, _ = Runbook.objects.get_or_create(name=document.name)
    runbook = Runbook.objects.select_for_update().get(pk=runbook.pk)
    latest = runbook.versions.first()
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    if latest is not None and latest.sha256 == sha256:
        return latest
    return runbook.versions.create(
        number=latest.number + 1 if latest else 1,
        text=text,
        sha256=sha256,
        author=author,
        reason=reason,
    )


@transaction.atomic
def publish(version: RunbookVersion) -> None:
    runbook = Runbook.objects.select_for_update().get(pk=version.runbook_id)
    runbook.published = version
    runbook.description = document_of(version).description
    runbook.save(update_fields=["published", "description"])


@lru_cache(maxsize=500)
def _document(text: str) -> RunbookDocument:
    document, problems = load(text)
    errors = [str(problem) for problem in problems if not problem.is_warning]
    if document is None or errors:
        raise ValidationError(errors or ["This is not a runbook."])
    return document
