from ipaddress import ip_address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.address_tiers import Tier, parse_openings, tier_of
from telemetry.outbound import Guard, OutboundRefused, check_url


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "gopher://public.example/",
        "ftp://public.example/",
        "//public.example/",
        "/metrics",
        "http://",
        "http:///x",
        "http://a:99999/",
        "http://[::1",
        "http://public.example\r\nx: y/",
        "javascript:alert(1)",
        "",
    ],
)
def test_only_readable_web_addresses_are_reached(url):
    with pytest.raises(OutboundRefused):
        check_url(url, resolve=lambda *_: ["93.184.215.14"])


@pytest.mark.parametrize(
    ("host", "tier"),
    [
        ("10.0.0.5", "private"),
        ("100.64.1.1", "private"),
        ("[fd12::1]", "private"),
        ("1.1.1.1", "public"),
        ("[2606:4700::1111]", "public"),
    ],
)
def test_private_targets_can_be_closed(host, tier):
    closed = Guard(private=False)

    assert check_url(f"http://{host}/").address == host.strip("[]")
    if tier == "public":
        assert closed.check_url(f"http://{host}/")
        return
    with pytest.raises(OutboundRefused, match="a private target"):
        closed.check_url(f"http://{host}/")


@pytest.mark.parametrize(
    ("allow", "url", "is_open"),
    [
        ("127.0.0.1/32", "http://127.0.0.1:9/", True),
        ("127.0.0.1", "http://127.0.0.1:9/", True),
        ("127.0.0.1/32:9", "http://127.0.0.1:9/", True),
        ("127.0.0.1/32:9", "http://127.0.0.1:10/", False),
        ("127.0.0.1/32:80", "http://127.0.0.1/", True),
        ("127.0.0.1/32:443", "https://127.0.0.1/", True),
        ("10.0.0.0/8, 127.0.0.0/8:9", "http://127.3.2.1:9/", True),
        ("127.0.0.1/32", "http://[::ffff:127.0.0.1]/", True),
        ("127.0.0.1/32", "http://[::1]/", False),
        ("::1", "http://[::1]/", True),
        ("::1/128", "http://[::1]/", True),
        ("[::1]:9", "http://[::1]:9/", True),
        ("[::1]/128:9", "http://[::1]:9/", True),
        ("[::1/128]:9", "http://[::1]:8/", False),
        ("", "http://127.0.0.1/", False),
    ],
)
def test_the_allow_list_opens_exactly_what_it_names(allow, url, is_open):
    try:
        check_url(url, allow)
        reached = True
    except OutboundRefused:
        reached = False

    assert reached is is_open


@pytest.mark.parametrize("text", ["localhost", "127.0.0.1/33", "127.0.0.1:0", "10.0.0.1/8", "*:80"])
def test_an_allow_list_that_can_not_be_read_fails_loudly(text):
    with pytest.raises(ValueError, match=r"is not CIDR|no valid port"):
        parse_openings(text)


def test_our_own_database_is_forbidden_on_a_private_address_too():
    guard = Guard.from_text("", own="10.0.0.5/32:5432")

    assert guard.check_url("http://10.0.0.5:9090/")
    with pytest.raises(OutboundRefused, match="a forbidden target"):
        guard.check_url("http://10.0.0.5:5432/")


def test_the_error_names_the_tier_and_the_way_to_open_it():
    with pytest.raises(OutboundRefused) as refused:
        check_url("http://127.0.0.1:9001/secret?token=canary")

    assert str(refused.value) == (
        "127.0.0.1:9001 is refused: a forbidden target. "
        "An administrator can open it with AIOPS_OUTBOUND_ALLOW."
    )


@settings(deadline=None)
@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)))
def test_every_address_has_a_tier_and_a_hidden_loopback_is_never_open(address):
    assert tier_of(address) in Tier
    if address.version == 4:
        mapped = ip_address(f"::ffff:{address}")
        assert list(Tier).index(tier_of(mapped)) <= list(Tier).index(tier_of(address))
