"""P-42: a new secret key signs nobody out and loses no secret."""

import io
import secrets
import threading

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connections, models

from aiops_site import key_rotation
from aiops_site.sessions import SessionStore
from automation.models import Connection
from telemetry import credentials
from tests.site.world import browser

OLD, NEW = secrets.token_urlsafe(64), secrets.token_urlsafe(64)
INCIDENTS = "/incidents/"


@pytest.fixture
def use_keys(settings):
    def use(key, *older):
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = key, list(older)
        credentials._fernet.cache_clear()

    use(OLD)
    yield use
    credentials._fernet.cache_clear()


def rotate_keys(*arguments):
    """What it says, and how it ends."""
    said, status = io.StringIO(), 0
    try:
        call_command("rotate_keys", *arguments, stdout=said)
    except SystemExit as end:
        status = end.code
    return said.getvalue(), status


def connection(name="hook", plain="canary"):
    written = credentials.encrypt(plain)
    return Connection.objects.create(executor="http", name=name, url="http://h/", secret=written)


@pytest.mark.django_db
class TestSecrets:
    def test_check_counts_what_an_older_key_wrote_and_changes_nothing(self, use_keys):
        made = connection()
        use_keys(NEW, OLD)

        said, status = rotate_keys("--check")

        made.refresh_from_db()
        assert ("1, 1 old" in said, status) == (True, 1)
        assert not credentials.is_current(made.secret)

    def test_after_the_rotation_nothing_is_old_and_the_older_key_can_go(self, use_keys):
        connections_made = [connection(f"hook{number}", f"canary{number}") for number in range(3)]
        connection("open", "")
        use_keys(NEW, OLD)

        said, status = rotate_keys()

        use_keys(NEW)
        for number, made in enumerate(connections_made):
            made.refresh_from_db()
            assert credentials.decrypt(made.secret) == f"canary{number}"
        assert "old" in said
        assert status == 0
        assert rotate_keys("--check") == (said, 0)

    def test_a_secret_no_key_reads_is_named_with_the_way_out_and_kept(self, use_keys):
        made = connection()
        use_keys(NEW)

        said, status = rotate_keys()

        assert status == 1
        assert f"the secret of connection {made.pk}: no known key reads it" in said
        assert "canary" not in said
        assert Connection.objects.get().secret == made.secret

    def test_every_column_that_holds_a_secret_is_rotated(self):
        named = {
            model: field.name
            for model in apps.get_models()
            for field in model._meta.get_fields()
            if isinstance(field, models.TextField) and "secret" in field.name
        }

        assert named == key_rotation.ENCRYPTED


@pytest.mark.django_db(transaction=True)
def test_a_rotation_beside_people_who_save_secrets_loses_none(use_keys):
    made = [connection(f"hook{number}") for number in range(20)]
    use_keys(NEW, OLD)
    problems = []

    def save_and_read():
        try:
            for turn in range(10):
                for each in made[::2]:
                    written = credentials.encrypt(f"turn {turn}")
                    Connection.objects.filter(pk=each.pk).update(secret=written)
                for each in Connection.objects.all():
                    credentials.decrypt(each.secret)
        except credentials.InvalidToken as error:
            problems.append(error)
        finally:
            connections.close_all()

    person = threading.Thread(target=save_and_read)
    person.start()
    for _ in range(10):
        key_rotation.secrets(renewing=True)
    person.join()

    use_keys(NEW)
    found = key_rotation.secrets(renewing=False)
    assert not problems
    assert (found.total, found.old, found.lost) == (20, 0, [])
    said = [credentials.decrypt(each.secret) for each in Connection.objects.order_by("pk")]
    assert said == ["turn 9", "canary"] * 10


@pytest.mark.django_db
class TestSessions:
    def test_a_new_key_signs_nobody_out_while_the_older_one_is_known(self, use_keys):
        person = browser("viewer")
        use_keys(NEW, OLD)

        answers = [person.get(INCIDENTS).status_code for _ in range(3)]

        assert answers == [200] * 3

    def test_requests_that_are_under_way_together_all_stay_signed_in(self, use_keys):
        person = browser("viewer")
        cookie = person.cookies["sessionid"].value
        use_keys(NEW, OLD)

        person.get(INCIDENTS)
        person.cookies["sessionid"] = cookie

        assert person.get(INCIDENTS).status_code == 200

    def test_after_the_rotation_the_older_key_is_not_needed(self, use_keys):
        person = browser("viewer")
        use_keys(NEW, OLD)

        _, status = rotate_keys()

        use_keys(NEW)
        assert status == 0
        assert person.get(INCIDENTS).status_code == 200

    def test_without_the_older_key_a_session_ends(self, use_keys):
        person = browser("viewer")
        use_keys(NEW)

        assert person.get(INCIDENTS).status_code == 302

    def test_a_session_from_before_a_new_password_ends_all_the_same(self, use_keys):
        person = browser("viewer")
        use_keys(NEW, OLD)
        user = person.get(INCIDENTS).wsgi_request.user
        user.set_password("another long password")
        user.save()

        assert person.get(INCIDENTS).status_code == 302

    def test_a_visitor_s_session_is_nobody_s_and_stays_so(self, use_keys):
        visit = SessionStore()
        visit["seen"] = True
        visit.save()
        use_keys(NEW, OLD)

        assert SessionStore(visit.session_key).load() == {"seen": True}
