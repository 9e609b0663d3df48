"""What is edited in the admin: a runbook's text, and how an executor reaches its place."""

from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import format_html
from django.utils.safestring import SafeString

from automation import text_difference
from automation.document import load
from automation.executors import EXECUTORS
from automation.models import Connection, Runbook, RunbookVersion
from automation.problem import Problem


class YamlEditor(forms.Textarea):
    """Line numbers by static/ui/editor.js; `data-bad` names the lines that are wrong."""

    def render(self, *args: Any, **kwargs: Any) -> SafeString:
        textarea = super().render(*args, **kwargs)
        return format_html('<div class="editor" data-editor>{}</div>', textarea)


class TagsField(forms.Field):
    """Words with commas or spaces between them; each counts once."""

    widget = forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"})

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> list[str]:
        words = str(value or "").replace(",", " ").lower().split()
        return list(dict.fromkeys(words))


class RunbookEditor(forms.ModelForm):  # type: ignore[type-arg]
    """The text becomes a new version. `latest` is the version that was on the screen."""

    text = forms.CharField(
        strip=False,
        widget=YamlEditor(attrs={"spellcheck": "false", "wrap": "off", "autocapitalize": "off"}),
        help_text="YAML. Tab indents; Esc, then Tab, leaves the field.",
    )
    reason = forms.CharField(
        max_length=300,
        required=False,
        label="Reason for the change",
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )
    tags = TagsField(required=False, help_text="Words it is found by, such as database, restart.")
    latest = forms.IntegerField(required=False, widget=forms.HiddenInput)

    OF_THE_RUNBOOK = ("owner", "tags", "is_enabled")

    class Meta:
        model = Runbook
        fields = ["owner", "tags", "is_enabled"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.warnings: list[Problem] = []
        self.conflict: RunbookVersion | None = None
        self.newest = self._newest()
        if self.newest:
            self.initial.setdefault("text", self.newest.text)
            self.initial["latest"] = self.newest.number

    def clean_text(self) -> str:
        text: str = self.cleaned_data["text"].replace("\r\n", "\n")
        document, problems = load(text)
        wrong = [problem for problem in problems if not problem.is_warning]
        self.warnings = [problem for problem in problems if problem.is_warning]
        if document is None or wrong:
            lines = dict.fromkeys(str(problem.line) for problem in wrong)
            self.fields["text"].widget.attrs["data-bad"] = " ".join(lines)
            raise ValidationError([ValidationError(_linked(problem)) for problem in wrong])
        self._check_name(document.name)
        return text

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        text = cleaned.get("text")
        if self.newest and cleaned.get("latest") != self.newest.number:
            self._show_conflict(self.newest)
        is_new = text is not None and (self.newest is None or text != self.newest.text)
        if is_new and not (cleaned.get("reason") or "").strip():
            self.add_error("reason", "Say why; whoever approves a plan of it reads this.")
        return cleaned

    @property
    def conflict_sides(self) -> text_difference.Sides:
        """What is stored, and what was typed."""
        stored = self.conflict.text if self.conflict else ""
        typed = self.data.get("text", "").replace("\r\n", "\n")
        return text_difference.side_by_side(stored, typed)

    def _newest(self) -> RunbookVersion | None:
        """When something was sent, under the runbook's lock: nobody saves between look and save."""
        if not self.instance.pk:
            return None
        if self.is_bound:
            Runbook.objects.select_for_update().get(pk=self.instance.pk)
        latest: RunbookVersion | None = self.instance.versions.first()
        return latest

    def _show_conflict(self, stored: RunbookVersion) -> None:
        """The page that is sent back shows the stored version, so the next save counts from it."""
        self.conflict = stored
        sent = {name: self.data.get(name) for name in self.data}
        self.data = sent | {"latest": str(stored.number)}
        self.add_error(None, f"v{stored.number} was saved meanwhile, so yours was not.")

    def _check_name(self, name: str) -> None:
        if self.instance.pk and name != self.instance.name:
            raise ValidationError(f"The name stays {self.instance.name}; duplicate it to rename.")
        if not self.instance.pk and Runbook.objects.filter(name=name).exists():
            raise ValidationError(f"There is a runbook {name} already.")


class ConnectionForm(forms.ModelForm):  # type: ignore[type-arg]
    """The secret can be set and replaced, never read."""

    executor = forms.ChoiceField(choices=[(name, name) for name in EXECUTORS])
    new_secret = forms.CharField(
        label="Secret",
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "class": "vTextField"}),
    )
    remove_secret = forms.BooleanField(label="Remove the secret", required=False)

    class Meta:
        model = Connection
        fields = ["executor", "name", "url", "username", "is_default"]
        help_texts = {
            "url": "Such as http://127.0.0.1:9001/RPC2, without credentials.",
            "username": "Without one, the secret is sent as a bearer token.",
            "is_default": "Used by every step of this executor that names no connection.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["new_secret"].help_text = (
            f"Set, version {self.instance.secret_version}. Type a new one to replace it."
            if self.instance.secret
            else "Not set. It is kept encrypted and never shown again."
        )

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"]
        try:
            parts = urlsplit(url)
        except ValueError as error:
            raise ValidationError("This is not an address.") from error
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise ValidationError("Write an address that starts with http:// or https://.")
        if "@" in parts.netloc:
            raise ValidationError(
                "Put the credentials into their own fields, not into the address."
            )
        return url

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        rivals = Connection.objects.filter(executor=cleaned.get("executor"), is_default=True)
        rival = rivals.exclude(pk=self.instance.pk).first()
        if cleaned.get("is_default") and rival:
            words = f"{rival.name} is the default of {rival.executor}; untick it there first."
            self.add_error("is_default", words)
        if cleaned.get("new_secret") and cleaned.get("remove_secret"):
            self.add_error("remove_secret", "Either replace it or remove it.")
        return cleaned


def _linked(problem: Problem) -> SafeString:
    return format_html('<a href="#id_text" data-line="{}">{}</a>', problem.line, str(problem))
