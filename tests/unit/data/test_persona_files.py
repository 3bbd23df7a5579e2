import tomllib

from pete.data.examples import Example
from pete.data.persona_files import BEGIN, END, data_card, persona_toml, system_line, updated_card
from pete.data.profile import profile_of
from pete.persona import load_persona

PROFILE = profile_of([("email", 'He said "no".\nTwice, \\ and again.')] * 12)
ENTRY = {"at": "2026-01-02T03:04:05+00:00", "sources": [{"name": "a|b.zip", "sha256": "0123456789abcdef0000"}],
         "ledger": {"read": 3, "kept": 2, "dropped": {"other_author": 1}}}  # fmt: skip
ROWS = [Example(prompt="p", completion="c", split="train", category="email", origin="rule", date="2023-05-04T00:00:00")]


def test_persona_toml_is_one_whatever_the_names(tmp_path):
    text = persona_toml('A "B" \\ C', ["Emails", "LinkedIn posts"], {"email": 'E "mails"'}, PROFILE)
    (tmp_path / "persona.toml").write_text(text)
    persona = load_persona(str(tmp_path), empty=True)
    assert persona.name == 'A "B" \\ C' and persona.categories == {"email": 'E "mails"'}
    assert persona.system == 'You are A "B" \\ C. You write emails and LinkedIn posts.' and len(persona.stop) == 2


def test_the_proposed_limits_hold_once_their_mark_is_taken_away(tmp_path):
    text = persona_toml("Ada", ["Emails"], {"email": "Emails"}, PROFILE)
    limits = "\n".join(line.removeprefix("# ") for line in text.split("hold.\n")[1].splitlines())
    assert tomllib.loads(limits)["formats"]["email"]["words"] == [7, 7]
    (tmp_path / "persona.toml").write_text(text.split("# Limits")[0] + limits)
    assert load_persona(str(tmp_path), empty=True).limits["all"].copied == 8


def test_the_system_line_is_short():
    assert system_line("Ada", []) == "You are Ada. You write texts."


def test_the_card_says_what_it_is_made_of_and_keeps_what_was_written_by_hand():
    card = updated_card(data_card("Ada"), {"imports": [ENTRY]}, ROWS)
    assert "| `a/b.zip`, 2026-01-02 | `0123456789abcdef` | 3 | 2 | 1 other author |" in card
    assert "| rows | 1 |" in card and "| written | 2023-05-04 to 2023-05-04 (1 with a date) |" in card and "to be answered by you" in card
    mended = updated_card(card.replace("**to be answered by you**", "mine"), {"imports": [ENTRY, ENTRY]}, ROWS * 2)
    assert "| rows | 2 |" in mended and "mine" in mended and mended.count(BEGIN) == mended.count(END) == 1 and "## Files" in mended
    assert updated_card("My own card.", {"imports": [ENTRY]}, ROWS) == "My own card."
