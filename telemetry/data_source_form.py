"""The form of a source that is asked in place: the fields are those that its kind needs."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from telemetry.data_sources import BUILTIN, LONGEST, configure, names_of_secrets, settings_of
from telemetry.models import DataSource
from telemetry.sources import SOURCES
from telemetry.sources.base import Setting

FORGET = "forget-"


class DataSourceForm(forms.ModelForm):  # type: ignore[type-arg]
    """Secrets can be set, replaced and forgotten, never read."""

    # Not the model's, whose validator refuses names without a dot, such as http://prometheus:9090.
    url = forms.CharField(label="Address", max_length=500, widget=forms.URLInput)

    class Meta:
        model = DataSource
        fields = ["name"]
        help_texts = {"name": "Letters, digits and hyphens, such as prometheus-eu."}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kind = self.instance.kind
        if kind in SOURCES:
            self.fields["url"].help_text = f"Such as {SOURCES[kind].example}"
        self.fields["url"].initial = self.instance.url
        self.kept = names_of_secrets(self.instance)
        for setting in settings_of(kind):
            self.fields[setting.name] = self._field(setting)
            if setting.name in self.kept and not setting.is_required:
                label = f"Forget the {setting.label.lower()}"
                self.fields[f"{FORGET}{setting.name}"] = forms.BooleanField(
                    label=label, required=False
                )

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if name == BUILTIN.name:
            raise ValidationError("That is the name of the console's own store.")
        return name

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors:
            url = cleaned["url"]
            configure(self.instance, url=url, options=self._options(), secrets=self._secrets())
        return cleaned

    def _options(self) -> dict[str, str]:
        plain = [each.name for each in settings_of(self.instance.kind) if not each.is_secret]
        return {name: self.cleaned_data[name] for name in plain}

    def _secrets(self) -> dict[str, str]:
        """What was typed, and nothing for what is to be forgotten."""
        secret = [each.name for each in settings_of(self.instance.kind) if each.is_secret]
        typed = {name: self.cleaned_data[name] for name in secret if self.cleaned_data[name]}
        forgotten = {name: "" for name in secret if self.cleaned_data.get(f"{FORGET}{name}")}
        return {**forgotten, **typed}

    def _field(self, setting: Setting) -> forms.Field:
        attrs = {"autocomplete": "new-password" if setting.is_secret else "off"}
        widget = forms.PasswordInput if setting.is_secret else forms.TextInput
        is_kept = setting.name in self.kept
        said = "•••• set. Type a new one to replace it." if is_kept else setting.help
        return forms.CharField(
            label=setting.label,
            help_text=said,
            required=setting.is_required and not is_kept,
            max_length=LONGEST,
            initial=self.instance.options.get(setting.name, ""),
            widget=widget(attrs={**attrs, "spellcheck": "false"}),
        )
