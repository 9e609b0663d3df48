from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from incidents import rotating
from incidents.instructions import instructions
from incidents.latest import latest_of
from incidents.matchers import InvalidMatcher, parse_matchers
from incidents.models import CorrelationRule, Integration, KnowledgeArticle, KnownFix


@admin.register(Integration)
class IntegrationAdmin(admin.ModelAdmin[Integration]):
    """The token is a hash and never shown; a new one is, once, by rotating."""

    list_display = ("name", "provider", "is_enabled", "token_prefix", "created_at", "created_by")
    list_filter = ("provider", "is_enabled")
    list_select_related = ("created_by",)
    search_fields = ("name",)
    show_full_result_count = False
    fields = ("name", "provider", "is_enabled", "mapping", "token_prefix", "created_at")
    readonly_fields = ("provider", "token_prefix", "created_at")
    actions = ("rotate_token",)

    def add_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Where the token can be shown."""
        return redirect("source-new")

    @admin.action(description="Rotate the token", permissions=["change"])
    def rotate_token(
        self, request: HttpRequest, queryset: QuerySet[Integration]
    ) -> HttpResponse | None:
        """Answers with the page that shows it; a message would keep it in a cookie."""
        chosen = list(queryset.exclude(token_prefix="")[:2])
        if len(chosen) != 1:
            self.message_user(
                request, "Choose one; the console's own has no token.", messages.ERROR
            )
            return None
        connected = rotating.rotate(chosen[0])
        context = {**instructions(connected), **latest_of(connected.integration)}
        response = render(request, "sources/connected.html", context)
        response.headers["Cache-Control"] = "no-store"
        return response


class RuleForm(forms.ModelForm[CorrelationRule]):
    class Meta:
        model = CorrelationRule
        fields = ("name", "position", "matchers", "group_by", "window_seconds", "is_enabled")

    def clean_matchers(self) -> list[str]:
        given = _texts(self.cleaned_data["matchers"] or [], 'such as ["env=prod"]')
        try:
            parse_matchers(given)
        except InvalidMatcher as error:
            raise forms.ValidationError(str(error)) from error
        return given

    def clean_group_by(self) -> list[str]:
        given = _texts(self.cleaned_data["group_by"], 'such as ["service", "cluster"]')
        if not given:
            raise forms.ValidationError("Name at least one label.")
        return given


def _texts(given: Any, example: str) -> list[str]:
    if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
        raise forms.ValidationError(f"A list of texts, {example}.")
    return given


@admin.register(CorrelationRule)
class CorrelationRuleAdmin(admin.ModelAdmin[CorrelationRule]):
    form = RuleForm
    list_display = ("name", "position", "matchers", "group_by", "window_seconds", "is_enabled")
    list_filter = ("is_enabled",)
    search_fields = ("name",)
    show_full_result_count = False


@admin.register(KnowledgeArticle)
class KnowledgeArticleAdmin(admin.ModelAdmin[KnowledgeArticle]):
    list_display = ("title", "service", "classification", "incident", "updated_at")
    list_filter = ("classification",)
    list_select_related = ("service", "incident")
    search_fields = ("title", "body", "service__slug")
    show_full_result_count = False
    raw_id_fields = ("incident",)


@admin.register(KnownFix)
class KnownFixAdmin(admin.ModelAdmin[KnownFix]):
    """What has been learnt; the counts are evidence and cannot be typed in."""

    list_display = ("alert_name", "service", "runbook", "classification", "successes", "failures")
    list_filter = ("classification",)
    list_select_related = ("service",)
    search_fields = ("alert_name", "runbook", "service__slug")
    show_full_result_count = False
    readonly_fields = ("successes", "failures", "last_incident")
