import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.completion import typed_at


def place(text):
    """The caret is at the bar."""
    before, _, after = text.partition("|")
    return typed_at(before, after)


@pytest.mark.parametrize(
    ("text", "name"),
    [("|", ""), ("sev|", "sev"), ("is:open -own|", "own"), ("(sev|", "sev"), ("a OR b|", "b")],
)
def test_a_word_may_be_the_beginning_of_a_field(text, name):
    typed = place(text)

    assert (typed.field, typed.text) == ("", name)


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("severity:|", "severity", ""),
        ("severity:hi|", "severity", "hi"),
        ("-severity:hi|", "severity", "hi"),
        ("severity:>=hi|", "severity", "hi"),
        ("slow (service:pay|", "service", "pay"),
        ("status:[open,inv|", "status", "inv"),
        ("status:[open, inv|", "status", "inv"),
        ('source:"main si|', "source", "main si"),
        ("label.env:pr|", "label.env", "pr"),
        ("sort:-sev|", "sort", "sev"),
        ("sort:-severity,op|", "sort", "op"),
    ],
)
def test_what_follows_a_colon_is_a_value(text, field, value):
    typed = place(text)

    assert (typed.field, typed.text) == (field, value)


def test_within_quoted_words_nothing_is_suggested():
    assert place('"sev|') is None


def test_a_choice_takes_the_place_of_the_whole_word_around_the_caret():
    typed = place("is:open sev|erity:high")

    assert (typed.cut, typed.tail) == ("sev", "erity:")


def test_a_quoted_value_is_replaced_with_its_quotes():
    typed = place('source:"main| site"')

    assert (typed.cut, typed.tail) == ('"main', ' site"')


@given(st.text(alphabet='ab:[]",()-\\ >.é😀', max_size=40), st.text(max_size=10))
def test_what_is_cut_was_written_before_the_caret(before, after):
    typed = typed_at(before, after)

    assert typed is None or (before.endswith(typed.cut) and after.startswith(typed.tail))
