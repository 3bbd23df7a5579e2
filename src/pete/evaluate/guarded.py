"""What is left of drawn rewrites behind the guard of `pete rewrite`, from the log alone; and the draft in their place."""

from collections.abc import Callable, Sequence

from pete.evaluate.log import EvaluationLog, Sample
from pete.generate.choose import Voice
from pete.generate.meaning import Meaning
from pete.generate.rewrite.choose import STRENGTHS, Draw, choose
from pete.generate.rewrite.markup import Shown
from pete.generate.rewrite.passages import Passage, replaced


def drafts_as_answers(log: EvaluationLog) -> list[Sample]:
    """Every draft as if it had been given for itself."""
    first = {s.prompt_id: s for s in reversed(log.samples)}
    return [_given(first[key], sample.prompt, 0) for key, sample in first.items()]


def guarded(log: EvaluationLog, compared: Callable[[str, str], Meaning], voice: Voice | None) -> list[Sample]:
    """What `pete rewrite` would give of the tuned model's answers: sentences that say what the draft says, the draft's between them.

    The answers to a draft are draws of it, as many as are drawn there, and those that were drawn for the guard alone.
    """
    drawn: dict[str, list[Sample]] = {}
    for sample in log.samples:
        if sample.model == "tuned" and sample.number < STRENGTHS["normal"].draws:
            drawn.setdefault(sample.prompt_id, []).append(sample)
    for sample in log.beside.get("drawn", ()):
        drawn[sample.prompt_id].append(sample)
    return [_guarded(samples, compared, voice) for samples in drawn.values()]


def guarded_author(answers: Sequence[Sample], compared: Callable[[str, str], Meaning]) -> list[Sample]:
    """What would be left of the author's own texts, were they rewrites: what the guard costs somebody whose voice is beyond doubt."""
    return [_guarded([answer], compared, None) for answer in answers]


def _guarded(samples: Sequence[Sample], compared: Callable[[str, str], Meaning], voice: Voice | None) -> Sample:
    shown = Shown(samples[0].prompt)
    draws = [Draw(s.text, s.stop) for s in samples]  # type: ignore[arg-type]
    chosen = choose(Passage([0], [shown]), draws, compared, voice, STRENGTHS["normal"])
    return _given(samples[0], replaced(shown, chosen.replacements), samples[0].seed)


def _given(like: Sample, text: str, seed: int) -> Sample:
    return Sample(
        model="tuned", prompt_id=like.prompt_id, category=like.category, prompt=like.prompt, text=text, raw=text, tokens=0, stop="end",
        seconds=0.0, batch=1, seed=seed, leaks_raw=0, leaks_clean=0,
    )  # fmt: skip
