import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pete.data.sources.csv_rows import Dialect, dialect_of, distinct, records


def read(text: str, dialect: Dialect | None = None):
    return list(records(iter(text.splitlines(keepends=True)), dialect or dialect_of(text)))


def cells(text: str, dialect: Dialect | None = None) -> list[list[str]]:
    found = read(text, dialect)
    assert not [fields for fields in found if fields.problem]
    return [fields.cells for fields in found]


CELL = st.text(st.sampled_from("ab \"',;\t|\n\\é=🙂"), max_size=8)


@given(st.sampled_from(",;\t|"), st.integers(2, 4).flatmap(lambda n: st.lists(st.lists(CELL, min_size=n, max_size=n), max_size=6)))
def test_what_a_writer_wrote_is_read(delimiter, rows):
    memory = io.StringIO()
    header = [f"c{n}" for n in range(len(rows[0]) if rows else 2)]
    csv.writer(memory, delimiter=delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows([header, *rows])
    assert cells(memory.getvalue(), Dialect(delimiter)) == [header, *rows]


@given(st.text(st.sampled_from('a,"\n \\'), max_size=40))
def test_no_line_is_lost_whatever_the_quotes(text):
    text = "a,b\n" + text
    found = read(text, Dialect(","))
    said = "".join(cell for fields in found for cell in fields.cells)
    assert said.count("a") == text.count("a") and [f.line for f in found] == sorted({f.line for f in found})


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_though_the_texts_are_full_of_others(delimiter):
    text = delimiter.join(["prompt", "completion"]) + "\n" + "\n".join(delimiter.join(['"Tea, or; not|\t?"', "Yes"]) for _ in range(3))
    assert dialect_of(text).delimiter == delimiter
    assert cells(text)[1] == ["Tea, or; not|\t?", "Yes"]


def test_the_line_with_which_spreadsheets_say_it_is_no_row():
    assert cells("sep=;\na;b\n1;2,3\n") == [["a", "b"], ["1", "2,3"]]


def test_cells_of_any_length_and_with_line_breaks():
    long = "x" * 300_000
    assert cells(f'a,b\n"{long}","one\n\ntwo"\n') == [["a", "b"], [long, "one\n\ntwo"]]


@pytest.mark.parametrize(
    ("row", "wanted"),
    [
        ('1,"She "really" meant it, yes"', 'She "really" meant it, yes'),
        ('1,"He said "hi""', 'He said "hi"'),
        ('1,"Wrote \\"great\\" here"', 'Wrote "great" here'),
        ('1, "a, b"', "a, b"),
        ('1,"a" ', "a"),
        ('1,so "they" said', 'so "they" said'),
    ],
)
def test_wrong_quotes_with_one_reading_left_are_recovered(row, wanted):
    assert cells(f"a,b\n{row}\n2,next\n") == [["a", "b"], ["1", wanted], ["2", "next"]]


def test_quotes_with_backslashes():
    text = 'Date,Message\n1,"She wrote \\"great\\" here.\nSecond \\n line."\n2,"and ""doubled"" ones, \\"too\\""\n'
    assert dialect_of(text) == Dialect(",", backslash=True)
    assert cells(text)[1:] == [["1", 'She wrote "great" here.\nSecond \\n line.'], ["2", 'and "doubled" ones, "too"']]


@pytest.mark.parametrize("row", ['1,"never closed,x', '1,x,"never closed'])
def test_a_quote_that_is_never_closed_costs_its_own_line_and_no_other(row):
    text = f'a,b,c\n0,"p","q"\n{row}\n2,"p","q"\n3,"p","q"\n'
    found = read(text)
    assert [(fields.line, fields.problem) for fields in found] == [
        (1, ""), (2, ""), (3, "a quote that is never closed"), (4, ""), (5, ""),
    ]  # fmt: skip


def test_too_few_and_too_many_cells_are_said():
    found = read("a,b,c\n1,2\n1,2,3,4\n1,2,3,,\n\n")
    assert [(f.problem, f.short) for f in found[1:]] == [
        ("2 cells where the header has 3", True), ("4 cells where the header has 3", False), ("", False),
    ]  # fmt: skip


def test_names_are_told_apart():
    assert distinct(["\ufeffa", "a", "", " two  words "]) == ["a", "a 2", "column 3", "two words"]
