import re

from incidents.fingerprint import fingerprint


def test_the_senders_key_identifies_whatever_the_labels_say():
    assert fingerprint(1, "k", {"a": "b"}) == fingerprint(1, "k", {})


def test_without_a_key_the_labels_identify_in_any_order():
    one = fingerprint(1, "", {"a": "1", "b": "2"})

    assert one == fingerprint(1, "", {"b": "2", "a": "1"})
    assert one != fingerprint(1, "", {"a": "1", "b": "3"})
    assert one != fingerprint(1, "", {"a": "1,b", "": "2"})


def test_integrations_share_nothing():
    assert fingerprint(1, "k", {}) != fingerprint(2, "k", {})
    assert fingerprint(1, "2k", {}) != fingerprint(12, "k", {})


def test_it_is_short_and_stable():
    printed = fingerprint(1, "k", {})

    assert re.fullmatch(r"[0-9a-f]{32}", printed)
    assert printed == fingerprint("1", "k", {})
