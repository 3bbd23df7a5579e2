# ruff: noqa: E501 (a fixture stays in one line where its format has none)
from pete.data.sources.files import Source
from pete.data.sources.medium import READER
from pete.data.sources.record import Reason
from tests.unit.data.sources.damage import harmful, harmless, said
from tests.unit.data.sources.reading import outcome, records_of

NAME = "posts/2018-08-11_T-efefef121212.html"


def page(body: str, *, title: str = "\u201cTea\u201d at ten", subtitle: str = "", dated: bool = True, canonical: bool = True) -> str:
    return (
        f'<!DOCTYPE html><html><head><title>{title}</title></head><body><article class="h-entry"><header><h1 class="p-name">{title}</h1></header>'
        + (f'<section data-field="subtitle" class="p-summary">\n{subtitle}\n</section>' if subtitle else "")
        + f'<section data-field="body" class="e-content"><section class="section--body"><hr class="section-divider">{body}</section></section><footer>'
        + (
            '<p>By <a class="p-author h-card">Mina Holt</a> on <time class="dt-published" datetime="2018-08-11T11:23:34.123Z">x</time></p>'
            if dated
            else ""
        )
        + ('<p><a href="https://medium.com/@mina/tea-at-ten-efefef121212" class="p-canonical">Canonical link</a></p>' if canonical else "")
        + '<p>Exported from <a href="https://medium.com">Medium</a></p></footer></article></body></html>'
    )


STORY = (
    '<h3 class="graf graf--h3 graf--leading graf--title">"Tea" at ten</h3><h4 class="graf graf--h4 graf--subtitle">Or eleven</h4>'
    '<p class="graf graf--p">One \u2014 caf\u00e9.</p><blockquote class="graf graf--blockquote">Theirs.</blockquote>'
    '<figure><img><figcaption class="imageCaption">A cup</figcaption></figure><h4 class="graf graf--h4">Part</h4><p class="graf graf--p">Two.</p>'
    '<div class="graf graf--mixtapeEmbed"><a><strong>Another story</strong></a></div>'
)
TEXT = "One \u2014 caf\u00e9.\n\nPart\n\nTwo."


def test_a_story_without_its_title_again(tmp_path):
    story, *quotes = records_of(tmp_path, {NAME: page(STORY, subtitle="Or eleven")})
    assert story.text == TEXT and story.title == "\u201cTea\u201d at ten" and story.headings == ("Part",)
    assert (story.own, story.author, story.id, story.thread, story.channel) == (
        True,
        ("Mina Holt",),
        "efefef121212",
        "efefef121212",
        "blog post",
    )
    assert story.date and story.date.isoformat() == "2018-08-11T11:23:34+00:00"
    assert [(q.text, q.dropped) for q in quotes] == [("Theirs.", Reason.QUOTE), ("Another story", Reason.QUOTE)]


def test_the_smallest_page_of_an_export(tmp_path):
    smallest = (
        '<article class="h-entry"><header><h1 class="p-name">T</h1></header><section data-field="body" class="e-content"><p class="graf graf--p">One.</p>'
        '</section><footer><time class="dt-published" datetime="2018-08-11T11:23:34.123Z"></time></footer></article>'
    )
    (story,) = records_of(tmp_path, {NAME: smallest})
    assert (story.text, story.title, story.dropped) == ("One.", "T", None)


def test_ones_own_comment_is_a_comment_with_all_its_words(tmp_path):
    (comment,) = records_of(
        tmp_path, {NAME: page('<p class="graf graf--p graf--leading">Tea at ten. I agree.</p>', title="Tea at ten. I\u2026")}
    )
    assert (comment.text, comment.channel, comment.title) == ("Tea at ten. I agree.", "comment", "")


def test_drafts_have_no_date_and_no_address(tmp_path):
    texts = {
        "posts/draft_Idea-aa11.html": page(STORY), "posts/x-bb22.html": page(STORY, dated=False, canonical=False),
        "posts/2019-01-01_y-cc33.html": page(STORY, dated=False),
    }  # fmt: skip
    found = {r.where.rpartition("/")[2]: r.dropped for r in records_of(tmp_path, texts) if r.dropped is not Reason.QUOTE}
    assert found == {"draft_Idea-aa11.html": Reason.UNPUBLISHED, "x-bb22.html": Reason.UNPUBLISHED, "2019-01-01_y-cc33.html": None}


def test_the_other_pages_of_an_export_are_no_writing(tmp_path):
    about = "<html><body><section class='h-card'><h3 class='p-name'>Mina</h3></section></body></html>"
    files = {NAME: page(STORY), "profile/profile.html": about, "claps/claps-0001.html": about, "README.html": about}
    assert len(said(records_of(tmp_path, files))) == 1
    with Source(tmp_path / "in") as source:
        assert {file.name for file in source.files if READER.companion(file)} == {
            "profile/profile.html",
            "claps/claps-0001.html",
            "README.html",
        }
    (tmp_path / "in" / NAME).unlink()
    with Source(tmp_path / "in") as source:
        assert not any(READER.companion(file) for file in source.files), "a folder of the name claps may be anybody's"


def test_other_encodings_lose_nothing(tmp_path):
    for number, (kind, data) in enumerate(harmless(page(STORY, subtitle="Or eleven").replace("><", ">\n<"))):
        records, problem = outcome(tmp_path / str(number), NAME.rpartition("/")[2], data)
        assert said(records) == [TEXT] and not problem, kind


def test_damage_is_said(tmp_path):
    for number, (kind, data) in enumerate(harmful(page(STORY).encode())):
        records, problem = outcome(tmp_path / str(number), "a.html", data)
        assert problem or kind == "blank" or all(r.dropped or "x" in r.text for r in records) or "NUL" in kind, (kind, records)
    records, problem = outcome(tmp_path / "cut", "a.html", page(STORY).encode()[:-9])
    assert said(records) and "breaks off" in problem
