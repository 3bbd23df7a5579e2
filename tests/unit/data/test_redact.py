import json
import stat
from pathlib import Path

import pytest

from pete.data.artefacts import blanks_in
from pete.data.examples import load_examples
from pete.data.redact import MAP, redact
from pete.errors import DataError

PHONE, OTHER = "+49 30 23125 014", "+49 (30) 23125-015"
ROWS = [
    {
        "prompt": "Hi Ada, call me: " + PHONE + "\nThanks,\nMarta Berg",
        "completion": "Dear Marta Berg,\nwe rang Marta Berg twice.",
        "topic": 7,
    },
    {"prompt": "Nothing here \u2028 at all", "completion": "Nor there.", "weight": 0.5},
    {"messages": [{"role": "user", "content": "My number is 0049 30 23125014."}, {"role": "assistant", "content": f"Or {OTHER}?"}]},
]


def write(path: Path, rows: list[dict]) -> Path:
    path.write_text("\ufeff" + "".join(json.dumps(row, ensure_ascii=False) + "\r\n" for row in rows), encoding="utf-8", newline="")
    return path


def test_a_value_has_one_place_in_all_files_of_a_folder_and_next_time_too(tmp_path):
    first, second = write(tmp_path / "a.jsonl", ROWS), write(tmp_path / "b.jsonl", ROWS[::-1])
    before = first.read_bytes().split(b"\n")
    done = redact([first, second], own=["Ada"])
    rows = load_examples([first, second])
    assert rows[0].prompt == "Hi Ada, call me: [phone 1]\nThanks,\n[name 1]" and rows[0].topic == "7"
    assert rows[0].completion == "Dear [name 1],\nwe rang [name 1] twice."
    assert [turn.content for turn in rows[2].messages] == ["My number is [phone 1].", "Or [phone 2]?"]
    assert rows[2].messages == rows[3].messages and first.read_bytes().split(b"\n")[1] == before[1]
    assert (done.rows, done.files, done.maps) == (4, [first, second], [tmp_path / MAP]) and done.places["phone"] == 6
    third = write(tmp_path / "c.jsonl", [{"prompt": "p", "completion": f"Ring {OTHER}, or 030 23125 099."}])
    redact([third])
    assert load_examples([third])[0].completion == "Ring [phone 2], or [phone 3]."
    again = redact([first, second, third])
    assert not again.rows and not again.files, "what was redacted is not private"


def test_the_map_is_nobody_elses_and_says_what_stood_there(tmp_path):
    path = write(tmp_path / "a.jsonl", ROWS)
    redact([path])
    assert stat.S_IMODE((tmp_path / MAP).stat().st_mode) == 0o600
    kept = json.loads((tmp_path / MAP).read_text())
    assert kept["phone"][0] == PHONE and kept["name"] == ["Marta Berg"] and OTHER in kept["phone"]
    assert not any(PHONE in file.read_text() for file in tmp_path.iterdir() if file.name != MAP)


def test_a_placeholder_is_no_blank(tmp_path):
    path = write(tmp_path / "a.jsonl", ROWS)
    redact([path])
    assert not any(blanks_in(text) for row in load_examples([path]) for text in (row.prompt, row.completion))
    assert blanks_in("[phone]") and blanks_in("[your name 1]")


@pytest.mark.parametrize(
    "text", ['[{"prompt": "a",\n "completion": "b"}]', '{"prompt": "a",\n"completion": "+49 30 23125 014"}', "no", "\xff"]
)
def test_a_file_that_has_no_row_a_line_is_left_as_it_is(tmp_path, text):
    good, bad = write(tmp_path / "a.jsonl", ROWS), tmp_path / "z.jsonl"
    bad.write_bytes(text.encode("latin1"))
    with pytest.raises(DataError, match=r"z\.jsonl"):
        redact([bad])
    assert bad.read_bytes() == text.encode("latin1") and not (tmp_path / MAP).exists() and PHONE in good.read_text("utf-8")


def test_a_damaged_map_is_said_and_nothing_is_numbered_anew(tmp_path):
    path = write(tmp_path / "a.jsonl", ROWS)
    (tmp_path / MAP).write_text('{"phone": ["x"')
    with pytest.raises(DataError, match=r"redacted\.json is damaged"):
        redact([path])
    assert PHONE in path.read_text("utf-8")


def test_files_of_several_folders_can_share_a_map_and_edit_pairs_are_read(tmp_path):
    (tmp_path / "examples").mkdir()
    rows = write(tmp_path / "examples" / "a.jsonl", ROWS)
    edits = write(tmp_path / "edits.jsonl", [{"draft": f"Call {OTHER}", "final": f"Ring {OTHER} or {PHONE}."}])
    done = redact([rows, edits], folder=tmp_path / "examples")
    assert json.loads(edits.read_text("utf-8-sig")) == {"draft": "Call [phone 2]", "final": "Ring [phone 2] or [phone 1]."}
    assert done.maps == [tmp_path / "examples" / MAP] and not (tmp_path / MAP).exists()
