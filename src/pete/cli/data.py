"""pete data: look at examples before a night is spent on them."""

from pathlib import Path
from typing import Annotated

import typer

from pete.cli.console import JsonOption, SetOption, console, persona_override, print_json
from pete.cli.train import ConfigOption, PersonaOption, PresetOption

app = typer.Typer(help="Datasets: check them, and see the exact text that will be trained.", no_args_is_help=True, rich_markup_mode=None)

FilesArgument = Annotated[list[Path] | None, typer.Argument(metavar="[FILE]...", help="JSONL files; the persona's examples unless given")]


@app.command()
def check(
    files: FilesArgument = None,
    persona: PersonaOption = None,
    preset: PresetOption = None,
    set_: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Read every row, count, and point at what an editor would question. Exit 2 names each bad line."""
    from pete.config import resolve
    from pete.data.examples import check_examples, load_examples
    from pete.data.render import Renderer
    from pete.data.split import split_rows
    from pete.engines.base_model import look_up_base
    from pete.persona import load_persona

    config = resolve(preset or "quickstart", None, [*persona_override(persona), *(set_ or [])]).config
    voice = load_persona(config.data.persona)
    rows = load_examples(files or voice.examples)
    base = look_up_base(config.model)
    renderer = Renderer(base.folder, template=voice.template, system=voice.system, context=base.context)
    lengths = sorted(map(len, renderer.examples(rows, config.data.max_length)))
    findings = check_examples(rows, voice.categories, voice.avoid)
    splits = split_rows(rows, config.data)
    counts = {key: sum(row.category == key for row in rows) for key in sorted({row.category for row in rows})}
    if json:
        print_json(
            {
                "rows": len(rows),
                "categories": counts,
                "splits": {name: len(part) for name, part in splits.items()},
                "tokens": {"min": lengths[0], "median": lengths[len(lengths) // 2], "max": lengths[-1], "total": sum(lengths)},
                "findings": [vars(finding) for finding in findings],
            }
        )
        return
    screen = console()
    screen.print(f"[bold]{len(rows)} rows[/], every one readable")
    for key, count in counts.items():
        screen.print(f"  {voice.categories.get(key, key):20} {count}")
    screen.print(f"  tokens a row         {lengths[0]} to {lengths[-1]}, half below {lengths[len(lengths) // 2]}; {sum(lengths):,} in all")
    screen.print("  split                " + ", ".join(f"{len(part)} {name}" for name, part in splits.items()))
    for finding in findings:
        screen.print(f"[yellow]look at[/] {finding.where}: {finding.message}", soft_wrap=True)
    if not findings:
        screen.print("nothing to question")


@app.command()
def show(
    files: FilesArgument = None,
    persona: PersonaOption = None,
    preset: PresetOption = None,
    config: ConfigOption = None,
    set_: SetOption = None,
    rows: Annotated[int, typer.Option(min=1, help="how many rows")] = 2,
    first: Annotated[int, typer.Option(min=1, help="number of the first row")] = 1,
) -> None:
    """Print rows exactly as the model reads them; what it is trained on is green, the rest is dim."""
    from rich.markup import escape

    from pete.config import resolve
    from pete.data.examples import load_examples
    from pete.data.render import Renderer
    from pete.engines.base_model import look_up_base
    from pete.errors import DataError
    from pete.generate.extract import scrub
    from pete.persona import load_persona

    resolved = resolve(preset or (None if config else "quickstart"), config, [*persona_override(persona), *(set_ or [])]).config
    voice = load_persona(resolved.data.persona)
    base = look_up_base(resolved.model)
    renderer = Renderer(base.folder, template=voice.template, system=voice.system, context=base.context)
    examples = load_examples(files or voice.examples)
    if first > len(examples):
        raise DataError(f"--first {first}: there are only {len(examples)} rows.", f"--first {len(examples)} shows the last")
    screen = console()
    for row in examples[first - 1 : first - 1 + rows]:
        rendered = renderer.example(row)
        border = int((~rendered.trained).sum())
        prompt, answer = (
            scrub(renderer.tokenizer.decode(part.tolist(), skip_special_tokens=False))
            for part in (rendered.ids[:border], rendered.ids[border:])
        )
        screen.print(f"[bold]{row.source}[/]  {border} tokens read, {len(rendered) - border} trained", soft_wrap=True)
        if screen.is_terminal:
            screen.print(f"[dim]{escape(prompt)}[/][green]{escape(answer)}[/]\n", soft_wrap=True)
        else:  # no colour in a pipe or a file: say it in words
            screen.print(f"--- read ---\n{prompt}\n--- trained ---\n{answer}\n", markup=False, soft_wrap=True)
