"""The incident search, as the person who looks at a page asks it now."""

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.utils import timezone

from incidents import search
from incidents.search import Search
from incidents.search_languages import INCIDENTS


def read(text: str, by: AbstractBaseUser | AnonymousUser) -> Search:
    """Raises `QuerySyntaxError`."""
    return search.read(text, INCIDENTS, by=by, at=timezone.now())
