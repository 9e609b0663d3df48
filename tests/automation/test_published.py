import threading

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import connection

from automation.models import Runbook, RunbookVersion
from automation.published import document_of, publish, write_version

pytestmark = pytest.mark.django_db
TEXT = """name: mend
description: {description}
risk: low
steps:
  - action: http_request
    executor: http
    target: /mend
    args: {{method: POST}}
"""


def write(description: str = "First", *, author: User | None = None) -> RunbookVersion:
    text = TEXT.format(description=description)
    return write_version(text, author=author, reason="for the test")


def test_a_text_becomes_the_first_version_of_the_runbook_it_names():
    eve = User.objects.create_user("eve")

    version = write(author=eve)

    assert (version.runbook.name, version.number, version.author) == ("mend", 1, eve)
    assert Runbook.objects.get().published is None


def test_the_same_text_again_is_the_same_version():
    first = write()

    assert write() == first
    assert RunbookVersion.objects.count() == 1


def test_another_text_is_the_next_version_and_the_old_one_stays_as_it_was():
    first = write("First")

    second = write("Second")

    first.refresh_from_db()
    assert second.number == 2
    assert document_of(first).description == "First"
    assert first.sha256 != second.sha256


def test_going_back_to_an_old_text_is_a_version_of_its_own():
    write("First")
    write("Second")

    assert write("First").number == 3


def test_publishing_moves_the_pointer_forth_and_back():
    first, second = write("First"), write("Second")

    publish(second)
    forth = Runbook.objects.get()
    publish(first)
    back = Runbook.objects.get()

    assert (forth.published, forth.description) == (second, "Second")
    assert (back.published, back.description) == (first, "First")


def test_writing_a_draft_publishes_nothing():
    publish(write("First"))

    write("Second")

    assert Runbook.objects.get().published.number == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name: [", "line "),
        ("name: mend\nrisk: low\nsteps: []\n", "line 3, steps"),
        (TEXT.format(description="x").replace("low", "none"), "line 3, risk"),
        (TEXT.format(description="x") + "    colour: red\n", "colour"),
        ("just words", "line 1"),
    ],
)
def test_a_text_that_is_no_runbook_is_refused_with_its_lines(text: str, expected: str):
    with pytest.raises(ValidationError) as caught:
        write_version(text, author=None, reason="")

    assert expected in " ".join(caught.value.messages)
    assert not Runbook.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_editors_at_once_get_two_numbers():
    write("First")
    ready = threading.Barrier(2)

    def save(description: str) -> None:
        ready.wait(10)
        write(description)
        connection.close()

    editors = [threading.Thread(target=save, args=(f"By {name}",)) for name in ("ada", "bob")]
    for editor in editors:
        editor.start()
    for editor in editors:
        editor.join(timeout=20)

    numbers = RunbookVersion.objects.values_list("number", flat=True)
    assert sorted(numbers) == [1, 2, 3]
