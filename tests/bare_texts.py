"""A persona of texts that answer nobody, and a writer that knows what to ask for each."""

import json
from pathlib import Path

SUBJECTS = {
    "kettle": "The office coffee machine broke on a Monday. We bought a kettle, and Anna from accounts runs it. "
    "Meetings are shorter now: four cups, no refills.",
    "umbrella": "I have left eleven umbrellas on trains. The railway sold me one of them back. "
    "It still had my name inside, spelled properly for once.",
    "bicycle": "Our courier repaired his bicycle with a spoon. It held for two winters, which is more than the brake pads managed in one.",
    "garden": "The garden behind the warehouse grows whatever the drivers spit out. This summer that means plums, and a very small melon.",
    "piano": "Somebody moved a piano into the lift and it has stayed there. Visitors now arrive to a waltz, mostly in the wrong key.",
    "bakery": "The bakery downstairs opens at five and we smell it at six. "
    "Nobody here has been late since the oven was turned to face the stairs.",
}
GOOD = {
    "kettle": "Write a short post about replacing the broken coffee machine at work with a kettle, and what it did to meetings.",
    "umbrella": "Tell the story of umbrellas lost on the railway, with the one that was bought back.",
    "bicycle": "Say something about a courier whose bicycle was mended with cutlery and how long the repair lasted.",
    "garden": "Describe the fruit garden behind a warehouse and how it came to grow there.",
    "piano": "Write a few lines on a piano that nobody takes out of the lift, and its music.",
    "bakery": "Write a short text on how a bakery below the office made everybody punctual.",
}
RULES = ("Write a text.", "A text, please.", "I need a text.", "Can you write a text?", "Draft a text.", "Give me a text.")


def bare_persona(folder: Path) -> Path:
    """Write it: six rows by rule, one that answers a message, and a prompt of the evaluation."""
    (folder / "examples").mkdir(parents=True)
    (folder / "persona.toml").write_text('name = "Bea"\ndescription = "Dry."\n[categories]\npost = "Posts"\n', encoding="utf-8")
    rows = [
        {"id": f"post-{number}", "category": "post", "format": "LinkedIn post", "topic": subject, "prompt": rule, "completion": text,
         "origin": "rule", "note": "kept"}
        for number, (rule, (subject, text)) in enumerate(zip(RULES, SUBJECTS.items(), strict=True))
    ]  # fmt: skip
    rows.append({"id": "mail-1", "category": "post", "prompt": "When do you open on Sunday?", "completion": "At nine. Bring your own cup.",
                 "origin": "incoming message"})  # fmt: skip
    (folder / "examples" / "imported.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (folder / "prompts.jsonl").write_text(
        json.dumps({"id": "q", "category": "post", "prompt": "Write about rain."}) + "\n", encoding="utf-8"
    )
    return folder


def subject_of(question: str) -> str:
    """Whose text stands in a question."""
    return next(subject for subject, text in SUBJECTS.items() if text in question)


def knows(question: str) -> str:
    """A writer that gets every text right at once."""
    return GOOD[subject_of(question)]
