"""pete data stats: a persona's rows in numbers."""

from pete.cli.console import JsonOption, SetOption, console, print_json
from pete.cli.train import PersonaOption, PresetOption, read_options


def stats(persona: PersonaOption = None, preset: PresetOption = None, set_: SetOption = None, json: JsonOption = False) -> None:
    """Count the rows by task, category, split, origin and kind of draft, and the edits by where they are from. Nothing is checked."""
    from rich.text import Text

    from pete.app import stats as verb
    from pete.words import counted

    found = verb.stats(read_options(preset, None, set_, persona).config)
    if json:
        print_json(found.record())
        return
    screen = console()
    title = f"{counted(found.rows, 'row')}, of {counted(found.texts, 'text')} with {counted(found.words, 'word')}"
    screen.print(Text.assemble((title, "bold")), soft_wrap=True)
    for name, counts in (
        ("task", found.tasks), ("category", found.categories), ("split", found.splits), ("draft", found.draft_kinds),
        ("edits", found.edits), ("origin", found.origins),
    ):  # fmt: skip
        width = max(map(len, map(str, counts.values())), default=0)
        for number, (value, count) in enumerate(counts.items()):
            screen.print(Text(f"  {'' if number else name:9} {count:>{width},}  {value}"), soft_wrap=True)
