from hypothesis import given

from pete.report.blocks import Page, Text
from pete.report.markdown import to_markdown
from tests.unit.test_terminal import ANY, drives


@given(ANY)
def test_a_report_that_is_read_with_cat_drives_no_terminal(text):
    assert not drives(to_markdown(Page(text, (Text(text),), ())))
