"""pete data review through the real command line: as a page, and at a terminal."""

import json
import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pete.resources import PROJECT
from tests.bare_texts import bare_persona

KEYS = "quit and keep"


@pytest.fixture
def persona(tmp_path: Path) -> Path:
    return bare_persona(tmp_path / "bea [b]")


def rows(persona: Path) -> list[dict]:
    return [json.loads(line) for line in (persona / "examples" / "imported.jsonl").read_text().splitlines()]


def test_a_page_and_its_result(persona: Path, pete):
    made = pete("data", "review", "--persona", persona, "--rows", "3")
    assert made.returncode == 0, made.stderr
    page = persona / "review.html"
    assert f"{page}: 3 pairs to look at" in made.stdout and "--read pete-review.json" in made.stdout
    shown = json.loads(page.read_text().partition('id="review-data">')[2].partition("</script>")[0])["rows"]
    decisions = [
        {"key": row["key"], "face": row["face"], "verdict": verdict}
        for row, verdict in zip(shown, ("accept", "accept", "reject"), strict=True)
    ]
    result = persona.parent / "pete-review.json"
    result.write_text(json.dumps({"kind": "review of pairs", "version": 1, "persona": "bea [b]", "decisions": decisions}))
    read = pete("data", "review", "--persona", persona, "--rows", "3", "--read", result)
    assert read.returncode == 0 and "3 decisions are in the rows" in read.stdout
    assert "2 of 3 right: 95% interval 21 to 94% of all rows; 0 edited, 1 rejected" in read.stdout
    assert len(rows(persona)) == 6 and len((persona / "rejected.jsonl").read_text().splitlines()) == 1
    more = json.loads(pete("data", "review", "--persona", persona, "--json").stdout)
    assert (more["accepted"], more["rejected"], more["left"], more["rows"]) == (2, 1, 4, 7) and more["page"] == str(page)
    assert pete("data", "review", "--persona", persona, "--terminal").returncode == 2, "no terminal"


def test_at_a_terminal_and_gone_on_with(persona: Path, tmp_path: Path):
    editor = tmp_path / "editor"
    change = "t = open(p).read().splitlines(); t[1] = 'By hand.'; open(p, 'w').write('\\n'.join(t) + '\\n')"
    editor.write_text(f"#!{sys.executable}\nimport sys\np = sys.argv[1]\n{change}\n")
    editor.chmod(0o755)
    environment = os.environ | {
        "PYTHONPATH": str(PROJECT / "src"),
        "TERM": "xterm-256color",
        "LINES": "40",
        "COLUMNS": "90",
        "EDITOR": str(editor),
    }
    environment.pop("VISUAL", None)

    def session(keys: str) -> str:
        master, slave = pty.openpty()
        command = [sys.executable, "-m", "pete", "data", "review", "--persona", str(persona), "--terminal", "--rows", "4"]
        process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True)
        os.close(slave)
        said, asked, until = "", 0, time.monotonic() + 20
        while time.monotonic() < until:
            if select.select([master], [], [], 0.1)[0]:
                try:
                    said += os.read(master, 65536).decode()
                except OSError:
                    break
            if said.count(KEYS) > asked and asked < len(keys):
                time.sleep(0.1)  # what is typed before the question is thrown away
                os.write(master, keys[asked].encode())
                asked += 1
        assert process.wait(5) == 0, said
        os.close(master)
        return said

    first = session("aeq")
    assert "1 of 4" in first and "3 of 4" in first and "1 of 2 right" in first and "2 pairs are left" in first
    edited = [row for row in rows(persona) if row["origin"] == "edited"]
    assert [row["prompt"] for row in edited] == ["By hand."]
    second = session("ra")
    assert "3 of 4" in second and "2 of 4 right" in second and "1 rejected" in second and len(rows(persona)) == 6
    review = json.loads((persona / "review.json").read_text())["reviews"][-1]
    assert [decision["verdict"] for decision in review["decisions"]] == ["accept", "edit", "reject", "accept"]
