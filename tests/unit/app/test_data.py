import pytest

from pete.app.data import check, render
from pete.config import resolve
from pete.errors import DataError


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
