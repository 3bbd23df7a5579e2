import re
from html.parser import HTMLParser

from pete.report import write_report
from pete.report.html import to_html
from pete.report.model import read_report
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


def test_a_long_run_stays_a_small_file(make_run: MakeRun):
    from tests.unit.report.conftest import started, step

    events = [started(), *(step(n, 4 - n / 2000 + n % 7 / 9) for n in range(1, 3001))]
    assert len(to_html(make_page(read_report(make_run(events=events))))) < 150_000
