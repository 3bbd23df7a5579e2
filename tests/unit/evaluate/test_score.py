import random

import pytest

from pete.data.examples import Example, load_examples, write_examples
from pete.data.text import words
from pete.evaluate import score as scoring
from pete.evaluate.score import NEUTRAL, OTHERS, read_material, rescore, source_of, voice_before
from pete.run import RunDir
from tests.unit.evaluate.conftest import PROSE, asked, held_out, log_of, sample

SENTENCE = "the kettle was on and nobody had asked it to be but there it was again with the lid off"


def row(number: int) -> Example:
    text = " ".join(random.Random(number).choices(SENTENCE.split(), k=40)).capitalize() + "."
    return Example(id=f"row-{number}", category="c", topic=f"t{number}", prompt=f"Say {number}.", completion=text)


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setattr(scoring, "find_embedder", lambda: None)
    run = RunDir(tmp_path / "run")
    write_examples(run.split_file("train"), [row(n) for n in range(30)])
    write_examples(run.split_file("test"), [row(n) for n in range(30, 42)])
    return run


def log(run, text="Entirely other words, in some other order, about a van."):
    rows = load_examples([run.split_file("test")])
    return log_of(
        prompts=[asked(f"p{n}", f"Ask {n}?") for n in range(6)],
        samples=[sample(text, prompt_id=f"p{n}", model=m, fluency_nats=60.0) for m in ("base", "tuned") for n in range(6)],
        held_out=[held_out(n, 9.0, 8.0, fluency_nats=40.0 + n, text_bytes=100 + 9 * n).model_copy(update={"source": source_of(r)})
                  for n, r in enumerate(rows)],
    )  # fmt: skip


def test_scores_of_answers_and_of_the_author(run):
    copied = row(3).completion
    scored = rescore(log(run, copied), run)
    assert all(s.scores["originality.any"] == 1 and s.marks[0].note == "row-3" for s in scored.samples)
    assert all("cliche.any" in h.scores for h in scored.held_out)
    assert sum("collapse.any" in h.scores for h in scored.held_out) == 6, "as many of the author's prompts as were asked"
    assert scored.measures["originality.limit"] >= 8 and scored.held_out[0].scores["originality.any"] == 0


def test_an_authors_row_to_a_prompt_of_the_suite_has_to_keep_what_it_asks_for(run):
    plain = log(run)
    rows = load_examples([run.split_file("test")])
    twin = asked("twin", f"  {rows[2].prompt.upper()}", facts=["noon"], checks={"max_words": 5})
    scored = rescore(plain.model_copy(update={"prompts": [*plain.prompts, twin]}), run)
    own = {h.source: h.scores for h in scored.held_out}
    assert {source for source, scores in own.items() if "formatting.strict" in scores or "facts.kept" in scores} == {source_of(rows[2])}
    assert own[source_of(rows[2])]["formatting.strict"] == 0 == own[source_of(rows[2])]["facts.kept"]


def test_the_author_begins_like_himself_only_beside_other_prompts(run):
    rows = [r.model_copy(update={"completion": f"Once upon a time {r.completion}"}) for r in load_examples([run.split_file("test")])]
    write_examples(run.split_file("test"), rows)
    assert {h.scores.get("collapse.any") for h in rescore(log(run), run).held_out} == {1.0, None}
    write_examples(run.split_file("test"), [r.model_copy(update={"prompt": "Always the same."}) for r in rows])
    # twelve rows of one prompt are no more than one prompt's answers
    assert [h.scores["collapse.any"] for h in rescore(log(run), run).held_out if "collapse.any" in h.scores] == [0.0]


def test_prompts_that_are_training_rows_are_found_whatever_their_blanks_and_capitals(run):
    plain = log(run)
    trained = [asked("again", "  SAY\n 3. "), asked("nearly", "Say 3")]
    scored = rescore(plain.model_copy(update={"prompts": [*plain.prompts, *trained]}), run)
    assert scored.in_training == ("again",) and rescore(scored, run) == scored
    run.split_file("train").unlink()
    assert rescore(scored, run).in_training == (), "without the rows nobody can tell"


def test_scoring_again_changes_nothing(run):
    once = rescore(log(run), run)
    assert rescore(once, run) == once


def test_the_voice_before_there_are_answers():
    author = [Example(category="c", topic=f"t{n}", prompt="?", completion=f"{PROSE} {n}", source=f"x:{n}") for n in range(25)]
    voice = voice_before(author)
    assert voice is not None
    ordinary = load_examples([NEUTRAL])[0].completion
    assert voice(PROSE) > voice(ordinary) and voice("Next time we start with the kettle.") > voice("We are excited to announce a solution.")
    assert voice_before(author[:3]) is None


def test_missing_training_rows_are_said(run):
    run.split_file("train").unlink()
    scored = rescore(log(run), run)
    assert any("originality" in note and "unknown" in note for note in scored.notes)
    assert not any(key.startswith("originality") for key in scored.samples[0].scores)


def test_no_unseen_rows_and_no_sentence_model_are_said(run):
    run.split_file("test").write_text("")
    scored = rescore(log_of(samples=[sample("Fine.")]), run)
    said = " ".join(scored.notes)
    for word in ("No row of the author's", "Neutral text", "sentence model", "Fluency needs"):
        assert word in said
    assert read_material(run).held_out == {}


def test_rows_that_went_missing_afterwards_are_said(run):
    whole = log(run)
    write_examples(run.split_file("test"), [row(n) for n in range(30, 33)])
    assert any("Rows of data/test.jsonl are missing" in note for note in rescore(whole, run).notes)


def test_our_own_texts():
    neutral, others = load_examples([NEUTRAL]), load_examples([OTHERS])
    by_category = {c: sum(r.category == c for r in neutral) for c in {r.category for r in neutral}}
    assert len(by_category) == 3 and min(by_category.values()) >= 20
    assert len(others) >= 60 and len({r.category for r in others}) >= 6 and min(len(r.completion.split()) for r in others) >= 30
    for rows in (neutral, others):
        assert len({r.id for r in rows}) == len({r.completion for r in rows}) == len(rows)


def test_neutral_text_answers_the_bundled_prompts_and_keeps_to_them():
    from pete.data.examples import load_prompts
    from pete.evaluate.log import Asked
    from pete.evaluate.scorers.facts import Facts
    from pete.evaluate.scorers.formatting import Formatting
    from pete.persona import load_persona

    prompts = load_prompts(load_persona("pete-connor").prompts)
    neutral = {r.id: r for r in load_examples([NEUTRAL])}
    assert {p.id: p.prompt for p in prompts} == {key: r.prompt for key, r in neutral.items()}
    form = Formatting([Asked.model_validate(p.model_dump()) for p in prompts])
    facts = Facts({p.id: p.facts for p in prompts})
    broken = [
        p.id for p in prompts for scorer in (form, facts) if scorer.score(sample(neutral[p.id].completion, prompt_id=p.id)).get("any")
    ]
    assert broken == []


def test_neutral_text_is_not_the_authors():
    from pete.data.text import Corpus
    from pete.persona import load_persona

    own = {r.completion for r in load_examples(load_persona("pete-connor").examples)}  # a draft's is its row's
    corpus = Corpus([words(text) for text in own])
    assert max(len(s) for r in load_examples([NEUTRAL, OTHERS]) for s in corpus.spans(words(r.completion), 3)) < 8
