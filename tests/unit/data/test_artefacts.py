import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pete.data.artefacts import BLANK, BROKEN, CONTROL, ENTITY, TURN, UNFILLED
from pete.data.examples import load_examples
from pete.evaluate.suite import NEUTRAL
from pete.persona import load_persona

CONTROLS = [
    "<|im_start|>user",
    "a <s>",
    "</s>",
    "[INST] x",
    "[/INST]",
    "<<SYS>>",
    "<start_of_turn>model",
    "<end_of_turn>",
    "<|eot_id|>",
    "<|user|>",
    "<bos>",
    "<turn|>",
    "<\uff5cUser\uff5c>",
    "<|reserved_special_token_12|>",
    "[gMASK]",
    "<think>",
    "</think>",
]


@pytest.mark.parametrize("text", CONTROLS)
def test_control_marks_of_chat_templates(text):
    assert CONTROL.search(text)


def test_lines_that_begin_another_turn():
    assert all(map(TURN.search, ["### Response:", "a\n### Instruction:\nb", "a\nUser: b", "Human : x"]))
    assert not any(map(TURN.search, ["# Heading", "The user: he", "## Our response time is short".replace("response", "answer")]))


BLANKS = [
    "[NAME]",
    "Dear [Customer Name],",
    "{{first_name}}",
    "{{ customer.first-name }}",
    "Hi {name}",
    "<insert product>",
    "(insert link)",
    "TODO",
    "TODO: write",
    "XXX",
    "lorem ipsum dolor",
    "%FIRST_NAME%",
    "*|FNAME|*",
    "<your_name>",
    "[insert figure 3]",
]


@pytest.mark.parametrize("text", BLANKS)
def test_blanks_to_fill_in(text):
    assert BLANK.search(text)


def test_what_is_no_blank():
    for text in ("see [1]", "[a link](https://example.org)", "TODO ESTO ES NUESTRO", "xxx, Ann", "{1, 2}", "a < b and c > d"):
        assert not BLANK.search(text), text
    assert UNFILLED.search("{{x}} y") and UNFILLED.search("[COMPANY NAME]") and not UNFILLED.search("Start with 'Dear [name]'.")


@pytest.mark.parametrize("codec", ["cp1252", "latin-1", "mac-roman"])
@pytest.mark.parametrize(
    "text", ["It\u2019s", "caf\u00e9 na\u00efve", "\u201cNo\u201d", "5 \u20ac", "na\u00efve", "\ufffd", "\u2026", "\u2014"]
)
def test_text_that_was_decoded_wrongly_once(text, codec):
    data = text.encode()
    try:
        wrecked = data.decode(codec)
    except UnicodeDecodeError:  # five bytes are nothing in Windows-1252; browsers and Excel take them as they are
        wrecked = "".join(bytes([b]).decode("cp1252" if b not in (0x81, 0x8D, 0x8F, 0x90, 0x9D) else "latin-1") for b in data)
    assert BROKEN.search(wrecked), wrecked


OTHERS = [
    ("\u043f\u0440\u0438\u0432\u0435\u0442", "cp1252"),
    ("\u043f\u0440\u0438\u0432\u0435\u0442", "cp1251"),
    ("\u65e5\u672c\u8a9e", "cp1252"),
    ("\U0001f600", "cp1252"),
]


@pytest.mark.parametrize(("text", "codec"), OTHERS)
def test_other_scripts_decoded_wrongly(text, codec):
    wrecked = "".join(bytes([b]).decode(codec if bytes([b]).decode(codec, "ignore") else "latin-1") for b in text.encode())
    assert BROKEN.search(wrecked), wrecked


def test_characters_that_no_text_has():
    for text in ("don\ufffdt", "a\x00b", "a\x1b[31m", "a\x92s", "a\ufeffb", "\u202eabc"):
        assert BROKEN.search(text), repr(text)


HONEST = [
    "\u00ab CAF\u00c9 \u00bb, \u00ab\u00a0l\u00e0\u2026\u00a0\u00bb",
    "\u201eTSCH\u00dc\u201c \u2013 \u201c\u00c9\u2026\u201d",
    "AMANH\u00c3\u201d, N\u00c3O, MA\u00c7\u00c3\u2026",
    "d\u00e9j\u00e0 \u00e2me",
    "\u00bfQu\u00e9? \u00a15\u20ac!",
    "\u221a2 \u2248 1.414",
    "\u041f\u0440\u0438\u0432\u0435\u0442, \u0420\u043e\u0441\u0441\u0438\u044f: \u0421\u0421\u0421\u0420\u2026 \u00ab\u0421\u00bb",
    "\u65e5\u672c\u8a9e\u3002",
    "\u0e02\u0e2d\u0e1a\u0e04\u0e38\u0e13",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 \u2764\ufe0f",
    "V\u00c2N \u00c2",
    "t\u0103ng tr\u01b0\u1edfng",
    "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
    "a\tb\nc\r\n",
]


@pytest.mark.parametrize("text", HONEST)
def test_honest_letters_are_no_wreck(text):
    assert not BROKEN.search(text)


@given(st.text(st.characters(min_codepoint=0x250, exclude_categories=["Cc", "Cf", "Cs", "Co", "Cn"]), min_size=1, max_size=20))
def test_no_other_script_is_taken_for_a_wreck(text):
    assume("\ufffd" not in text and "\u951f" not in text)
    assume(not any(c in text for c in "\u0420\u0421\u221a\u201a"))
    assert not BROKEN.search(text)


def test_the_rows_we_ship_hold_nothing_of_it():
    rows = [*load_examples(load_persona("pete-connor").examples), *load_examples([NEUTRAL])]
    assert len(rows) > 400
    for row in rows:
        for pattern in (CONTROL, BROKEN, UNFILLED, ENTITY):
            assert not pattern.search(row.prompt) and not pattern.search(row.completion), (row.source, pattern.pattern)
        assert not TURN.search(row.completion) and not BLANK.search(row.completion), row.source
