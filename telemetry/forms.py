"""Forms of the service pages."""

from typing import Any

from django import forms

from telemetry.models import Service, Watch

REACH = {"low": 6.5, "usual": 4.5, "high": 3.0}  # standard deviations; see detectors.seasonal
CHOICES = [(word, word.capitalize()) for word in REACH]
CUSTOM = "custom"


class ServiceForm(forms.ModelForm[Service]):
    class Meta:
        model = Service
        fields = ["name", "kind", "tier", "owner", "description", "health_url"]
        widgets = {"description": forms.Textarea(attrs={"rows": 3})}


class WatchForm(forms.ModelForm[Watch]):
    """Whether a series is watched, whether it alerts, and how little it takes."""

    sensitivity = forms.ChoiceField(choices=CHOICES)

    class Meta:
        model = Watch
        fields = ["is_enabled", "raises_alerts"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen = sensitivity_of(self.instance)
        if chosen == CUSTOM:  # a reach that somebody tuned by hand stays until another is chosen
            self.fields["sensitivity"].choices = [(CUSTOM, "As tuned"), *CHOICES]  # type: ignore[attr-defined]
        self.fields["sensitivity"].initial = chosen

    def save(self, commit: bool = True) -> Watch:  # noqa: FBT001, FBT002  # the framework's
        if (said := self.cleaned_data["sensitivity"]) != CUSTOM:
            self.instance.settings = {**self.instance.settings, "reach": REACH[said]}
        return super().save(commit)


def sensitivity_of(watch: Watch) -> str:
    reach = watch.settings.get("reach", REACH["usual"])
    return next((word for word, value in REACH.items() if value == reach), CUSTOM)
