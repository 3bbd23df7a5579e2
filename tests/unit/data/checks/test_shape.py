from pete.data.checks.shape import categories, few_rows, language, languages, lengths, near_duplicates, parameters
from pete.data.examples import Example
from pete.data.near import Near

ENGLISH = "The kettle is on the stove and that is all we have for you, which is not what our page said it would be."
GERMAN = "Wir sind nicht da, und das ist gut so, denn der Kessel ist auf dem Herd und die Katze ist mit dem Hund von uns im Haus."


def rows(*texts: str, category: str = "a") -> list[Example]:
    return [Example(prompt=f"p{n}", completion=t, category=category, source=f"/d/{category}.jsonl:{n}") for n, t in enumerate(texts, 1)]


def test_near_duplicates_are_named_with_the_earlier_one_and_equal_ones_are_not():
    examples = rows(ENGLISH, ENGLISH.replace("stove", "table"), ENGLISH, GERMAN)
    (finding,) = near_duplicates(examples, Near([row.completion for row in examples]))
    assert (finding.severity, finding.count, finding.examples) == ("warning", 1, (("/d/a.jsonl:2", "as in a.jsonl:1"),))


def test_another_language():
    def found(*texts: str):
        return languages(examples := rows(*texts), list(map(language, examples)))

    (finding,) = found(*[ENGLISH] * 4, GERMAN)
    assert finding.examples == (("/d/a.jsonl:5", "German"),) and "English, in which 4 are (German 1)" in finding.message
    assert found(*[ENGLISH] * 4, "Schadenfreude, as the neighbours say: das ist gut so.") == []
    assert found(*[ENGLISH] * 4, "Das ist nicht der Kessel, und die Katze ist mit ihm.") == []  # too short to tell


SMOLLM = {"hidden_size": 576, "num_hidden_layers": 30, "intermediate_size": 1536, "vocab_size": 49152, "hidden_act": "silu"}


def test_too_few_rows_for_the_base():
    assert 110e6 < parameters(SMOLLM) < 160e6
    (finding,) = few_rows(199, "smollm2", SMOLLM)
    assert finding.count == 199 and "smollm2 (1" in finding.message and few_rows(200, "smollm2", SMOLLM) == []
    large = {"text_config": {"hidden_size": 2048, "num_hidden_layers": 24, "vocab_size": 50304}}
    assert 1.2e9 < parameters(large) < 1.5e9 and few_rows(100, "pythia", large) == [] != few_rows(99, "pythia", large)
    assert few_rows(1, "fake", {"model_type": "fake"}) == [], "nobody knows how large it is"


def test_categories_out_of_proportion():
    many = rows(*[f"{n}" for n in range(100)])
    (finding,) = categories([*many, *rows("x", "y", category="b")], {"b": "Letters"})
    assert "Letters has 2 rows, a 100" in finding.message and finding.in_words().endswith("Letters: 2")
    assert categories([*many, *rows(*"abcdefghijk", category="b")], {}) == [] == categories(many, {})
    assert categories([*rows(*"abc"), *rows(*"de", category="b")], {}) == [], "a handful of rows is no proportion"


def test_answers_far_longer_than_most():
    short = rows(*["Ten words are what most of these answers have here."] * 20)
    (finding,) = lengths([*short, *rows("word " * 150)])
    assert finding.count == 1 and "43% of all words" in finding.message and finding.examples[0][1] == "150 words"
    assert lengths([*short, *rows("word " * 99)]) == []
