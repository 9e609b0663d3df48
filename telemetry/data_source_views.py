"""The sources that are asked in place: which there are, how each is, and what it answers."""

import time
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from telemetry.access import requires
from telemetry.data_source_form import DataSourceForm
from telemetry.data_sources import (
    BUILTIN,
    abilities_of,
    names_of_secrets,
    settings_of,
    state_of,
    title_of,
)
from telemetry.models import DataSource
from telemetry.source_questions import WORDS, QuestionForm, answer
from telemetry.sources import SOURCES
from telemetry.sources.base import SourceFailed
from telemetry.trying_sources import Trial, try_source

UNSAVED = 422


@require_GET
@requires("telemetry.view_datasource")
def asked(request: HttpRequest) -> HttpResponse:
    cards = [_card(source) for source in (BUILTIN, *DataSource.objects.all())]
    return render(request, "datasources/list.html", {"cards": cards, **_may(request)})


@require_http_methods(["GET", "POST"])
@requires("telemetry.add_datasource")
def new(request: HttpRequest) -> HttpResponse:
    wanted = request.POST.get("kind") or request.GET.get("kind", "")
    kind = wanted if wanted in SOURCES else next(iter(SOURCES))
    form = DataSourceForm(request.POST or None, instance=DataSource(kind=kind))
    if request.method == "POST" and form.is_valid():
        source = form.save()
        _tell(request, source, try_source(source))
        return redirect("asked-source", pk=source.pk)
    context = {"form": form, "kind": kind, "kinds": _kinds(), **_may(request)}
    code = UNSAVED if request.method == "POST" else 200
    return render(request, "datasources/new.html", context, status=code)


@require_GET
@requires("telemetry.view_datasource")
def source(request: HttpRequest, pk: int) -> HttpResponse:
    found = _find(pk)
    return _page(request, found, {"question": QuestionForm(found)})


@require_http_methods(["GET", "POST"])
@requires("telemetry.change_datasource")
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    found = _find(pk)
    form = DataSourceForm(request.POST or None, instance=found)
    if request.method == "POST" and form.is_valid():
        form.save()
        _tell(request, found, try_source(found))
        return redirect("asked-source", pk=pk)
    context = {"form": form, "name": _find(pk).name, "source": found, "kind_title": title_of(found)}
    code = UNSAVED if request.method == "POST" else 200
    return render(request, "datasources/edit.html", context, status=code)


@require_POST
@requires("telemetry.change_datasource")
def try_out(request: HttpRequest, pk: int) -> HttpResponse:
    """What answers there now, and what to mend."""
    found = _find(pk)
    trial = try_source(found)
    if request.headers.get("HX-Request"):
        return render(request, "datasources/_trial.html", {"trial": trial})
    return _page(request, found, {"question": QuestionForm(found), "trial": trial})


@require_GET
@requires("telemetry.view_datasource")
def question(request: HttpRequest, pk: int) -> HttpResponse:
    """A question and its answer; for everybody who may look at telemetry here."""
    found = _find(pk)
    form = QuestionForm(found, request.GET)
    context: dict[str, Any] = {"question": form, "source": found}
    if form.is_valid():
        context |= _answered(found, form)
    if request.headers.get("HX-Request"):
        return render(request, "datasources/_question.html", context)
    return _page(request, found, context)


@require_POST
@requires("telemetry.change_datasource")
def switch(request: HttpRequest, pk: int) -> HttpResponse:
    """Pause, or resume."""
    found = _find(pk)
    found.is_enabled = request.POST.get("to") == "on"
    found.save(update_fields=["is_enabled"])
    words = "is asked again" if found.is_enabled else "is paused and not asked"
    messages.success(request, f"{found.name} {words}.")
    return redirect("asked-source", pk=pk)


@require_POST
@requires("telemetry.delete_datasource")
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    found = _find(pk)
    found.delete()
    messages.success(request, f"{found.name} is deleted, with its credentials.")
    return redirect("asked-sources")


def _page(request: HttpRequest, found: DataSource, context: dict[str, Any]) -> HttpResponse:
    shown = {**_card(found), "settings": _shown_settings(found), **_may(request)}
    return render(request, "datasources/detail.html", {**shown, **context})


def _kinds() -> list[tuple[str, str]]:
    return [(kind.slug, kind.title) for kind in SOURCES.values()]


def _answered(found: DataSource, form: QuestionForm) -> dict[str, Any]:
    try:
        return {"table": answer(found, form, now_ms=int(time.time() * 1000))}
    except SourceFailed as failed:
        return {"problem": str(failed)}


def _card(found: DataSource) -> dict[str, Any]:
    able = abilities_of(found)
    return {
        "source": found,
        "kind_title": title_of(found),
        "state": state_of(found, timezone.now()),
        "abilities": [words for name, words in WORDS.items() if name in able],
    }


def _shown_settings(found: DataSource) -> list[tuple[str, str]]:
    """Secrets only by that they are set."""
    kept = names_of_secrets(found)
    shown = []
    for setting in settings_of(found.kind):
        is_set = setting.is_secret and setting.name in kept
        value = "•••• set" if is_set else found.options.get(setting.name, "")
        shown.append((setting.label, value))
    return [(label, value) for label, value in shown if value]


def _tell(request: HttpRequest, found: DataSource, trial: Trial) -> None:
    if trial.answer.failed:
        messages.warning(request, f"{found.name} is saved, and fails: {trial.answer.problem}")
    else:
        messages.success(request, f"{found.name} is saved, and answers: {trial.said}.")


def _may(request: HttpRequest) -> dict[str, bool]:
    verbs = ("add", "change", "delete")
    return {f"may_{verb}": request.user.has_perm(f"telemetry.{verb}_datasource") for verb in verbs}


def _find(pk: int) -> DataSource:
    return get_object_or_404(DataSource, pk=pk)
