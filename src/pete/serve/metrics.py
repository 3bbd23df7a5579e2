"""Counts and seconds of a server, in Prometheus' text format; nothing of what was said."""

import threading
from collections import Counter
from collections.abc import Callable

HELP = {
    "pete_requests_total": "Requests answered, by address and status.",
    "pete_request_seconds_total": "Seconds from request to end of reply, by address.",
    "pete_answers_total": "Answers that ended, by how: end, stop string, loop, length, gone, time, engine, hung.",
    "pete_first_token_seconds_total": "Seconds from being asked to the first token, all answers.",
    "pete_prompt_tokens_total": "Tokens read.",
    "pete_answer_tokens_total": "Tokens drawn.",
    "pete_steps_total": "Steps of the engine, each one token of every row.",
    "pete_step_seconds_total": "Seconds in them.",
    "pete_guessed_tokens_total": "Tokens that a smaller model guessed (engine.llama.draft).",
    "pete_guessed_tokens_drawn_total": "Those of them that were drawn.",
    "pete_broken_rules_total": "Rules of the persona that answers broke, by rule.",
    "pete_rows": "Answers being drawn now.",
    "pete_waiting": "Answers waiting for a row now.",
}
"""Every name -> what it counts; a _total only grows."""
Labels = tuple[tuple[str, str], ...]


class Metrics:
    """Counters that any thread may add to, and numbers that are read when somebody asks."""

    def __init__(self) -> None:
        self.read: dict[str, Callable[[], int]] = {}
        self._counts: Counter[tuple[str, Labels]] = Counter()
        self._lock = threading.Lock()

    def add(self, name: str, value: float = 1, **labels: str) -> None:
        """Count."""
        assert name in HELP, name
        with self._lock:
            self._counts[name, tuple(sorted(labels.items()))] += value  # type: ignore[assignment]

    def get(self, name: str, **labels: str) -> float:
        """So many so far, of these labels."""
        with self._lock:
            return self._counts[name, tuple(sorted(labels.items()))]

    def text(self) -> str:
        """All of it, for Prometheus."""
        with self._lock:
            counts = dict(self._counts)
        values = [(name, labels, float(value)) for (name, labels), value in counts.items()]
        values += [(name, (), float(read())) for name, read in self.read.items()]
        lines = []
        for name, text in HELP.items():
            lines += [f"# HELP {name} {text}", f"# TYPE {name} {'counter' if name.endswith('_total') else 'gauge'}"]
            for _, labels, value in sorted(entry for entry in values if entry[0] == name):
                shown = ",".join(f'{key}="{label}"' for key, label in labels)
                lines.append(f"{name}{{{shown}}} {value:.12g}" if shown else f"{name} {value:.12g}")
        return "\n".join(lines) + "\n"
