"""Whether two bases have the same tokens, and what is kept of a smaller one that guesses (the guessing itself: test_rows.py)."""

from pathlib import Path

import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel

from pete.engines.llama.draft import FIRST, MOST, Draft, DraftError, Guessed, check_tokens
from pete.engines.protocol import Base


def base(folder: Path, *tokens: str, added: tuple[str, ...] = ()) -> Base:
    folder.mkdir()
    made = Tokenizer(WordLevel({token: number for number, token in enumerate(tokens)}, unk_token=tokens[0]))
    made.add_special_tokens(list(added))
    made.save(str(folder / "tokenizer.json"))
    return Base(folder.name, folder, "1", "f" * 64, 64)


def test_the_same_tokens_are_fine(tmp_path: Path) -> None:
    check_tokens(base(tmp_path / "large", "a", "b", added=("<end>",)), base(tmp_path / "small", "a", "b", added=("<end>",)))


@pytest.mark.parametrize(("tokens", "added", "words"), [
    (("b", "a"), ("<end>",), r"2 of their tokens differ \('a' is 0 in large, 1 in small\)"),
    (("a", "b"), ("<stop>",), r"2 of their tokens differ \('<end>' is 2 in large, none in small\)"),
    (("a", "b", "c"), (), r"'<end>' is 2 in large, none in small"),
])  # fmt: skip
def test_other_tokens_are_refused_by_name(tmp_path: Path, tokens: tuple[str, ...], added: tuple[str, ...], words: str) -> None:
    with pytest.raises(DraftError, match=words) as raised:
        check_tokens(base(tmp_path / "large", "a", "b", added=("<end>",)), base(tmp_path / "small", *tokens, added=added))
    assert "engine.llama.draft: small cannot guess for large" in raised.value.message


def test_how_many_are_guessed_follows_how_many_were_right() -> None:
    guessed = Guessed()
    draft = Draft(type("Room", (), {"length": 8})(), 8, guessed)
    assert [draft.heard(FIRST, FIRST), draft.heard(MOST, MOST), draft.heard(4, 0), draft.heard(4, 3)] == [FIRST + 2, MOST, 1, 4]
    assert (guessed.proposed, guessed.accepted) == (FIRST + MOST + 8, FIRST + MOST + 3)
