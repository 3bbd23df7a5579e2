from pete.report.blocks import Section
from pete.report.model import read_report
from pete.report.page import CHAPTERS, make_page
from tests.unit.report.conftest import MakeRun, evaluation, held_out, sample


def test_the_verdict_first_then_every_chapter_that_has_something_to_say(make_run: MakeRun):
    texts = [sample(model, "p", "Bread. Again.") for model in ("base", "tuned")]
    page = make_page(read_report(make_run(log=evaluation([held_out(100, 80, topic=f"t{n}") for n in range(3)], texts))))
    assert page.title == "Ada on tiny: r"
    (first,) = page.head
    assert isinstance(first, Section) and [block.kind for block in first.blocks][:3] == ["verdict", "cards", "section"]
    titles = [chapter.title for chapter in page.chapters]
    assert titles == ["Model Evaluation", "Next Steps", "Fine-Tuning Process", "Tools and Resources", "Run Facts", "How to Read This"]
    assert len(CHAPTERS) == len(titles) + 2, "nothing was exported, and no draft rewritten"
    assert "Next Steps" not in [chapter.title for chapter in make_page(read_report(make_run(events=(), folder="new"))).chapters]
