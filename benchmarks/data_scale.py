"""Many rows through the data stages: what import, check, split and render of 200,000 synthetic rows take, in time and in memory.

    PYTHONPATH=src .venv/bin/python benchmarks/data_scale.py [--rows 200000] [--kind csv] [--only import]

Writes a table of a help desk by rule (texts are original: sentences put together from lists, a few rows repeated, empty, internal or
cut off), and runs each stage in a process of its own: `pete data import`, `pete data check`, the split of all rows, and rendering all
of them as the embedded base reads them. Prints one line a stage and their sum; a check
splits and renders too. A machine that others use says nothing about time.
"""

import argparse
import csv
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

THINGS = [
    "kettle",
    "lamp",
    "parcel",
    "invoice",
    "jacket",
    "bicycle",
    "printer",
    "subscription",
    "voucher",
    "mattress",
    "teapot",
    "umbrella",
    "backpack",
    "camera",
    "charger",
    "bookcase",
    "blender",
    "ticket",
    "rug",
    "mirror",
    "heater",
    "notebook",
    "chair",
    "clock",
    "router",
    "toaster",
    "drill",
    "helmet",
    "suitcase",
    "piano",
]
PLACES = [
    "depot",
    "counter",
    "warehouse",
    "kitchen",
    "station",
    "workshop",
    "office",
    "harbour",
    "cellar",
    "garage",
    "library",
    "corner",
    "shop",
]
FAULTS = [
    "arrived with a dent in its left side", "makes a noise like a small train", "was charged twice", "never left the {place}",
    "came in the wrong colour", "stopped on the second day", "is still in the {place}, says the tracking page", "has no manual in the box",
    "fits nothing that was promised", "smells of paint", "lost a screw on the way", "was left with a neighbour we do not have",
]  # fmt: skip
OPENINGS = ["Hello,", "Good morning,", "Hi there,", "Dear all,", "To whom it may concern,", "Well,", "Once more:", "Hello again,"]
WISHES = [
    "What can be done before {day}?", "Please send another.", "I would like my money back.", "Who can look at it?",
    "Is there a number I can call?", "Can somebody at the {place} check?", "How long will that take?", "I only want to know where it is.",
]  # fmt: skip
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
ANSWERS = [
    "The {thing} is ours to put right, and it will be.", "Your {thing} sits in the {place}; a van takes it out on {day}.",
    "I have asked the {place}, and they owe me an answer by {day}.", "A new {thing} left this morning, with number {n} on its label.",
    "The second charge goes back tonight and shows on your account by {day}.", "You need not send the old {thing} back.",
    "If it still misbehaves on {day}, write to me and I will fetch it.", "That should not have happened, and the {place} knows it now.",
    "Keep the box; the courier asks for it.", "The manual for the {thing} is attached, all {n} pages of it.",
    "Somebody at the {place} will ring you between nine and ten on {day}.", "Order {n} is cancelled; nothing more will be asked of you.",
    "I checked the weight: {n} grams, so the missing part never went in.", "The colour on our page was wrong; it has been changed.",
]  # fmt: skip
AGENTS = ["Mina Holt", "Ruben Ash"]
COLUMNS = ["Ticket", "Customer message", "Our answer", "Agent", "Sent", "Public", "Queue"]
MAP = "incoming=Customer message,reply=Our answer,author=Agent,date=Sent,public=Public,thread=Ticket,category=Queue"


def rows(count: int, seed: int = 0) -> Iterator[dict[str, str]]:
    """Rows of a help desk, the same for a seed."""
    pick = random.Random(seed)
    last: dict[str, str] = {}
    for number in range(count):
        said = {"thing": pick.choice(THINGS), "place": pick.choice(PLACES), "day": pick.choice(DAYS)}

        def fill(texts: list[str], several: int, said: dict[str, str] = said) -> str:  # the dict of this round
            return " ".join(text.format(**said, n=pick.randrange(10, 99_999)) for text in pick.sample(texts, several))

        asked = f"{pick.choice(OPENINGS)}\n\nThe {said['thing']} {fill(FAULTS, 1)}. {fill(WISHES, pick.randint(1, 3))}"
        answer = f"{fill(ANSWERS, pick.randint(1, 3))}\n\n{fill(ANSWERS, pick.randint(1, 3))}"
        row = dict(zip(COLUMNS, [
            str(number // 2), asked, answer, pick.choice(AGENTS), f"2026-{number % 12 + 1:02}-{number % 28 + 1:02} 10:00",
            "false" if number % 50 == 7 else "true", pick.choice(["orders", "repairs", "money"]),
        ], strict=True))  # fmt: skip
        if number % 100 == 3:
            row["Our answer"] = ""
        if number % 100 == 5:
            row["Our answer"] = last["Our answer"]
        if number % 100 == 9:  # near to another
            row["Our answer"] = last["Our answer"].replace("The", "This", 1)
        last = row
        yield row


def write(path: Path, count: int) -> None:
    """The rows as a file of the kind that its ending says."""
    if path.suffix == ".parquet":
        import polars

        polars.DataFrame(list(rows(count))).write_parquet(path)
        return
    with path.open("w", encoding="utf-8", newline="") as stream:
        if path.suffix == ".csv":
            writer = csv.DictWriter(stream, COLUMNS)
            writer.writeheader()
            writer.writerows(rows(count))
        else:
            stream.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows(count))


PERSONA = """name = "Mina Holt"
description = "Answers a help desk, plainly and kindly."
system = "You are Mina Holt, who answers customers plainly."
[categories]
orders = "Orders"
repairs = "Repairs"
money = "Money"
"""
STAGES = {
    "import": ["-m", "pete", "data", "import", "{table}", "--persona", "{persona}", "--map", MAP, "--author", "*"],
    "check": ["-m", "pete", "data", "check", "--persona", "{persona}"],
    "split": [__file__, "--stage", "split", "--persona", "{persona}"],
    "render": [__file__, "--stage", "render", "--persona", "{persona}"],
}


def stage(name: str, persona: Path) -> None:
    """One of the stages that have no verb of their own: as `pete train` goes through them."""
    from pete.config import Config
    from pete.data.bulk import many_rows
    from pete.data.examples import load_examples
    from pete.data.render import Renderer
    from pete.data.split import split_rows
    from pete.engines.base_models.resolve import look_up_base
    from pete.persona import load_persona

    with many_rows():
        config = Config.model_validate({"data": {"persona": str(persona)}})
        chosen = load_persona(str(persona))
        examples = load_examples(chosen.examples)
        if name == "split":
            print({part: len(found) for part, found in split_rows(examples, config.data).items()})
            return
        base = look_up_base(config.model)
        renderer = Renderer(base.folder, template=chosen.template, system=chosen.system, context=base.context)
        print(f"{sum(map(len, renderer.examples(examples, config.data.max_length))):,} tokens")


def run(command: list[str]) -> tuple[float, float, float, int, str]:
    """Seconds, those of a processor, GB at the highest in all processes together, exit code and output of a program."""
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    highest = [0.0]
    threading.Thread(target=watch, args=(psutil.Process(process.pid), highest), daemon=True).start()
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    return time.perf_counter() - began, usage.ru_utime + usage.ru_stime, highest[0], os.waitstatus_to_exitcode(status), said


def watch(process: psutil.Process, highest: list[float]) -> None:
    """Look ten times a second how much memory a program and those it started have; what they share counts for each."""
    with suppress(psutil.Error):
        while True:
            held = 0
            for one in [process, *process.children(recursive=True)]:
                with suppress(psutil.NoSuchProcess):
                    held += one.memory_info().rss
            highest[0] = max(highest[0], held / 2**30)
            time.sleep(0.1)


def main() -> None:
    """All stages, or one of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--kind", choices=["csv", "jsonl", "parquet"], default="csv")
    parser.add_argument("--folder", type=Path, help="keep table and persona here; what is there already is used again")
    parser.add_argument("--only", choices=list(STAGES), action="append", help="these stages alone")
    parser.add_argument("--verbose", action="store_true", help="show what the stages say")
    parser.add_argument("--stage", choices=["split", "render"], help=argparse.SUPPRESS)
    parser.add_argument("--persona", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.stage:
        stage(options.stage, options.persona)
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        table, persona = folder / f"desk-{options.rows}.{options.kind}", folder / f"mina-{options.rows}"
        folder.mkdir(parents=True, exist_ok=True)
        if not table.exists():
            write(table, options.rows)
        (persona / "examples").mkdir(parents=True, exist_ok=True)
        (persona / "persona.toml").write_text(PERSONA)
        print(f"{options.rows:,} rows, {table.stat().st_size / 1e6:.0f} MB of {options.kind}, {os.cpu_count()} cores")
        whole, busy, highest = 0.0, 0.0, 0.0
        for name in options.only or STAGES:
            command = [part.format(table=table, persona=persona) for part in STAGES[name]]
            seconds, computed, memory, code, said = run(command)
            whole, busy, highest = whole + seconds, busy + computed, max(highest, memory)
            print(
                f"{name:7} {seconds:7.1f} s  {computed:7.1f} s of a processor  {memory:5.2f} GB" + (f"  exit {code}" if code else ""),
                flush=True,
            )
            if options.verbose or code:
                print(said)
        print(f"{'all':7} {whole:7.1f} s  {busy:7.1f} s of a processor  {highest:5.2f} GB")


if __name__ == "__main__":
    main()
