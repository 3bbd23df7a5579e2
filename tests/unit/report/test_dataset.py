from pete.data.examples import DataFinding, Example
from pete.report.dataset import dataset_page
from pete.report.dataset_charts import category_chart, length_chart
from pete.report.html import to_html
from pete.report.markdown import to_markdown

ROWS = [Example(prompt=f"p{n}", completion="word " * (n % 40 + 3), category="ab"[n % 3 == 0]) for n in range(90)]
SPLITS = {"train": ROWS[:70], "valid": ROWS[70:80], "test": ROWS[80:]}


def page(*findings: DataFinding) -> str:
    return to_html(dataset_page("Ada <Byron>", ROWS, SPLITS, findings, [5, 7, 9], {"a": "Letters & notes"}, [("Training", "90 steps")]))


def test_the_verdict_is_the_worst_finding():
    error = DataFinding.of("e", "3 rows hold <b>", [("/d/f.jsonl:3", "<b>")], "error")
    warning = DataFinding.of("w", "1 answer", [])
    assert "Not yet" in page(warning, error) and "1 kind of error" in page(error)
    assert "Ready, with a look" in page(warning) and "nothing to question" in page()
    assert "3 rows hold &lt;b&gt;" in page(error) and "f.jsonl:3 &lt;b&gt;" in page(error) and "<b>" not in page(error)


def test_all_that_is_known_is_there_in_both_forms():
    text = page()
    assert "Ada &lt;Byron&gt;" in text and "5 to 9, half below 7; 21 in all" in text and "90 steps" in text and "70 train" in text
    assert text.count("<svg") == 4 and "Letters &amp; notes" in text
    assert "nine in ten below" in to_markdown(dataset_page("Ada", ROWS, SPLITS, (), [1], {}, ()))


def test_pictures_say_what_they_show():
    lengths, categories = length_chart([len(row.completion.split()) for row in ROWS]), category_chart(ROWS, SPLITS, {"a": "Letters"})
    assert lengths is not None and lengths.text == "Words of an answer: 3 to 42, half below 20, nine in ten below 38."
    assert categories is not None and categories.text == "Rows by category: Letters 60 (46 to learn from), b 30 (24 to learn from)."
    drawn = lengths.draw(760, lengths.text)
    assert drawn.count("<polyline") > 20 and drawn == lengths.draw(760, lengths.text) and "half below 20" in drawn
    assert length_chart([]) is None and category_chart([row for row in ROWS if row.category == "a"], SPLITS, {}) is None


def test_one_row_and_one_giant_are_drawn_too():
    for words in ([0], [5], [3] * 50 + [100_000]):
        chart = length_chart(words)
        assert chart is not None and "</svg>" in chart.draw(350, chart.text)
