"""Each value at its edge, and just beyond."""

from pathlib import Path

from tests.contract.comparing import complaints
from tests.site import world


def test_the_edges_of_everything_an_admin_s_program_may_say_are_where_the_document_has_them(
    populated: str, tmp_path: Path
) -> None:
    arguments = "--phases examples,coverage"

    found = complaints(populated, world.token("admin"), tmp_path, arguments)

    assert not found, found
