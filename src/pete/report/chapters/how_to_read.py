"""The chapter "How to Read This": what the report's words mean, for somebody who meets them for the first time."""

from pete.report.blocks import Fact, FactTable, Section
from pete.report.model import ReportData

ALWAYS = (
    Fact(
        "Base and tuned",
        "Base is the model as it came. Tuned is the same model with the adapter that this run trained. Prompts, settings and random "
        "seeds are the same for both.",
    ),
    Fact(
        "Loss",
        "How badly the model predicts the next piece of text; lower is better. It learns from the training rows. The validation rows "
        "are kept aside and only decide which step was best.",
    ),
)
EVALUATED = (
    Fact(
        "Bits per byte",
        "How badly the model predicts text by the author that it has never seen, per byte (about one letter). Fewer bits mean that the "
        "writing surprises it less: it has learned the voice.",
    ),
    Fact(
        "95% interval",
        "The range in which the true difference most likely lies. If it includes 0, there may be no difference: the report then says no "
        "significant difference. Underpowered means fewer than 20 prompts or topics: only a large difference would show.",
    ),
    Fact(
        "The verdict",
        "A quality gate is a condition that the tuned model has to meet. Ship: it meets every one. Don\u2019t ship: it clearly fails at "
        "least one. Not enough evidence: it fails none, but more prompts or more unseen text are needed to be sure of all.",
    ),
    Fact(
        "Voice index",
        "A classifier has learned to tell the author's style from that of others, whatever the subject. 0 (0%) is the style of the "
        "base model's answers, 1 (100%) the style of the author's own unseen texts.",
    ),
    Fact(
        "Own prompt found",
        "Does the answer belong to its prompt? Every prompt of the evaluation is ranked by how well the answer fits it. 1.00: its own "
        "prompt always comes first. An answer that echoes its prompt, loops or is no English counts as 0.",
    ),
    Fact(
        "Loops, copies, leaks",
        "An answer loops when it repeats itself: a fifth of its four-word sequences occurred before, or it compresses far too well. It "
        "copies when it shares a longer run of words with a training row than the author's own unseen texts do. It leaks when it shows "
        "the model's internal control marks.",
    ),
)
LIMITS = Fact(
    "What this cannot say",
    "Whether the writing is good. Read the answers and judge for yourself, or let people choose: pete blind.",
)


def how_to_read(data: ReportData) -> Section:
    """The chapter; words about an evaluation only where there is one."""
    words = (*ALWAYS, *(EVALUATED if data.evaluation is not None else ()), LIMITS)
    return Section("How to Read This", (FactTable(words, prose=True),))
