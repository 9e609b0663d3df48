import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.query import And, Not, Or, QuerySyntaxError, Sort, Term, Text, parse_query

FIELDS = {
    "is": ["open", "acked", "resolved", "unassigned", "mine"],
    "severity": ["critical", "high", "medium", "low", "info"],
    "service": None,
    "alertname": None,
    "opened": None,
    "duration": None,
    "alerts": None,
    "label": None,
}
SORTS = ["severity", "opened"]


def where(text: str) -> object:
    return parse_query(text, FIELDS, SORTS).where


def test_an_empty_search_wants_everything():
    assert where("  ") is None


def test_the_default_view_is_read():
    query = parse_query("is:open OR is:acked sort:-severity,-opened", FIELDS, SORTS)

    assert query.where == Or((Term("is", "=", ("open",), 0), Term("is", "=", ("acked",), 11)))
    assert query.sort == (Sort("severity", is_descending=True), Sort("opened", is_descending=True))


def test_or_binds_weaker_than_and():
    assert where("a b OR c AND d") == Or(
        (And((Text("a", 0), Text("b", 2))), And((Text("c", 7), Text("d", 13))))
    )


def test_brackets_and_negation_nest():
    assert where("-(a OR NOT b) c") == And(
        (Not(Or((Text("a", 2), Not(Text("b", 11))))), Text("c", 14))
    )


@pytest.mark.parametrize(
    ("text", "operator", "values"),
    [
        ("service:checkout", "=", ("checkout",)),
        ("service:!checkout", "!=", ("checkout",)),
        ("service:~check", "~", ("check",)),
        ('service:"a b"', "=", ("a b",)),
        ('service:~"a \\"b"', "~", ('a "b',)),
        ("service:[checkout, payments]", "=", ("checkout", "payments")),
        ('service:!["a b",c]', "!=", ("a b", "c")),
        ("alerts:>100", ">", ("100",)),
        ("opened:>=-2h", ">=", ("-2h",)),
        ("opened:<2026-11-20T10:00Z", "<", ("2026-11-20T10:00Z",)),
        ("opened:2026-11-20..2026-11-22", "range", ("2026-11-20", "2026-11-22")),
        ("severity:HIGH", "=", ("high",)),
        ("severity:~hi", "~", ("hi",)),
        ("label.app.kubernetes.io/name:orders", "=", ("orders",)),
    ],
)
def test_values_carry_their_operator(text: str, operator: str, values: tuple[str, ...]):
    assert where(text) == Term(text.partition(":")[0], operator, values, 0)


@pytest.mark.parametrize("text", ["or", "and", "12:30", "a-b", "-", "%' OR 1=1 --", '"OR"'])
def test_what_is_no_syntax_is_text(text: str):
    assert where(text) is not None


@pytest.mark.parametrize(
    ("text", "position", "message"),
    [
        ("severity:hihg", 9, "Unknown value “hihg”. Did you mean high?"),
        ("is:open severity:[high,hihg]", 23, "Unknown value “hihg”. Did you mean high?"),
        ("sevrity:high", 0, "Unknown field “sevrity”. Did you mean severity?"),
        ("zzz:1", 0, "Unknown field “zzz”."),
        ("label.:a", 0, "Unknown field “label.”. Did you mean label?"),
        ("sort:-opend", 5, "Unknown sort field “opend”. Did you mean opened?"),
        ("sort:>opened", 0, "Sort by names, as in sort:-severity,-opened."),
        ("service:", 8, "“service:” needs a value."),
        ("service: checkout", 8, "“service:” needs a value."),
        ("service:>[a]", 9, "> takes one value, not a list."),
        ("service:[a", 8, "This [ is never closed."),
        ("service:[a,]", 11, "A value is missing in this list."),
        ("opened:2026..", 7, "A range needs both ends, as in a..b."),
        ("(a OR b", 0, "This ( is never closed."),
        ("a)", 1, "This ) has no (."),
        ("a OR", 4, "A search term is missing at the end."),
        ("OR a", 0, "A search term is missing here."),
        ("()", 1, "A search term is missing here."),
        ('a "b', 2, "This quote is never closed."),
        ("a\0", 1, "This character cannot be searched for."),
        ("((((((a))))))", 5, "At most 5 brackets fit in each other."),
        ("a " * 21, 40, "A search has at most 20 terms."),
        ("a" * 513, 512, "A search is at most 512 characters long."),
    ],
)
def test_a_mistake_is_shown_where_it_is(text: str, position: int, message: str):
    with pytest.raises(QuerySyntaxError) as caught:
        where(text)

    assert (caught.value.message, caught.value.position) == (message, position)


def test_a_suggestion_can_be_taken_over():
    with pytest.raises(QuerySyntaxError) as caught:
        where("severity:hihg")

    assert caught.value.suggestion == "high"


SYNTAX = st.sampled_from(
    ["is:open", "severity:", "(", ")", "-", "NOT", "AND", "OR", '"', "[", "]", ",", "..", ">", "a",
     "sort:", "label.x:", "';--", "\u202e", " "]
)  # fmt: skip


@given(
    st.text(max_size=60)
    | st.lists(SYNTAX, max_size=20).map(" ".join)
    | st.lists(SYNTAX).map("".join)
)
def test_any_text_is_read_or_refused_at_a_place_within_it(text: str):
    try:
        parse_query(text, FIELDS, SORTS)
        position = 0
    except QuerySyntaxError as error:
        position = error.position

    assert 0 <= position <= len(text)


@given(st.text(alphabet=st.characters(exclude_characters='\0"\\', codec="utf-8"), max_size=50))
def test_quoted_words_arrive_unchanged(text: str):
    assert where(f'service:"{text}"') == Term("service", "=", (text,), 0)
