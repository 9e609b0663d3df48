from django.core.exceptions import ValidationError

from automation.document_models import RunbookDocument
from automation.models import RunbookVersion
from automation.published import document_of


def readable(version: RunbookVersion | None) -> RunbookDocument | None:
    """None without a version, or when its text can no longer be read as a runbook."""
    if version is None:
        return None
    try:
        return document_of(version)
    except ValidationError:
        return None
