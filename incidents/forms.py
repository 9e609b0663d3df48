"""Forms of the pages."""

from django import forms

from incidents.models import SavedView


class SavedViewForm(forms.ModelForm[SavedView]):
    class Meta:
        model = SavedView
        fields = ["name", "query", "is_shared"]
