"""Deploy arguments on the command line mean what they say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from metaflow_orchestrator_kit.test.args import (
    ArgumentError,
    format_list,
    parse_all,
    parse_list,
    parse_one,
)

KEYS = st.from_regex(r"[a-z_][a-z0-9_-]{0,8}", fullmatch=True)
VALUES = st.text(alphabet=st.characters(exclude_categories=("Cs",)), max_size=20)


@hypothesis_settings(deadline=None)  # the machine may be busy
@given(st.dictionaries(KEYS, VALUES, max_size=5))
def test_whatever_the_values_are_they_survive_being_written_and_read(arguments):
    assert parse_list(format_list(arguments)) == arguments


@hypothesis_settings(deadline=None)  # the machine may be busy
@given(KEYS, VALUES)
def test_a_single_argument_takes_everything_after_the_first_equals_sign(key, value):
    assert parse_one(f"{key}={value}") == (key, value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("password=@dm1n", {"password": "@dm1n"}),
        ("url=http://a:1/?x=y", {"url": "http://a:1/?x=y"}),
        ("a=1,b-c=2", {"a": "1", "b-c": "2"}),
        ('hosts="a,b",n=3', {"hosts": "a,b", "n": "3"}),
        ("hosts='a,b'", {"hosts": "a,b"}),
        ('say="he said ""hi"", twice"', {"say": 'he said "hi", twice'}),
        ("empty=,b=2", {"empty": "", "b": "2"}),
        ('quote=it"s', {"quote": 'it"s'}),
        ("a=1, b=2", {"a": "1", "b": "2"}),
    ],
)
def test_a_list_of_arguments_is_read(text, expected):
    assert parse_list(text) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a", "'a' is not of the form key=value"),
        ("a=1,", "'' is not of the form key=value"),
        ("a=1,b", "'b' is not of the form key=value"),
        ("=1", "'' is not the name"),
        ("1a=1", "'1a' is not the name"),
        ('a="x', "is not closed"),
        ('a="x"y', "text after the closing quote of 'a'"),
        ("a=1,a=2", "'a' is given twice"),
    ],
)
def test_a_bad_list_is_refused_with_the_part_that_is_wrong(text, reason):
    with pytest.raises(ArgumentError, match=reason):
        parse_list(text)


def test_lists_and_single_arguments_add_up_and_must_not_contradict():
    assert parse_all(["a=1", "b=2"], ["c=x,y=z"]) == {"a": "1", "b": "2", "c": "x,y=z"}
    with pytest.raises(ArgumentError, match="'a' is given twice"):
        parse_all(["a=1"], ["a=2"])
