"""One's own preferences, API tokens, sessions and password."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from aiops_site import signed_in
from aiops_site.models import ApiToken
from telemetry.credentials import issue_token

CHOICES = {
    "theme": [("auto", "Automatic"), ("light", "Light"), ("dark", "Dark")],
    "density": [("comfortable", "Comfortable"), ("compact", "Compact")],
    "clock": [("local", "This device"), ("utc", "UTC")],
    "keys": [("on", "On"), ("off", "Off")],
}


class TokenForm(forms.Form):
    name = forms.CharField(max_length=100, help_text="What will use it, such as deploy-script.")


@require_GET
def profile(request: HttpRequest) -> HttpResponse:
    return _page(request)


def change_password(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return redirect(f"{reverse('profile')}#password")
    form = PasswordChangeForm(_person(request), request.POST)
    if not form.is_valid():
        return _page(request, code=422, password_form=form)
    update_session_auth_hash(request, form.save())
    messages.success(request, "Your password is changed; other sessions of yours are signed out.")
    return redirect("profile")


@require_POST
def make_token(request: HttpRequest) -> HttpResponse:
    """The token is on this answer only."""
    form = TokenForm(request.POST)
    if not form.is_valid():
        return _page(request, code=422, token_form=form)
    token, name = issue_token(), form.cleaned_data["name"]
    try:
        with transaction.atomic():
            ApiToken.objects.create(owner=_person(request), name=name, token_hash=token.hashed)
    except IntegrityError:
        form.add_error("name", "You have a token of this name already.")
        return _page(request, code=422, token_form=form)
    response = _page(request, new_token=token.plain, new_name=name)
    response.headers["Cache-Control"] = "no-store"
    return response


@require_POST
def revoke_token(request: HttpRequest, pk: int) -> HttpResponse:
    token = get_object_or_404(ApiToken, pk=pk, owner=_person(request))
    token.delete()
    messages.success(request, f"The token {token.name} no longer works.")
    return redirect("profile")


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """`session` by its name; without one, everywhere else."""
    person, name = _person(request), request.POST.get("session", "")
    if name:
        ended = signed_in.sign_out(person, name=name)
    else:
        ended = signed_in.sign_out_elsewhere(person, here=request.session.session_key)
    if ended:
        messages.success(request, f"Signed out of {ended} session{'' if ended == 1 else 's'}.")
    else:
        messages.info(request, "There was no such session any more.")
    return redirect("profile")


def _page(request: HttpRequest, *, code: int = 200, **shown: Any) -> HttpResponse:
    person = _person(request)
    context = {
        "password_form": _password_form(person),
        "token_form": TokenForm(),
        "tokens": person.api_tokens.all(),
        "sessions": signed_in.sessions_of(person, here=request.session.session_key),
        "choices": CHOICES,
        "roles": person.groups.order_by("name"),
        **shown,
    }
    return render(request, "site/profile.html", context, status=code)


def _password_form(person: User) -> PasswordChangeForm:
    """Django's own would draw the eye to it as soon as the page opens."""
    form = PasswordChangeForm(person)
    form.fields["old_password"].widget.attrs.pop("autofocus", None)
    return form


def _person(request: HttpRequest) -> User:
    person: User = request.user  # type: ignore[assignment]
    return person
