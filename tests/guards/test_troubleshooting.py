"""docs/troubleshooting.md quotes messages; each of them is still what Pete says."""

import re

from pete.resources import PROJECT

PAGE = PROJECT / "docs" / "troubleshooting.md"
SAYERS = [*PROJECT.glob("src/pete/**/*.py"), *PROJECT.glob("launchers/*"), PROJECT / "scripts" / "bootstrap.sh"]


def test_every_message_that_is_quoted_is_one_that_is_said():
    said = " ".join(path.read_text(encoding="utf-8") for path in SAYERS)
    said = re.sub(r"\{[^{}]*\}|%s", "\0", said)  # what is filled in when it is said
    said = re.sub(r'"\s+f?"', "", said)  # a message over several lines of source
    quoted = [phrase for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")
              for phrase in re.findall(r"`([^`]+)`", line.split("|")[1])]  # fmt: skip
    assert len(quoted) > 20
    for phrase in quoted:
        # a number, a name in capitals or an ellipsis stands for what is filled in
        pieces = [piece.strip() for piece in re.split(r"\b\d[\d,]*\b|\b[A-Z]\b(?!&)|\.\.\.", phrase)]
        assert any(pieces) and all(piece in said for piece in pieces), f"{PAGE.name} quotes {phrase!r}, which nothing says"
