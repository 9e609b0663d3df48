"""Forms of the pages."""

from django import forms


class SavedViewForm(forms.Form):
    name = forms.CharField(max_length=60)
    query = forms.CharField(max_length=512, required=False)
    is_shared = forms.BooleanField(required=False)
