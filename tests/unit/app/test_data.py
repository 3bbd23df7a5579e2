import json

import pytest

from pete.app.data import check, night, redact, render, write_page
from pete.config import resolve
from pete.errors import DataError, UserError
from pete.train.prepare import prepare


def test_the_personas_rows_are_counted_split_and_measured(sets):
    data = check(resolve(None, None, sets).config)
    assert len(data.rows) == 24 and data.categories == {"copywriting": 12, "marketing": 12} and data.findings == []
    assert data.lengths == sorted(data.lengths) and len(data.lengths) == 24 and data.lengths[0] > 0
    assert sum(map(len, data.splits.values())) == 24


def test_files_take_the_place_of_the_personas_and_prompts_are_known_by_their_name(sets, persona_folder, tmp_path):
    config = resolve(None, None, sets).config
    rows, prompts = tmp_path / "more.jsonl", tmp_path / "prompts.jsonl"
    text = (persona_folder / "examples" / "marketing.jsonl").read_text()
    rows.write_text(text + text)
    data = check(config, [rows])
    assert len(data.rows) == 24 and data.categories == {"marketing": 24} and data.prompts == []
    assert any("the same completion as" in finding.message for finding in data.findings)
    prompts.write_text((persona_folder / "prompts.jsonl").read_text())
    alone = check(config, [prompts])
    assert alone.prompts and (alone.rows, alone.lengths, alone.splits) == ([], [], {})


def test_a_rendered_row_is_whole_in_its_parts(sets):
    config = resolve(None, None, sets).config
    first, second = render(config, (), 2, 2)
    assert first.source != second.source and {trained for trained, _ in first.parts} == {False, True}
    assert first.trained and first.read and "".join(text for trained, text in first.parts if trained).strip()
    with pytest.raises(DataError, match="--first 25: there are only 24 rows"):
        list(render(config, (), 25, 1))


def lines(*rows: dict) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def test_a_file_outside_the_persona_is_checked_on_its_own_terms_unless_somebody_says_whose_it_is(sets, persona_folder, tmp_path):
    config = resolve(None, None, sets).config
    outside = tmp_path / "theirs.jsonl"
    outside.write_text(lines(*({"prompt": f"Ask {n}", "completion": f"Unlocking thing {n}.", "category": "cooking"} for n in range(5))))
    assert check(config, [outside], as_persona=False).findings == []
    assert {f.kind for f in check(config, [outside]).findings} == {"unknown category", "avoid"}
    inside = persona_folder / "more.jsonl"
    inside.write_text(outside.read_text())
    assert {f.kind for f in check(config, [inside], as_persona=False).findings} == {"unknown category", "avoid"}


def test_errors_come_first_and_all_at_once_and_nothing_is_planned(sets, persona_folder):
    config = resolve(None, None, sets).config
    with (persona_folder / "examples" / "marketing.jsonl").open("a") as file:
        file.write(lines({"prompt": "Say it.", "completion": "y " * 1500, "category": "marketing"}, {"prompt": "a", "completion": "A"}))
    data = check(config)
    assert [f.kind for f in data.errors] == ["prompt is answer", "too long"] == [f.kind for f in data.findings][:2]
    assert data.training is None and data.findings[1].examples[0][0].endswith("marketing.jsonl:13")
    with pytest.raises(UserError, match="Nothing can be trained"):
        night(config, data)
    with pytest.raises(DataError, match="cannot be trained on as it is"):
        prepare(config)


def test_what_a_night_means_and_the_page_that_says_it(sets, tmp_path):
    config = resolve(None, None, sets).config
    data = check(config)
    assert data.training is not None and data.training.passes == pytest.approx(12 * 2 / len(data.splits["train"]))
    dark = night(config, data)
    tokens = sum(map(len, data.prepared.rendered["train"]))
    assert dark.passes == pytest.approx(8 * 3600 * 100_000 / tokens)
    write_page(data, dark, tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert "A night of 8 h" in page and "12 steps of 2 rows" in page and "The data of Ada" in page
    with pytest.raises(UserError, match="cannot be written"):
        write_page(data, None, tmp_path / "page.html" / "below")


def test_what_is_redacted_is_not_found_again(sets, persona_folder):
    config = resolve(None, None, sets).config
    path = persona_folder / "examples" / "marketing.jsonl"
    path.write_text(
        path.read_text()
        + lines({"prompt": "Hi Ada,\nring +49 30 23125 014.", "completion": "Dear Marta,\nwe did.", "category": "marketing"})
    )
    assert {f.kind for f in check(config).findings} == {"private: phone", "private: name"}
    edits = persona_folder / "edits.jsonl"
    edits.write_text(lines({"draft": "Ring 030 23125 015", "final": "Please ring 030 23125 015."}))
    done = redact(config)
    assert done.rows == 2 and done.files == [path, edits] and "23125" not in edits.read_text() and check(config).findings == []
    assert "Hi Ada," in path.read_text() and "[phone 1]" in path.read_text()
