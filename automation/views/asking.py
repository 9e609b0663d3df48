"""Who asks, and how a page answers: whole, or as the fragment that is swapped in."""

from collections.abc import Mapping
from typing import Any

import orjson
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.middleware import HtmxDetails

KEY_DIGITS = 18  # more may be beyond what the database can hold


class PersonRequest(HttpRequest):
    """A request behind the sign-in, as the middleware leaves it."""

    user: User
    htmx: HtmxDetails


def key_of(text: str | None) -> int | None:
    """A primary key somebody sent; None when it can't be one."""
    return int(text) if text and text.isdecimal() and len(text) <= KEY_DIGITS else None


def toasted(response: HttpResponse, text: str) -> HttpResponse:
    """The fragment, with a message beside it."""
    event: Mapping[str, Any] = {"toast": {"text": text, "level": "success"}}
    response["HX-Trigger"] = orjson.dumps(event, option=orjson.OPT_NON_STR_KEYS).decode()
    return response


def sent_on(request: PersonRequest, to: str, text: str) -> HttpResponse:
    """To the page that was asked for in `next`, or to `to`; htmx loads it whole."""
    wanted = request.POST.get("next", "")
    url = wanted if _is_ours(request, wanted) else to
    messages.success(request, text)
    if request.htmx:
        return HttpResponse(headers={"HX-Redirect": url})
    return HttpResponseRedirect(url)


def _is_ours(request: HttpRequest, url: str) -> bool:
    hosts = {request.get_host()}
    return url_has_allowed_host_and_scheme(url, hosts, require_https=request.is_secure())
