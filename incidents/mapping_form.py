"""The field mapping of a generic sender as a form: a path for each part, labels one a line."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import orjson
from django import forms
from pydantic import ValidationError as InvalidMapping

from incidents.payload import UnreadablePayload, read_json
from incidents.providers.field_mapping import FieldMapping

LONGEST_SAMPLE = 64 * 1024
PATHS = {
    "items": "List of alerts",
    "name": "Name",
    "status": "Status",
    "severity": "Severity",
    "service": "Service",
    "key": "Identity",
    "starts_at": "Began at",
    "ends_at": "Ended at",
    "summary": "Summary",
    "url": "Link",
}
HELP = {
    "items": "Only when one delivery holds several; the other paths then start at each of them.",
    "key": "What stays the same from firing to resolved. Empty: the labels are the identity.",
}


class MappingForm(forms.Form):
    """Paths such as `alert.labels.0.name`; an empty one is not sought."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, label in PATHS.items():
            self.fields[name] = forms.CharField(
                label=label, max_length=512, required=False, help_text=HELP.get(name, "")
            )
            self.fields[name].widget.attrs |= {"spellcheck": "false", "class": "mono"}
        self.fields["labels"] = forms.CharField(
            required=False,
            max_length=8192,
            help_text="One a line, such as host = source.host",
            widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "class": "mono"}),
        )

    @classmethod
    def showing(cls, mapping: Mapping[str, Any] | None) -> "MappingForm":
        return cls(initial=_as_initial(mapping or {}))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.errors:
            return cleaned
        paths = {name: cleaned[name].strip() for name in PATHS}
        mapping = {**paths, "labels": _read_labels(cleaned["labels"])}
        try:
            self.mapping = FieldMapping.model_validate(mapping).model_dump(exclude_defaults=True)
        except InvalidMapping as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = str(first["loc"][0]) if first["loc"] else "labels"
            raise forms.ValidationError({place: first["msg"]}) from error
        return cleaned


def read_sample(text: str) -> Any:
    """Raises `UnreadablePayload`, also for an empty or an overlong sample."""
    if not text.strip():
        raise UnreadablePayload("Paste a sample of what your sender posts.")
    if len(text) > LONGEST_SAMPLE:
        raise UnreadablePayload("The sample is longer than 64 kB; one delivery is enough.")
    return read_json(text.encode(errors="replace"))


def pretty(body: bytes) -> str:
    """JSON with its lines, anything else as text; at most 64 kB of it."""
    with suppress(orjson.JSONDecodeError, orjson.JSONEncodeError, RecursionError):
        body = orjson.dumps(orjson.loads(body), option=orjson.OPT_INDENT_2)
    return body[:LONGEST_SAMPLE].decode(errors="replace").replace("\x00", "\N{SYMBOL FOR NULL}")


def _as_initial(mapping: Mapping[str, Any]) -> dict[str, str]:
    labels = mapping.get("labels") or {}
    lines = "\n".join(f"{name} = {path}" for name, path in labels.items())
    return {name: mapping.get(name, "") for name in PATHS} | {"labels": lines}


def _read_labels(text: str) -> dict[str, str]:
    labels = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        name, equals, path = (part.strip() for part in line.partition("="))
        if not equals or not name or not path:
            raise forms.ValidationError({"labels": f"“{line[:80]}” is not like host = source.host"})
        labels[name] = path
    return labels
