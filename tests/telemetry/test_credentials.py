from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.fernet import InvalidToken

from telemetry import credentials
from telemetry.credentials import decrypt, encrypt, hash_token, issue_hex_token, issue_token


@pytest.fixture(autouse=True)
def keys_are_read_anew() -> Iterator[None]:
    credentials._fernet.cache_clear()
    yield
    credentials._fernet.cache_clear()


def use_keys(settings: Any, key: str, *fallbacks: str) -> None:
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = key, list(fallbacks)
    credentials._fernet.cache_clear()


def test_tokens_differ_and_only_their_hash_is_for_the_database():
    tokens = [issue_token() for _ in range(50)]

    assert len({token.plain for token in tokens}) == 50
    assert all(len(token.plain) >= 43 for token in tokens)
    assert all(token.hashed == hash_token(token.plain) != token.plain for token in tokens)


def test_a_hex_token_has_the_length_that_was_asked_for():
    token = issue_hex_token(32)

    assert len(token.plain) == 32
    assert int(token.plain, 16) >= 0


def test_a_secret_comes_back_as_it_was_and_is_never_stored_readable():
    stored = encrypt("pässword")

    assert decrypt(stored) == "pässword"
    assert "pässword" not in stored
    assert encrypt("pässword") != stored


def test_after_a_rotation_the_old_key_still_reads_and_the_new_one_writes(settings: Any):
    use_keys(settings, "old" * 20)
    old = encrypt("canary")

    use_keys(settings, "new" * 20, "old" * 20)
    new = encrypt("canary")

    assert decrypt(old) == decrypt(new) == "canary"
    use_keys(settings, "new" * 20)
    assert decrypt(new) == "canary"
    with pytest.raises(InvalidToken):
        decrypt(old)


def test_a_text_nobody_encrypted_is_refused():
    with pytest.raises(InvalidToken):
        decrypt("gAAAA")
