from typing import Any

from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import AuthenticationForm, UserCreationForm
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator

from aiops_site import signed_in, throttle
from aiops_site.models import SetupLink
from aiops_site.people import make_administrator
from telemetry.credentials import hash_token


class ThrottledForm(AuthenticationForm):
    """The same words for an unknown name and a wrong password; guessers are stopped."""

    error_messages = AuthenticationForm.error_messages | {
        "invalid_login": "Sign-in failed. Check the user name and the password.",
        "throttled": "Too many failures. Try again in %(minutes)s min.",
    }

    def clean(self) -> dict[str, Any]:
        username = self.cleaned_data.get("username") or ""  # however it was spelt
        keys = throttle.keys(_address(self.request), username)
        if minutes := throttle.minutes_left(keys):
            message = self.error_messages["throttled"]
            raise ValidationError(message, code="throttled", params={"minutes": minutes})
        try:
            cleaned = super().clean()
        except ValidationError:
            throttle.note(keys)
            raise
        if self.get_user() is not None:
            throttle.forgive(keys)
        return cleaned


@method_decorator(login_not_required, name="dispatch")
class SignIn(LoginView):
    authentication_form = ThrottledForm
    redirect_authenticated_user = True

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        response = super().form_valid(form)
        _note_session(self.request)
        return response


@login_not_required
def setup(request: HttpRequest, token: str) -> HttpResponse:
    """The first administrator, by the one-time link that was printed. Gone once there is one."""
    link = SetupLink.objects.filter(token_hash=hash_token(token)).first()
    if link is None or User.objects.filter(is_superuser=True).exists():
        raise Http404("This link has been used, or was never given out.")
    form: UserCreationForm[User] = UserCreationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        login(request, _make_first(form, link), "django.contrib.auth.backends.ModelBackend")
        _note_session(request)
        return redirect("welcome")
    return render(request, "setup.html", {"form": form})


@transaction.atomic
def _make_first(form: "UserCreationForm[User]", link: SetupLink) -> User:
    """Of two who use the link at the same moment, one finds it gone."""
    if not SetupLink.objects.filter(pk=link.pk).delete()[0]:
        raise Http404("This link has just been used.")
    return make_administrator(form.save(commit=False))


def _note_session(request: HttpRequest) -> None:
    agent = request.headers.get("User-Agent", "")
    signed_in.note(request.session, address=_address(request), agent=agent)


def _address(request: HttpRequest | None) -> str:
    return request.META.get("REMOTE_ADDR", "") if request else ""
