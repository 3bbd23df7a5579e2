from pete.data.check import check_rows
from pete.data.checks.prompts import asked_again, one_prompt, trained_prompts
from pete.data.examples import Draft, Example, Question

PREAMBLE = "You are a helpful assistant that writes in the dry and exact voice of our shop. Topic: "


def rows(prompts: list[str]) -> list[Example]:
    return [
        Example.model_validate({"prompt": p, "completion": f"Answer {n}.", "source": f"/d/f.jsonl:{n}"}) for n, p in enumerate(prompts, 1)
    ]


def test_one_prompt_on_more_than_a_fifth_of_the_rows():
    others = [f"Ask about thing {n}." for n in range(24)]
    (finding,) = one_prompt(rows(["Write a post.", "write  a post."] * 4 + others))
    assert (finding.kind, finding.severity, finding.count) == ("one prompt", "error", 8) and "8 rows of 32" in finding.message
    assert one_prompt(rows(["Write a post."] * 6 + others)) == [], "a fifth is no more than a fifth"
    assert one_prompt(rows(["Write a post."] * 19)) == [], "too few rows to say"


def test_what_was_said_before_tells_prompts_apart():
    talks = [
        Example.model_validate(
            {"messages": [{"role": "user", "content": f"Kettle {n}?"}, {"role": "assistant", "content": "Yes."},
                          {"role": "user", "content": "Thanks"}, {"role": "assistant", "content": f"Any time {n}."}]}
        )
        for n in range(30)
    ]  # fmt: skip
    assert one_prompt(talks) == []


def test_a_long_beginning_with_little_behind_it():
    others = [f"Ask about thing {n}." for n in range(24)]
    (finding,) = one_prompt(rows([f"{PREAMBLE}tea number {n}" for n in range(8)] + others))
    assert (finding.kind, finding.severity, finding.count) == ("one beginning", "error", 8) and "system" in finding.message
    draft = "The kettle is on its way and it will be with you on Thursday, which the courier says is nearly certain by now."
    assert one_prompt(rows([f"{PREAMBLE}{n} {draft}" for n in range(8)] + others)) == [], "a draft to rewrite is more than its order"
    assert one_prompt(rows([f"Write a LinkedIn post about thing {n}; about 120 words." for n in range(40)])) == []


ASK = "Write to the tenants of number {n}: the lift is out until {day}, the stairs are lit, and the caretaker carries shopping on request."


def test_a_prompt_of_the_evaluation_in_the_examples_nearly():
    examples = rows([ASK.format(n=12, day="Monday"), "Say it short."])
    prompts = [
        Question(prompt=ASK.format(n=14, day="Friday"), source="/d/p.jsonl:1"),
        Question(prompt="Say it shortly.", source="/d/p.jsonl:2"),
    ]
    (finding,) = trained_prompts(prompts, examples)
    assert (finding.kind, finding.severity, finding.examples) == ("nearly trained prompt", "error", (("/d/p.jsonl:1", "as in f.jsonl:1"),))
    assert (
        trained_prompts([Question(prompt="Write to the tenants of another house about the lift, which has come back to life.")], examples)
        == []
    )
    held = [examples[0].model_copy(update={"split": "test"})]
    assert trained_prompts(prompts, held) == []


def test_rows_that_ask_what_the_evaluation_asks():
    long = "Write a LinkedIn post about the dashboards that nobody in the office has looked at since the spring."
    rows = [Example(prompt=prompt, completion="x") for prompt in ("Thanks!", f"Please: {long}", "thanks!", "Where is it?")]
    assert asked_again(["THANKS!", long], rows) == [0, 1, 2] and asked_again([], rows) == []


def test_a_held_out_answer_that_stands_in_training():
    answers = [
        ASK.format(n=12, day="Monday"),
        ASK.format(n=14, day="Friday"),
        "Something else altogether, in a row of its own, which is " * 3,
    ]
    sides = ("test", "train", "train")
    examples = [
        Example(prompt=f"p{n}", completion=text, split=side, source=f"/d/f.jsonl:{n}")
        for n, (text, side) in enumerate(zip(answers, sides, strict=True), 1)
    ]
    splits = {"train": examples[1:], "valid": [], "test": examples[:1]}
    (finding,) = (f for f in check_rows(examples, None, splits) if f.severity == "error")
    assert (finding.kind, finding.examples) == ("held-out row in training", (("/d/f.jsonl:1", "as in f.jsonl:2"),))
    splits = {"train": examples[:2], "valid": [], "test": examples[2:]}
    assert not [f for f in check_rows(examples, None, splits) if f.severity == "error"]


def test_a_draft_is_no_prompt_and_one_of_the_evaluation_that_is_trained_on_is_an_error():
    draft = Example(task="rewrite", prompt="We open at  NINE.", completion="Nine.", augmented_from="a", source="/d/rewrite.jsonl:4")
    asked = [Question(prompt="We open at nine.", source="/d/p.jsonl:1")]
    assert trained_prompts(asked, [draft]) == []
    held_out = [Question(prompt="Something else.", drafts=(Draft("plain", "We open at nine."),), source="/d/p.jsonl:2")]
    (finding,) = trained_prompts(held_out, [draft])
    assert (finding.kind, finding.severity, finding.examples) == ("trained draft", "error", (("/d/p.jsonl:2", "as in rewrite.jsonl:4"),))
