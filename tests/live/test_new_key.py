"""P-42 for open pages: a socket that comes back after a new secret key is still its person's."""

import secrets

from tests.live.conftest import page


def test_a_page_that_connects_again_after_a_new_key_signs_nobody_out(
    run, browser, incident, settings
):
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = secrets.token_urlsafe(64)

    async def listen():
        async with page(browser) as socket:
            await socket.send_json({"subscribe": f"incident:{incident.number}", "after": 0})
            return await socket.receive_json()

    assert run(listen())["seq"] == 1
    assert browser.get("/incidents/").status_code == 200
