"""Forms of runbook parameters and of healing policies."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from automation.document_models import Guardrails, Parameter, RunbookDocument
from automation.models import HealingPolicy, Runbook
from automation.parameter_values import ValueRefused
from automation.published import document_of
from incidents.matchers import InvalidMatcher, parse_matcher

AUTOMATIC_RISKS = ("low", "medium")


class ParametersForm(forms.Form):
    """One field a parameter of the document. Left empty means: from its origin, or its default.

    `known` are the values an origin has now; a parameter whose origin is not known must be given,
    unless `may_wait`, as for a policy, which meets its incident later.
    """

    def __init__(
        self,
        document: RunbookDocument,
        sent: Mapping[str, Any] | None = None,
        *,
        initial: Mapping[str, Any] | None = None,
        known: Mapping[str, Any] | None = None,
        may_wait: bool = False,
    ) -> None:
        super().__init__(sent, initial=dict(initial or {}), prefix="p")
        self.document = document
        for name, parameter in document.parameters.items():
            value = (known or {}).get(parameter.origin or "")
            self.fields[name] = _field(name, parameter, value, may_wait=may_wait)

    def given(self) -> dict[str, str | int | bool]:
        """What was typed, as the declared types. Only for a valid form."""
        return {name: value for name, value in self.cleaned_data.items() if value is not None}


class ParameterField(forms.CharField):
    """The parameter's own rules decide; None when nothing was typed."""

    def __init__(self, parameter: Parameter, **kwargs: Any) -> None:
        super().__init__(strip=False, **kwargs)
        self.parameter = parameter

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if text in self.empty_values:
            return None
        try:
            return self.parameter.checked(text)
        except ValueRefused as refused:
            raise ValidationError(f"It {refused}.") from refused


class HealingPolicyForm(forms.ModelForm):  # type: ignore[type-arg]
    """Without the runbook's parameters, which have a form of their own."""

    matchers = forms.CharField(
        label="When an incident matches",
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "class": "mono"}),
        help_text="One matcher a line; all must match. Such as service=checkout or "
        "severity=~critical|high.",
    )
    max_per_hour = forms.IntegerField(label="Runs an hour", required=False)
    cooldown_seconds = forms.IntegerField(label="Cool-down in seconds", required=False)
    max_targets = forms.IntegerField(label="Targets at once", required=False)
    window = forms.CharField(
        label="Window",
        required=False,
        help_text="always, or like mon-fri 08:00-18:00 Europe/Berlin",
    )
    seen_version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = HealingPolicy
        fields = ["name", "matchers", "runbook", "mode", "is_enabled"]
        labels = {"is_enabled": "Enabled"}
        help_texts = {"name": "Lower case, digits and hyphens."}
        widgets = {"mode": forms.RadioSelect}

    LIMITS = ("max_per_hour", "cooldown_seconds", "max_targets", "window")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        published = Runbook.objects.filter(is_enabled=True, published__isnull=False)
        self.fields["runbook"] = forms.ModelChoiceField(
            published, label="Runbook", to_field_name="name", empty_label="Choose a runbook"
        )
        if self.instance.pk:
            self._show(self.instance)

    def _show(self, policy: HealingPolicy) -> None:
        self.initial["matchers"] = "\n".join(policy.matchers)
        self.initial["runbook"] = policy.runbook.name
        self.initial["seen_version"] = policy.version
        self.initial |= policy.guardrails

    def clean_matchers(self) -> list[str]:
        return read_matchers(self.cleaned_data["matchers"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        limits = {
            name: cleaned[name] for name in self.LIMITS if cleaned.get(name) not in (None, "")
        }
        self._check_limits(limits)
        self.instance.guardrails = limits
        runbook, mode = cleaned.get("runbook"), cleaned.get("mode")
        if runbook and mode == HealingPolicy.Mode.AUTO:
            self._check_risk(runbook)
        seen = cleaned.get("seen_version")
        if self.instance.pk and seen != self.instance.version:
            self.add_error(None, f"Somebody else saved v{self.instance.version} meanwhile.")
        return cleaned

    def _check_limits(self, limits: Mapping[str, Any]) -> None:
        for name, value in limits.items():
            try:
                Guardrails.model_validate({name: value})
            except ValueError as error:
                self.add_error(name, _first_words(error))

    def _check_risk(self, runbook: Runbook) -> None:
        document = document_of(runbook.published) if runbook.published else None
        if document and document.risk not in AUTOMATIC_RISKS:
            words = f"{runbook} is of {document.risk} risk; only low and medium run by themselves."
            self.add_error("mode", words)


class BacktestForm(HealingPolicyForm):
    """What a backtest needs of a policy that may not have been saved yet."""

    class Meta(HealingPolicyForm.Meta):
        fields = ["matchers", "runbook"]


def read_matchers(text: str) -> list[str]:
    """Raises `ValidationError` with the line that cannot be read."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        raise ValidationError("Write at least one matcher.")
    for line in lines:
        try:
            parse_matcher(line)
        except InvalidMatcher as error:
            raise ValidationError(str(error)) from error
    return lines


def _field(name: str, parameter: Parameter, value: Any, *, may_wait: bool) -> ParameterField:
    has_origin = parameter.origin is not None and (may_wait or value is not None)
    is_needed = parameter.default is None and not has_origin
    choices = _choices(parameter)
    widget: forms.Widget = forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"})
    if choices:
        empty = "" if is_needed else "(as it is)"
        widget = forms.Select(choices=[("", empty), *choices])
    elif parameter.type == "integer":
        widget = forms.NumberInput()
    return ParameterField(
        parameter,
        label=name,
        required=is_needed,
        widget=widget,
        help_text=_help(parameter, value),
    )


def _choices(parameter: Parameter) -> list[tuple[str, str]]:
    if parameter.enum is not None:
        return [(str(each), str(each)) for each in parameter.enum]
    if parameter.type == "boolean":
        return [("true", "true"), ("false", "false")]
    return []


def _help(parameter: Parameter, value: Any) -> str:
    parts = [parameter.description.rstrip(".")] if parameter.description else []
    if parameter.origin:
        now = f", now {value}" if value is not None else ""
        parts.append(f"Left empty: {parameter.origin}{now}")
    elif parameter.default is not None:
        parts.append(f"Left empty: {parameter.default}")
    if parameter.pattern:
        parts.append(f"Must match {parameter.pattern}")
    return ". ".join(parts) + "." if parts else ""


def _first_words(error: ValueError) -> str:
    details: list[Any] = getattr(error, "errors", list)()
    message = str(details[0]["msg"]) if details else str(error)
    return message.removeprefix("Value error, ")
