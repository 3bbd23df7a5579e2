"""Answers, rows and prompts in one line each."""

from pete.evaluate.log import Asked, EvaluationLog, HeldOut, Sample

PROSE = (
    "We spent the morning on the colour of a button. By noon it was green, by two it was a different green, and the customers, "
    "who had come for a kettle, bought the kettle. Next time we start with the kettle and see who is left to discuss the rest."
)


def sample(text: str, **values: object) -> Sample:
    facts = {"model": "tuned", "prompt_id": "p", "category": "c", "prompt": "?", "raw": text, "tokens": 5, "stop": "end", "seed": 0,
             "seconds": 1.0, "batch": 1, "leaks_raw": 0, "leaks_clean": 0}  # fmt: skip
    return Sample.model_validate(facts | values | {"text": text})


def held_out(number: int, base: float, tuned: float, **values: object) -> HeldOut:
    facts = {"source": f"test.jsonl:{number}", "category": "c", "topic": f"t{number}", "text_bytes": 100, "base_nats": base,
             "tuned_nats": tuned, "tokens": 20}  # fmt: skip
    return HeldOut.model_validate(facts | values)


def asked(key: str, prompt: str = "?", **values: object) -> Asked:
    return Asked.model_validate({"id": key, "category": "c", "prompt": prompt} | values)


def log_of(**values: object) -> EvaluationLog:
    facts = {"created": "2026-11-25T10:00:00+0000", "run": "r", "base": "tiny", "base_fingerprint": "b" * 64, "persona": "Ada",
             "engine": "fake", "device": "cpu", "dtype": "float32", "machine": "Test", "cores": 2, "generate": {"max_new_tokens": 200},
             "categories": {}, "held_out": [], "samples": [], "speed": [], "peak_memory": 0, "seconds": 0.0}  # fmt: skip
    return EvaluationLog.model_validate(facts | values)
