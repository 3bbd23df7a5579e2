"""Every rule on what it must pass and on what it must catch, and all of them on the author's own rows."""

import pytest

from pete.data.examples import Example, load_examples, written
from pete.errors import AdapterError
from pete.generate.request_parsing import RequestType, facts_asked, format_asked, length_asked
from pete.generate.rules import RULES, Validator, limits_of
from pete.persona import Limit, load_persona

LOREM = "The gym opens at six and the coffee does not, so bring your own and stay until noon."
PETE = load_persona("pete-connor")


def limit(**values) -> Limit:
    return Limit.model_validate(values)


def check(text: str, prompt: str = "", *, stop="end", avoid=(), marks=(), rows=(), formats=None, kind=None, **values):
    validator = Validator({"all": limit(**values)} if values else {}, formats, avoid, marks, rows)
    return validator.check(text, prompt, kind or RequestType(), stop)


ROWS = [Example(prompt="p", completion=f"Before that. {LOREM} After that.", category="a", format="memo")]

TIMES = {"prompt": "At 7, costs 12."}
KEEPER = {"prompt": "Our keeper is Imke, it is 1,900."}
GERMAN = "Das ist nicht die Antwort, und wir sind auch nicht mit dem Zug da."
IN_ENGLISH = {"prompt": "Write about the gym and what it does", "language": True}
IN_GERMAN = {"prompt": "Schreib eine Antwort, die nicht auf Englisch ist", "language": True}
MARKS = {"marks": ["<|im_end|>", "\n### Response:"]}

# rule: (passes, fails), each a call of check()
CASES = {
    "empty": [({"text": "No."}, {"text": " \n"}), ({"text": "9"}, {"text": "..."})],
    "unfinished": [({"text": "Done."}, {"text": "Cut sho", "stop": "length"})],
    "loop": [
        ({"text": "No, no, no. Not today. Not today either."}, {"text": "Call us today. " * 9}),
        ({"text": LOREM}, {"text": LOREM, "stop": "loop"}),
        ({"text": "1. No\n2. No\n3. Not today"}, {"text": "1. We close at noon\n2. It rains\n3. We close at noon"}),
        ({"text": "No. No. We close at noon."}, {"text": "We close at noon. It rains. We close at noon."}),
    ],
    "leak": [
        ({"text": "Write im_end less.", **MARKS}, {"text": "a <|im_end|>", **MARKS}),
        ({"text": "Tell the user: no.", **MARKS}, {"text": "### Response:\nA", **MARKS}),
        ({"text": "Tell the user: no."}, {"text": "Yes.\nUser: and you?"}),
        ({"text": "a < b | c"}, {"text": "[/INST] Yes."}),
    ],
    "avoid": [
        ({"text": "Unlike ours.", "avoid": ["unlock*"]}, {"text": "It Unlocks value.", "avoid": ["unlock*"]}),
        ({"text": "We unlock phones.", "prompt": "We unlock phones", "avoid": ["unlock*"]}, {"text": "unlocked", "avoid": ["unlock*"]}),
    ],
    "placeholder": [
        ({"text": "Dear [1]."}, {"text": "Dear [Name],"}),
        ({"text": "See [our shop](https://x)."}, {"text": "Dear {first_name},"}),
        ({"text": "Dear [Name],", "placeholders": True}, {"text": "Call <your number>."}),
        ({"text": "Hi [Name].", "prompt": "Keep [Name] as it is."}, {"text": "Hi {{ name }}."}),
    ],
    "length": [
        ({"text": "one two three", "words": 3}, {"text": "one two three", "words": 2}),
        ({"text": "one two three", "words": [2, 3]}, {"text": "one", "words": [2, 3]}),
        ({"text": "x" * 280, "characters": 280}, {"text": "x" * 281, "characters": 280}),
        ({"text": "a\n\nb", "lines": 2}, {"text": "a\nb\nc", "lines": 2}),
        ({"text": "one two\nthree four", "line_words": 2}, {"text": "one two\nthree four five", "line_words": 2}),
        ({"text": "abc\nabcd", "line_characters": 4}, {"text": "abc\nabcde", "line_characters": 4}),
        ({"text": "word " * 80, "prompt": "Under 80 words."}, {"text": "word " * 81, "prompt": "Under 80 words."}),
        ({"text": "word " * 20, "prompt": "Max 25 words", "words": 5}, {"text": "word " * 9, "prompt": "Be brief", "words": 5}),
    ],
    "items": [
        ({"text": "1. a\n2. b", "items": [2, 3]}, {"text": "a", "items": [2, 3]}),
        ({"text": "Here:\n- a\n- b", "prompt": "Give me two honest options"}, {"text": "a\nb\nc", "prompt": "Give me two honest options"}),
        ({"text": "a", "prompt": "checklist, max six points"}, {"text": "a\n" * 7, "prompt": "checklist, max six points"}),
    ],
    "facts": [
        ({"text": "Open at 7, twelve euros.", **TIMES, "facts": 1.0}, {"text": "Open at 7.", **TIMES, "facts": 1.0}),
        ({"text": "Open at 7.", **TIMES, "facts": 0.5}, {"text": "Open.", **TIMES, "facts": 0.5}),
        ({"text": "Ask Imke, 1900.", **KEEPER, "facts": 1.0}, {"text": "Ask.", **KEEPER, "facts": 1.0}),
        ({"text": "Anything.", "prompt": "Under 80 words.", "facts": 1.0}, {"text": "No.", "prompt": "'Big Oak', 8 euros", "facts": 1.0}),
    ],
    "language": [
        ({"text": LOREM, **IN_ENGLISH}, {"text": GERMAN, **IN_ENGLISH}),
        ({"text": GERMAN, **IN_GERMAN}, {"text": LOREM + " It is what you have.", **IN_GERMAN}),
    ],
    "copied": [
        ({"text": "The gym opens at six and we do not mind.", "rows": ROWS, "copied": 8}, {"text": LOREM, "rows": ROWS, "copied": 8}),
        ({"text": LOREM, "prompt": f"Use: {LOREM}", "rows": ROWS, "copied": 8}, {"text": LOREM.upper(), "rows": ROWS, "copied": 17}),
        ({"text": LOREM, "prompt": "So the coffee does not, so", "rows": ROWS, "copied": 11}, {"text": LOREM, "rows": ROWS, "copied": 11}),
        ({"text": LOREM, "rows": [], "copied": 8}, {"text": f"So: {LOREM}", "rows": ROWS, "copied": 3}),
    ],
}  # fmt: skip


@pytest.mark.parametrize(("rule", "number"), [(rule, i) for rule, pairs in CASES.items() for i in range(len(pairs))])
def test_a_rule_passes_what_it_should_and_catches_what_it_should(rule, number):
    passes, fails = CASES[rule][number]
    assert [v for v in check(**passes) if v.rule == rule] == []
    found = [v for v in check(**fails) if v.rule == rule]
    assert len(found) == 1 and found[0].words
    assert 0 <= found[0].start <= found[0].end <= len(fails["text"])


def test_every_rule_has_its_cases():
    assert len(CASES) == len(RULES)


def test_violations_say_what_where_and_how_much():
    formats = {"tagline": limit(line_words=10)}
    (long,) = check("one two three four five six seven eight nine ten eleven", "Tagline for a bakery", formats=formats)
    assert long.words == "too long for a tagline (11 words, at most 10 a line)"
    (asked,) = check("one two three", "Tagline for a bakery, two words max", formats={"tagline": limit(line_words=2)})
    assert asked.words == "too long for what was asked (3 words, at most 2)"
    (banned,) = check("We can unlock it.", avoid=["unlock*"])
    assert "We can unlock it."[banned.start : banned.end] == "unlock"
    (copied,) = check(f"So: {LOREM} End.", rows=ROWS, copied=8)
    assert f"So: {LOREM} End."[copied.start : copied.end] == LOREM.rstrip(".") and "18 words" in copied.words
    (lost,) = check("Nothing.", "1 2 3 4 5 6", facts=0.5)
    assert lost.words == "leaves out 1, 2, 3, 4 and 2 more (0 of 6 facts kept)"


def test_an_empty_answer_is_only_empty():
    assert [v.rule for v in check("", "Under 80 words, 12 euros", words=[5, 9], facts=1.0, stop="length")] == ["empty"]


def test_a_persona_without_limits_still_has_the_rules_that_need_none():
    assert Validator().check("Fine.", "Anything, 12 euros, from Joanna") == ()
    assert {v.rule for v in Validator().check("Dear [Name],\nUser: hm", "?", stop="length")} == {"placeholder", "leak", "unfinished"}


SIXTY = " ".join(f"w{i}" for i in range(60))


def test_limits_lie_over_each_other():
    validator = Validator({"all": limit(words=50, facts=1.0), "ads": limit(words=20)}, {"tagline": limit(words=5)})

    def words(kind: RequestType, prompt: str = "?") -> str:
        return next((v.words for v in validator.check(SIXTY, prompt, kind)), "")

    assert "at most 50" in words(RequestType()) and "for ads (60 words, at most 20" in words(RequestType("ads"))
    assert "for a tagline (60 words, at most 5" in words(RequestType("ads", "tagline")) == words(RequestType("ads"), "A tagline, please")
    assert "at most 10" in words(RequestType("ads", "tagline"), "ten words at most")
    assert words(RequestType("ads", "unknown format")) == words(RequestType("ads"))


def test_usual_length_is_the_authors():
    rows = [Example(prompt="p", completion="w " * n, category="ads", format=f) for n, f in ((4, "tagline"), (6, "tagline"), (90, "memo"))]
    validator = Validator(formats={"tagline": limit(words=9)}, rows=rows)
    assert validator.typical_words("A tagline for me", RequestType()) == 6 and validator.typical_words("?", RequestType("ads")) == 6
    assert validator.typical_words("?", RequestType("ads", "memo")) == 90 and validator.typical_words("?", RequestType()) is None


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("Under 110 words please.", {"words": (0, 110)}),
        ("25 words max", {"words": (0, 25)}),
        ("25 words or fewer:", {"words": (0, 25)}),
        ("Max eight words.", {"words": (0, 8)}),
        ("not over 140 words", {"words": (0, 140)}),
        ("60-80 words.", {"words": (54, 88)}),
        ("130 to 170 words", {"words": (117, 187)}),
        ("About 120 words.", {"words": (78, 162)}),
        ("90 words or so", {"words": (58, 122)}),
        ("live chat, two lines at most.", {"lines": (0, 2)}),
        ("one or two lines", {"lines": (0, 2)}),
        ("Five subject lines, under 50 characters each", {"items": (5, 5), "line_characters": (0, 50)}),
        ("Four headline options for cave tours", {"items": (4, 4)}),
        ("three versions, each 20 words or fewer", {"line_words": (0, 20)}),
        ("max six points", {"items": (0, 6)}),
        ("7 of 10 items were fixed", {}),
        ("0.4 points below, 50,000 words in 48 hours", {}),  # 0.4 is no 4, and 50,000 no 0
        ("one line at the top, then three buttons", {}),
        ("The waiting list is at 40 names. Tell the 41st.", {}),
        ("My mother wrote two lines, I sent 300 words", {}),
        ("We have about 5 product ideas; a memo, under 90 words", {"words": (0, 90)}),
        ("Give me 5 product ideas", {"items": (5, 5)}),
        ("Explain it to me.", {}),
    ],
)
def test_lengths_that_prompts_state(prompt, expected):
    found = length_asked(prompt)
    assert {name: getattr(found, name) for name in found.model_fields_set} == expected


def test_formats_that_prompts_name():
    formats = {"tagline": limit(asked=["slogan"]), "subject lines": limit(), "email": limit()}
    assert format_asked("We need a SLOGAN for the van", formats) == "tagline"
    assert format_asked("One subject line for this email", formats) == "subject lines"
    assert format_asked("Customer: 'your email was late.' Answer him", formats) == ""
    assert format_asked("Is our tagline any good? And no slogan, please.", formats) == ""
    assert format_asked("Explain emailing", formats) == "" and format_asked("?", {}) == ""


def test_facts_that_prompts_state():
    prompt = "Ad for Marlow & Finch, open 10:30, 1,900 a month, called 'Big Oak', 80 words. Ask Ms Brandl by 15 January, 30-second spot."
    assert facts_asked(prompt) == ["10:30", "1,900", "15", "Big Oak", "Marlow & Finch", "Ms Brandl", "January"]
    assert facts_asked("He wrote: 'my mother has been waiting since noon for you'. Reply, under 60 words.") == []
    assert facts_asked("") == []


def test_limits_travel_as_plain_data():
    plain = {"all": {"words": [0, 5], "language": True}}
    assert limits_of(plain)["all"] == limit(words=5, language=True) and limits_of({}) == {}
    for broken in ({"all": {"wrods": 5}}, {"all": 5}, {"all": {"words": [5, 1]}}):
        with pytest.raises(AdapterError, match=r"pete\.json"):
            limits_of(broken)  # type: ignore[arg-type]


class TestTheBundledPersona:
    rows = written(load_examples(PETE.examples))

    @pytest.mark.slow
    def test_the_authors_own_rows_keep_the_rules_also_where_nobody_says_their_format(self):
        """At most one in fifty may break one: a rule that flags the author says nothing about a model. With formats: test_persona.py."""
        validator = Validator(PETE.limits, PETE.formats, PETE.avoid)
        found = [(row.id, validator.check(row.completion, row.prompt, RequestType(row.category))) for row in self.rows]
        flagged = [(id, flags) for id, flags in found if flags]
        assert len(self.rows) > 300 and len(flagged) <= len(self.rows) / 50, flagged

    def test_he_does_not_copy_himself(self):
        validator = Validator(PETE.limits, PETE.formats, rows=[row for number, row in enumerate(self.rows) if number % 10])
        held_out = self.rows[::10]
        copied = [row.id for row in held_out if any(v.rule == "copied" for v in validator.check(row.completion, row.prompt))]
        assert len(held_out) > 30 and copied == []

    @pytest.mark.slow
    def test_wreckers_are_caught(self):
        validator = Validator(PETE.limits, PETE.formats, PETE.avoid, rows=self.rows)
        long = [row for row in self.rows if len(row.completion.split()) > 60][::2]
        caught = {
            "copied": sum(any(v.rule == "copied" for v in validator.check(row.completion, "?")) for row in long),
            "loop": sum(any(v.rule == "loop" for v in validator.check(f"{row.completion} " * 3, row.prompt)) for row in long),
        }
        assert len(long) > 50 and caught == {"copied": len(long), "loop": len(long)}
