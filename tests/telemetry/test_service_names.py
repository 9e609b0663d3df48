import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from telemetry.service_names import slug_of, title_of

RUNBOOKS_TAKE = re.compile(r"[a-z0-9-]{1,100}")


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("checkout", "checkout"),
        ("Payment Service", "payment-service"),
        ("order_events", "order-events"),
        ("Zahlungsfähig", "zahlungsfahig"),
        ("Straße", "strasse"),
        ("checkout \u2013 eu", "checkout-eu"),
    ],
)
def test_a_name_of_latin_letters_is_its_own_slug(name: str, slug: str):
    assert slug_of(name) == slug


@pytest.mark.parametrize("name", ["支付", "🔥", "платежи", "支付 api", "s" * 101])
def test_any_other_name_has_a_slug_that_tells_it_apart(name: str):
    slugs = {slug_of(name), slug_of(f"{name}支"), slug_of(f"{name}🔥")}

    assert len(slugs) == 3
    assert all(RUNBOOKS_TAKE.fullmatch(slug) for slug in slugs)


def test_what_can_be_read_of_it_stays_readable():
    assert slug_of("支付 api").startswith("api-")
    assert slug_of("支付").startswith("service-")


def test_the_same_name_has_the_same_slug_however_it_is_written():
    composed, decomposed, loud = "Платёж ", "Плате\u0308ж", "ПЛАТЁЖ"

    assert slug_of(composed) == slug_of(decomposed) == slug_of(loud)


def test_a_slug_never_changes():
    assert slug_of("支付") == "service-5d3ba34c"  # it is in the addresses people keep


@pytest.mark.parametrize("name", ["", " ", "-", "___", "?!", "\u200b"])
def test_what_says_nothing_names_no_service(name: str):
    assert slug_of(name) == ""


@given(st.text(max_size=150))
@example("ﷺ" * 100)
def test_any_text_is_a_slug_that_is_its_own_or_nothing(name: str):
    slug = slug_of(name)

    assert not slug or RUNBOOKS_TAKE.fullmatch(slug)
    assert slug_of(slug) == slug


def test_a_name_is_shown_unless_its_slug_says_it():
    assert title_of("checkout") == ""
    assert title_of(" 支付 ") == "支付"
    assert title_of("Payment Service") == "Payment Service"
