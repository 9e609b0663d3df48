from incidents.views.query_text import (
    Parts,
    add_term,
    put_together,
    sort_by,
    take_apart,
    write_term,
)

FIELDS = ("status", "owner")


def test_terms_of_the_filters_are_taken_out_and_the_rest_stays_as_written():
    parts = take_apart('slow status:[open,closed] -owner:dana "two words" sort:-opened', FIELDS)

    assert parts.chosen == {"status": ("open", "closed")}
    assert parts.rest == 'slow -owner:dana "two words"'
    assert parts.sort == "sort:-opened"


def test_a_search_with_or_at_its_top_is_kept_whole_in_brackets():
    parts = take_apart("status:open OR owner:dana sort:-opened", FIELDS)

    assert parts == Parts("(status:open OR owner:dana)", "sort:-opened", {})


def test_terms_within_brackets_are_not_touched():
    parts = take_apart("(status:open OR owner:dana) status:closed", FIELDS)

    assert parts.chosen == {"status": ("closed",)}
    assert parts.rest == "(status:open OR owner:dana)"


def test_taking_apart_and_putting_together_gives_the_same_search_again():
    text = "slow status:[open,closed] sort:-opened"

    assert put_together(take_apart(text, FIELDS)) == text


def test_an_unreadable_search_is_kept_as_it_is():
    assert take_apart('status:"open', FIELDS) == Parts('status:"open')


def test_an_empty_search_has_no_parts():
    assert take_apart("", FIELDS) == Parts("")


def test_values_with_spaces_quotes_or_dots_are_quoted():
    assert write_term("owner", ['a "b" c']) == 'owner:"a \\"b\\" c"'
    assert write_term("owner", ["a..b"]) == 'owner:"a..b"'
    assert write_term("owner", ["dana", "x y"]) == 'owner:[dana,"x y"]'


def test_a_term_that_is_there_is_not_added_twice():
    assert add_term("slow owner:dana", "owner", "dana") == "slow owner:dana"
    assert add_term("slow sort:-opened", "owner", "dana") == "slow owner:dana sort:-opened"


def test_sorting_by_the_same_column_again_turns_round():
    assert sort_by("slow", "opened") == "slow sort:-opened"
    assert sort_by("slow sort:-opened", "opened") == "slow sort:opened"
