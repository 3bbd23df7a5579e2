"""Voice: a two-class classifier of style, blind to the subject, and the index of how far the answers came from base to author.

Logistic regression on character 2-4-grams and function-word 1-3-grams. Content words are masked before anything is
counted (text distortion, Stamatatos 2017), so a classifier cannot learn that the author writes about kettles. Texts are
scored in windows of 30 to 60 words, because length gives an author away too; shorter answers have no score.

Positives are the author's training rows, negatives the base's answers and texts in other voices: a classifier that knows
only one kind of negative does not carry over to the other. Whatever shares a topic is in the same fifth, and a text is
scored by the classifier that did not see its fifth.
"""

import hashlib
import re
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np

from pete.data.examples import Example
from pete.data.text import windows
from pete.evaluate.advice import LARGER_ADAPTER
from pete.evaluate.log import EvaluationLog, Sample, pairs
from pete.evaluate.scorers.spec import Compared, Context, Gate, Metric, Scorer, Spec, StyleText, Unknown, shown
from pete.evaluate.stats import auc, share_of_way

FOLDS = 5
CELLS = 2**13
_HALF = CELLS // 2
PENALTY = 1e-4
TELLS_APART = 0.6
"""AUC below which the classifier cannot tell the author from anybody, and the voice index says nothing."""
FEWEST = 20
"""Windows of a class below which nothing can be learned about it."""

FUNCTION_WORDS = frozenset(
    """a about above after again all almost already also although always am among an and another any anybody anyone anything are
    around as at away back be because been before being below between both but by can cannot could did do does doing done down
    during each either else enough even ever every everybody everyone everything few first for from had has have having he her
    here hers herself him himself his how however i if in indeed instead into is it its itself just last least less let like
    little many may maybe me might mine more most much must my myself neither never next no nobody none nor not nothing now of off
    often on once one only onto or other others otherwise our ours ourselves out over own per perhaps please quite rather really
    same several shall she should since so some somebody someone something sometimes soon still such than that the their theirs
    them themselves then there therefore these they this those though through thus till to together too toward towards two under
    unless until up upon us very was we well were what whatever when whenever where whether which while who whoever whole whom
    whose why will with within without would yes yet you your yours yourself yourselves ain't aren't can't couldn't didn't doesn't
    don't hadn't hasn't haven't he'd he'll he's i'd i'll i'm i've isn't it'd it'll it's let's mustn't shan't she'd she'll she's
    shouldn't that's there's they'd they'll they're they've wasn't we'd we'll we're we've weren't what's who's won't wouldn't
    you'd you'll you're you've""".split()  # noqa: SIM905
)
_TOKEN = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*|\d+|[^\w\s]|\s+")
_MARKUP = re.compile(r"^[ \t]*(?:[-*\u2022\u2013]+|\d+[.)]|#+|>)[ \t]+|\*\*|__|`|(?<!\w)#(?=\w)", re.MULTILINE)
_KEPT = frozenset(".,;:!?()\"'-\u2026%&/")
_SAME = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2013": "-", "\u2014": "-", "\u2011": "-"})


class Voice:
    """`logit`: above 0 the author is likelier. Mean over the windows of an answer."""

    def __init__(
        self, author: Sequence[StyleText], base: Sequence[StyleText], others: Sequence[StyleText], asked: Mapping[str, str]
    ) -> None:
        """Train the five classifiers.

        Args:
            author: the author's training rows.
            base: the base's answers.
            others: texts by anybody else.
            asked: the topic of every prompt, by prompt id: of all answers that will be scored.
        """
        self._asked = dict(asked)
        topics = {t.topic for t in (*author, *base, *others)} | set(asked.values())
        self._fold = {topic: number % FOLDS for number, topic in enumerate(sorted(topics, key=_shuffled))}
        groups = [[(w, self._fold[t.topic]) for t in _in_order(texts) for w in windows(t.text)] for texts in (author, base, others)]
        self.able = len(groups[0]) >= FEWEST and len(groups[1]) + len(groups[2]) >= FEWEST
        self.measures = {f"windows_{name}": float(len(group)) for name, group in zip(("author", "base", "others"), groups, strict=True)}
        self._weights: list[tuple[np.ndarray, float]] = []
        if self.able:
            self._train(groups)

    def score(self, sample: Sample) -> dict[str, float]:
        """`logit` and `windows`; nothing for an answer under 30 words, or where there was too little to learn from."""
        pieces = windows(sample.text)
        if not self.able or not pieces:
            return {}
        return {"logit": self.logit(pieces, sample.prompt_id), "windows": float(len(pieces))}

    def logit(self, pieces: Sequence[str], prompt_id: str) -> float:
        """Mean over pieces of an answer, by the classifier that saw no text of its topic."""
        weights, offset = self._weights[self._fold.get(self._asked.get(prompt_id, ""), 0)]
        return float((features(pieces) @ weights).mean() + offset)

    def of(self, text: str) -> float:
        """How much a text nobody asked for sounds like the author: the mean of the five classifiers. One under 30 words is read whole."""
        if not self.able:
            return 0.0
        read = features(windows(text) or [text])
        return float(np.mean([(read @ weights).mean() + offset for weights, offset in self._weights]))

    def _train(self, groups: Sequence[Sequence[tuple[str, int]]]) -> None:
        x = features([w for group in groups for w, _ in group])
        folds = np.array([fold for group in groups for _, fold in group])
        kinds = np.repeat(np.arange(3), [len(group) for group in groups])
        out = np.zeros(len(x))
        kernel = x @ x.T
        for fold in range(FOLDS):
            seen = np.flatnonzero(folds != fold)
            weights, offset = _fit(x[seen], kernel[np.ix_(seen, seen)].astype(float), kinds[seen])
            self._weights.append((weights, offset))
            unseen = folds == fold
            out[unseen] = x[unseen] @ weights + offset
        author, base, others = (out[kinds == kind].tolist() for kind in range(3))
        found = {"auc": auc(author, base + others), "auc_base": auc(author, base), "auc_others": auc(author, others)}
        self.measures |= {key: value for key, value in found.items() if not np.isnan(value)}


def masked(text: str) -> tuple[str, list[str]]:
    """A text without its subject: the distorted characters, and the tokens for word n-grams.

    Content words become asterisks, one a letter up to seven; digits become 0; markup is removed, because bold print is
    a format, not a voice.
    """
    shown: list[str] = []
    tokens: list[str] = []
    for match in _TOKEN.finditer(_MARKUP.sub("", text.translate(_SAME))):
        token = match.group()
        if token.isspace():
            shown.append(" ")
        elif token[0].isdigit():
            shown.append("0")
            tokens.append("0")
        elif token[0].isalpha():
            small = token.lower()
            kept = small in FUNCTION_WORDS
            shown.append(small if kept else "*" * min(len(token), 7))
            tokens.append(small if kept else "*")
        elif token in _KEPT:
            shown.append(token)
            tokens.append(token)
    return "".join(shown), tokens


def features(texts: Sequence[str]) -> np.ndarray:
    """float32 [len(texts), CELLS]: hashed n-grams, square roots of counts, each of the two kinds of unit length."""
    out = np.zeros((len(texts), CELLS), np.float32)
    for row, text in enumerate(texts):
        np.add.at(out[row], *_cells(text))
    np.sqrt(out, out=out)
    for part in (out[:, :_HALF], out[:, _HALF:]):
        part /= np.maximum(np.linalg.norm(part, axis=1, keepdims=True), 1e-9)
    return out


@lru_cache(maxsize=4096)  # what was learned from is scored as well
def _cells(text: str) -> tuple[np.ndarray, np.ndarray]:
    """Cells and counts of a text's n-grams: characters in the first half, function words in the second."""
    shown, tokens = masked(text)
    grams = Counter(shown[i : i + n] for n in (2, 3, 4) for i in range(len(shown) - n + 1))
    phrases = Counter(" ".join(tokens[i : i + n]) for n in (1, 2, 3) for i in range(len(tokens) - n + 1))
    cells = [zlib.crc32(gram.encode()) % _HALF for gram in grams] + [_HALF + zlib.crc32(gram.encode()) % _HALF for gram in phrases]
    return np.array(cells, np.int32), np.array([*grams.values(), *phrases.values()], np.float32)


def _fit(x: np.ndarray, kernel: np.ndarray, kinds: np.ndarray) -> tuple[np.ndarray, float]:
    """Logistic regression with an L2 penalty by Newton's method over the rows (there are fewer of them than cells).

    The author weighs as much as all negatives, base and others as much as each other.
    """
    y = (kinds == 0).astype(float)
    present = [kind for kind in (1, 2) if (kinds == kind).any()]
    weight = np.zeros(len(y))
    weight[kinds == 0] = 0.5 / max(1, int((kinds == 0).sum()))
    for kind in present:
        weight[kinds == kind] = 0.5 / len(present) / int((kinds == kind).sum())
    alpha, offset = np.zeros(len(y)), 0.0
    n = len(y)
    for _ in range(25):
        p = 1 / (1 + np.exp(-np.clip(kernel @ alpha + offset, -30, 30)))
        curve = np.maximum(weight * p * (1 - p), 1e-12)
        # stationarity in function space: PENALTY * alpha = weight * (y - p), and the weighted residuals sum to nothing
        system = np.zeros((n + 1, n + 1))
        system[:n, :n] = kernel + np.diag(PENALTY / curve)
        system[:n, n] = 1
        system[n, :n] = 1
        target = np.append(kernel @ alpha + offset + weight * (y - p) / curve, 0.0)
        solved = np.linalg.solve(system, target)
        moved = float(np.abs(solved[:n] - alpha).max())
        alpha, offset = solved[:n], float(solved[n])
        if moved < 1e-7 * max(1.0, float(np.abs(alpha).max())):
            break
    return (x.T @ alpha.astype(np.float32)), offset


def _shuffled(topic: str) -> bytes:
    return hashlib.sha256(topic.encode()).digest()


def _in_order(texts: Sequence[StyleText]) -> list[StyleText]:
    return sorted(texts, key=lambda t: (t.topic, t.text))


def author_texts(rows: Sequence[Example]) -> list[StyleText]:
    """The author's rows as the classifier learns them."""
    return [StyleText(row.completion, row.topic.lower() or row.source) for row in rows]


def ordinary_texts(rows: Sequence[Example]) -> list[StyleText]:
    """Neutral rows as the classifier learns them: nobody's."""
    return [StyleText(row.completion, row.topic.lower() or row.prompt) for row in rows]


def voice_index(log: EvaluationLog) -> Compared | None:
    """Mean classifier logit, 0 where the base is and 1 where the author's own unseen text is."""
    both = [(b, t) for b, t in pairs(log) if "voice.logit" in b.scores and "voice.logit" in t.scores]
    own = [row for row in log.held_out if "voice.logit" in row.scores]
    if not both or not own:
        return None
    index = share_of_way(
        [b.scores["voice.logit"] for b, _ in both],
        [t.scores["voice.logit"] for _, t in both],
        [t.prompt_id for _, t in both],
        [row.scores["voice.logit"] for row in own],
        [row.topic for row in own],
    )
    return Compared(0.0, index.mean, index, 1.0)


def _make(context: Context) -> Scorer:
    if context.training is None:
        raise Unknown("The training rows (data/train.jsonl) are missing: originality and the voice of the answers are unknown.")
    base = [StyleText(s.text, context.topics[s.prompt_id]) for s in context.log.samples if s.model == "base"]
    voice = Voice(author_texts(context.training), base, [*context.others, *ordinary_texts(context.neutral)], context.topics)
    if not voice.able:
        raise Unknown("Too few texts of 30 words and more to learn the voice from: the voice of the answers is unknown.")
    return voice


def _tells_nobody_apart(log: EvaluationLog) -> str:
    reached = log.measures.get("voice.auc", 0.0)
    return f"the classifier cannot tell the author from others (AUC {reached:.2f})" if reached < TELLS_APART else ""


SPEC = Spec(
    "voice", 10, _make,
    metrics=(Metric("voice", "voice index", "0 is the base, 1 the author", "more", primary=True, compare=voice_index),),
    gates=(
        Gate(
            "voice", "voice index", "voice", "above", 0.0,
            "Its answers sound like the author", "Its answers do not sound like the author", LARGER_ADAPTER,
            badness=lambda s: 1000 - s.scores["voice.logit"] if "voice.logit" in s.scores else 0.0, why=shown("voice.logit"),
            worth=0.05, doubt=_tells_nobody_apart,
        ),
    ),
)  # fmt: skip
