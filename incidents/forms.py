"""Forms of the pages."""

from django import forms

from incidents.models import Severity
from telemetry.models import Service


class SavedViewForm(forms.Form):
    name = forms.CharField(max_length=60)
    query = forms.CharField(max_length=512, required=False)
    is_shared = forms.BooleanField(required=False)


class DeclareForm(forms.Form):
    title = forms.CharField(
        max_length=300, widget=forms.TextInput({"autocomplete": "off", "autofocus": True})
    )
    severity = forms.ChoiceField(
        choices=[(each.value, each.value.capitalize()) for each in Severity],
        initial=Severity.HIGH,
    )
    service = forms.ModelChoiceField(
        Service.objects.order_by("slug"),
        to_field_name="slug",
        required=False,
        empty_label="Not known",
    )
    summary = forms.CharField(
        max_length=2000,
        required=False,
        widget=forms.Textarea({"rows": 3, "autocomplete": "off"}),
        help_text="What is known so far; it begins the timeline.",
    )
