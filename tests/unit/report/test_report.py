import json
import os
import re
import subprocess
import sys
from html import unescape
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from pete.errors import DataError
from pete.evaluate.blind.record import interval
from pete.report import write_report
from pete.report.html import to_html
from pete.report.markdown import escape, quote, to_markdown
from pete.report.model import read_report
from pete.report.numbers import percent
from pete.report.page import make_page
from tests.unit.report.conftest import MakeRun, evaluation, held_out, sample

HOSTILE = (
    "<script>alert(1)</script>\n```\n# Heading\n| a | b |\n|---|---|\n</details></main>{{ 7*7 }}\n> quoted\n- item\n1. one\n===\n    code\n"
    "[x](javascript:alert(1)) ![i](http://evil/i.png) https://evil.example www.evil.example a@b.c &lt;b&gt; "
    "*it* _is_ $x$ \\\u2028---\u202eend"
)
VOID = {"meta", "link", "br", "img", "input", "hr"}


def hostile_log():
    samples = [sample(m, "p|1", HOSTILE, prompt=HOSTILE, raw=HOSTILE, leaks_raw=1, category="<b>$$cat|$$") for m in ("base", "tuned")]
    log = evaluation([held_out(100, 80, topic=f"t{n}", category=c) for n, c in enumerate(["<b>$$cat|$$", "marketing"] * 3)], samples)
    return log.model_copy(update={"categories": {"<b>$$cat|$$": "<b>$$\\frac cat|`` #0a0b01"}, "machine": HOSTILE})


class Balanced(HTMLParser):
    """Every tag that opens closes, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.seen: dict[str, int] = {}
        self.attributes: list[tuple[str, str]] = []

    def handle_starttag(self, tag, attrs):
        self.seen[tag] = self.seen.get(tag, 0) + 1
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag):
        assert self.stack and self.stack.pop() == tag, tag


def parse(html: str) -> Balanced:
    parser = Balanced()
    parser.feed(html)
    parser.close()
    assert not parser.stack
    return parser


def test_model_text_is_escaped_in_html(make_run: MakeRun):
    run = make_run(log=hostile_log(), persona="<i>Ada</i>")
    write_report(run)
    html = run.report_html.read_text(encoding="utf-8")
    parsed = parse(html)
    assert "script" not in parsed.seen and "<b>$$" not in html and "<i>Ada" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;\n```" in html, "and its line breaks are kept"
    assert parsed.seen["svg"] == 8


def test_the_page_asks_nobody_for_anything(make_run: MakeRun):
    run = make_run(log=evaluation([held_out(100, 80, topic=f"t{n}") for n in range(3)], [sample("tuned", "a", "Plain.")]))
    write_report(run)
    html = run.report_html.read_text(encoding="utf-8")
    parsed = parse(html)
    assert "http" not in html.replace("http-equiv", "") and "@import" not in html
    assert not {"script", "link", "img", "iframe", "object"} & parsed.seen.keys()
    assert not [value for name, value in parsed.attributes if name in ("src", "href", "action", "data") and not value.startswith("#")]
    assert all(url.startswith("#") for url in re.findall(r"url\(([^)]*)\)", html))
    targets = {value for name, value in parsed.attributes if name == "id"}
    used = re.findall(r'(?:href="|url\()#([^")]+)', html)
    assert used and set(used) <= targets


def test_charts_follow_the_page_and_say_what_they_show(make_run: MakeRun):
    run = make_run(log=evaluation([held_out(100, 80, topic=f"t{n}") for n in range(3)]))
    write_report(run)
    svgs = re.findall(r"<svg.*?</svg>", run.report_html.read_text(encoding="utf-8"), re.DOTALL)
    assert len(svgs) == 8
    for svg in svgs:
        assert 'role="img"' in svg and re.search(r"<title id=\"(.+?)\">[^<]{10,}</title><desc id=\"(.+?)\">[^<]{40,}</desc>", svg)
        assert "<text" in svg and "var(--" in svg and "<metadata" not in svg and "<style" not in svg
        assert not re.search(r"#[0-9a-f]{6}\b(?!-)", re.sub(r'(href|url)[("=]+#[^")]+', "", svg)), "a colour that dark mode cannot change"
    assert any("best: 2.500, step 10" in svg for svg in svgs)


def test_model_text_is_text_in_markdown(make_run: MakeRun):
    text = to_markdown(make_page(read_report(make_run(log=hostile_log(), persona="<i>Ada</i>"))))
    assert "<" not in text, "no tag of any kind"
    lines = text.split("\n")
    assert not [line for line in lines if line.lstrip("> ").startswith(("```", "~~~", "===", "---", "# Heading"))]
    assert not re.search(r"(?<!\\)\]\(", text) and "http://" not in text and "https://" not in text
    tables = [line for line in lines if line.startswith("|")]
    assert tables
    heads = {}
    for above, line in pairwise(lines):
        width = len(re.findall(r"(?<!\\)\|", line))
        if line.startswith("|") and not above.startswith("|"):
            heads[line] = width
        elif line.startswith("|"):
            assert width == len(re.findall(r"(?<!\\)\|", above)), line
    assert len(heads) >= 5


@pytest.mark.parametrize("text", [HOSTILE, "# a\n\n    b\n\t- c\n2) d\n+ e\n~~~\nf | g\n:--|--:\n<!-- h", "\\\n\\\\`x`\n&#35; i\n[j]: k"])
def test_a_markdown_reader_shows_exactly_what_the_model_wrote(text):
    markdown_it = pytest.importorskip("markdown_it")  # comes with rich
    shown = markdown_it.MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(quote(text))
    assert set(re.findall(r"<(\w+)", shown)) <= {"blockquote", "p", "br"}
    words = unescape(re.sub(r"<[^>]+>", "", shown)).splitlines()
    assert [w.strip() for w in words if w.strip()] == [w.strip() for w in text.splitlines() if w.strip()]


@pytest.mark.parametrize("text", ["a\u2028b", "a\x85b", "a\rb", "a\x0bb", "a\nb"])
def test_every_line_break_stays_inside_the_quote(text):
    assert [line[:2] for line in quote(text).splitlines()] == ["> ", "> "]


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("1. one", "1\\. one"), ("- x", "\\- x"), ("    code", "code"), ("a_b*c", "a\\_b\\*c"), ("\\", "\\\\"), ("&amp;", "&amp;amp;"),
        ("https://x", "https&#58;//x"),
        ("1.21", "1.21"), ("12)", "12\\)"), ("plain words, 3.5%", "plain words, 3.5%"), ("\u22123 - 4", "\u22123 - 4"),
    ],
)  # fmt: skip
def test_escape(text, escaped):
    assert escape(text) == escaped


def test_two_renderings_are_the_same_bytes(make_run: MakeRun):
    run = make_run(log=evaluation([held_out(100, 80 + n, topic=f"t{n}") for n in range(22)], [sample("tuned", "a", "Plain.")]))
    seen = []
    for _ in range(2):
        write_report(run)
        seen.append((run.report_html.read_bytes(), run.report_md.read_bytes()))
    assert seen[0] == seen[1]


def test_without_an_evaluation_only_the_training_is_shown(make_run: MakeRun):
    run = make_run()
    data = write_report(run)
    assert data.evaluation is None
    for text in (run.report_html.read_text(encoding="utf-8"), run.report_md.read_text(encoding="utf-8")):
        assert "Not evaluated yet" in text and "No evaluation has been made yet" in text and "pete evaluate" in text
        assert "4.000 to 2.500 nats a token" in text and "Answers, base" not in text and "Speed</h2>" not in text


def test_before_the_first_event(make_run: MakeRun):
    run = make_run(events=())
    data = write_report(run)
    assert "Nothing has been trained yet" in run.report_html.read_text(encoding="utf-8")
    assert not data.findings and data.training.last_step == 0
    parse(run.report_html.read_text(encoding="utf-8"))


def test_a_bare_folder_with_a_configuration_is_enough(make_run: MakeRun):
    run = make_run(events=())
    run.manifest_file.write_text("{half")
    for path in run.adapter.iterdir():
        path.unlink()
    assert write_report(run).dataset is None


def test_the_lead_and_the_facts_carry_the_numbers(make_run: MakeRun):
    run = make_run(log=evaluation([held_out(138.63, 110.9, topic=f"t{n}") for n in range(21)]), overrides=["lora.rank=8"])
    write_report(run)
    for text in (run.report_html.read_text(encoding="utf-8"), run.report_md.read_text(encoding="utf-8")):
        assert "After 10 steps of training on 40 examples" in text
        assert "needs 1.60 bits for each byte" in text and "needed 2.00" in text and "20% fewer" in text
        assert "5.00% of all parameters: 50 of 1,000" in text and "40 train, 5 valid, 5 test" in text and "rev1" in text
        assert "3 to 5" in text and "10 to 20" in text and "4 to 6" in text, "the original report's figures"
        rank = re.search(r"\| Rank \(r\) \| 8 \| 16 \|", text) or re.search(r"Rank \(r\)</th><td[^>]*>8</td><td[^>]*>16<", text)
        assert "--set" in text and rank


def test_what_people_preferred_is_shown(make_run: MakeRun):
    run = make_run(log=evaluation(samples=[sample("tuned", "a", "Plain.")]))
    said = run.evaluations / "blind-ada.json"
    judged = [{"prompt_id": f"p{n}", "number": 0, "a": "tuned", "choice": c} for n, c in enumerate("a" * 15 + "bbb==")]
    said.write_text(json.dumps({"run": "r", "evaluation": "suite.json", "answers": "", "seed": "1", "sitting": "old", "pairs": judged}))
    os.utime(said, (1, 1))  # the evaluation is the newest
    (run.evaluations / "blind-half.json").write_text('{"wins": 1')
    os.utime(run.evaluations / "blind-half.json", (1, 1))
    write_report(run)
    for text in (run.report_html.read_text(encoding="utf-8"), run.report_md.read_text(encoding="utf-8")):
        assert "Blind test" in text and " to ".join(map(percent, interval(15, 3))) in text and "83%" in text and "blind-half" not in text


def test_a_damaged_evaluation_is_named(make_run: MakeRun):
    run = make_run(log=evaluation())
    run.evaluation_file("suite").write_text("{")
    with pytest.raises(DataError, match=r"suite\.json"):
        read_report(run)


def test_a_long_run_stays_a_small_file(make_run: MakeRun):
    from tests.unit.report.conftest import started, step

    events = [started(), *(step(n, 4 - n / 2000 + n % 7 / 9) for n in range(1, 3001))]
    assert len(to_html(make_page(read_report(make_run(events=events))))) < 150_000


def test_importing_the_report_does_not_import_the_template_engine():
    code = "import sys, pete.report; sys.exit('jinja2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": ":".join(filter(None, sys.path))}, check=False).returncode == 0
