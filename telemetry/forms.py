"""Forms of the service pages."""

from django import forms

from telemetry.models import Service


class ServiceForm(forms.ModelForm[Service]):
    class Meta:
        model = Service
        fields = ["name", "tier", "owner", "description", "health_url"]
        widgets = {"description": forms.Textarea(attrs={"rows": 3})}
