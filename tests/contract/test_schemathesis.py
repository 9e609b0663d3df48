"""What is asked at random is answered as documented."""

from pathlib import Path

from incidents import connecting
from tests.contract.comparing import complaints
from tests.site import world


def test_everything_an_admin_s_program_may_ask_is_answered_as_documented(
    populated: str, tmp_path: Path
) -> None:
    arguments = "--phases fuzzing,stateful --max-examples 4"

    found = complaints(populated, world.token("admin"), tmp_path, arguments)

    assert not found, found


def test_what_a_viewer_s_program_may_not_do_is_refused_as_documented(
    populated: str, tmp_path: Path
) -> None:
    arguments = "--phases fuzzing --max-examples 3"

    found = complaints(populated, world.token("viewer"), tmp_path, arguments)

    assert not found, found


def test_the_intake_answers_a_sender_as_documented(served: str, tmp_path: Path) -> None:
    sender = connecting.connect("generic", name="sender", by=None)
    arguments = "--include-tag intake --phases coverage,fuzzing --max-examples 20"

    found = complaints(served, sender.token, tmp_path, arguments)

    assert not found, found
