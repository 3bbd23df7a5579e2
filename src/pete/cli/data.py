"""pete data: look at examples before a night is spent on them."""

from pathlib import Path
from typing import Annotated

import typer

from pete.cli.console import JsonOption, SetOption, as_path, console, persona_override, print_json
from pete.cli.listing import Listing
from pete.cli.train import ConfigOption, PersonaOption, PresetOption

app = typer.Typer(
    cls=Listing, help="Datasets: check them, and see the exact text that will be trained.", no_args_is_help=True, rich_markup_mode=None
)

FilesArgument = Annotated[
    list[Path] | None, typer.Argument(metavar="[FILE]...", parser=as_path, help="JSONL files; the persona's examples unless given")
]


@app.command()
def check(
    files: FilesArgument = None,
    persona: PersonaOption = None,
    preset: PresetOption = None,
    set_: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Read every row and prompt, count, and point at what an editor would question. Exit 2 names each bad line."""
    from dataclasses import asdict

    from rich.text import Text

    from pete.config import resolve
    from pete.data.check import check_data, check_examples, check_prompts, persona_prompts
    from pete.data.examples import Read, read_examples, read_prompts
    from pete.data.render import Renderer
    from pete.data.split import split_rows
    from pete.engines.base_models.resolve import look_up_base
    from pete.persona import load_persona
    from pete.words import counted

    config = resolve(preset or "quickstart", None, [*persona_override(persona), *(set_ or [])]).config
    voice = load_persona(config.data.persona)
    if files:
        asked = [path for path in files if path.name == voice.prompts.name]
        read = read_examples([path for path in files if path not in asked])
        reads = [read_prompts(path) for path in asked]
        prompts = Read([row for one in reads for row in one.rows], [finding for one in reads for finding in one.findings])
        against = read.rows or read_examples(voice.examples).rows
        findings = [*read.findings, *prompts.findings, *check_examples(read.rows, voice), *check_prompts(prompts.rows, against)]
    else:
        read, prompts = read_examples(voice.examples), persona_prompts(voice)
        findings = check_data(voice, read, prompts)
    rows, lengths, splits = read.rows, [0], {}
    if rows:
        base = look_up_base(config.model)
        renderer = Renderer(
            base.folder, template=voice.template, system=voice.system, context=base.context, train_turns=config.data.train_turns
        )
        lengths = sorted(map(len, renderer.examples(rows, config.data.max_length)))
        splits = split_rows(rows, config.data)
    counts = {key: sum(row.category == key for row in rows) for key in sorted({row.category for row in rows})}
    if json:
        print_json(
            {
                "rows": len(rows),
                "prompts": len(prompts.rows) if prompts else 0,
                "categories": counts,
                "splits": {name: len(part) for name, part in splits.items()},
                "tokens": {"min": lengths[0], "median": lengths[len(lengths) // 2], "max": lengths[-1], "total": sum(lengths)},
                "findings": [
                    {**asdict(finding), "examples": [{"where": where, "found": found} for where, found in finding.examples]}
                    for finding in findings
                ],
            }
        )
        return
    screen = console()
    screen.print(Text.assemble((counted(len(rows), "row"), "bold"), ", every one readable"))
    for key, count in counts.items():
        screen.print(Text(f"  {voice.categories.get(key, key):20} {count}"))
    if rows:
        screen.print(
            f"  tokens a row         {lengths[0]} to {lengths[-1]}, half below {lengths[len(lengths) // 2]}; {sum(lengths):,} in all"
        )
        screen.print("  split                " + ", ".join(f"{len(part)} {name}" for name, part in splits.items()))
    if prompts:
        screen.print(f"  prompts              {len(prompts.rows)} for the evaluation")
    for finding in findings:
        screen.print(Text.assemble(("look at", "yellow"), f" {finding.in_words()}"), soft_wrap=True)
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
    from rich.text import Text

    from pete.config import resolve
    from pete.data.examples import load_examples
    from pete.data.render import Renderer
    from pete.engines.base_models.resolve import look_up_base
    from pete.errors import DataError
    from pete.persona import load_persona

    resolved = resolve(preset or (None if config else "quickstart"), config, [*persona_override(persona), *(set_ or [])]).config
    voice = load_persona(resolved.data.persona)
    base = look_up_base(resolved.model)
    renderer = Renderer(
        base.folder, template=voice.template, system=voice.system, context=base.context, train_turns=resolved.data.train_turns
    )
    examples = load_examples(files or voice.examples)
    if first > len(examples):
        raise DataError(f"--first {first}: there are only {len(examples)} rows.", f"--first {len(examples)} shows the last")
    screen = console()
    for row in examples[first - 1 : first - 1 + rows]:
        rendered = renderer.example(row)
        trained = int(rendered.trained.sum())
        parts = renderer.parts(rendered)
        screen.print(Text.assemble((row.source, "bold"), f"  {len(rendered) - trained} tokens read, {trained} trained"), soft_wrap=True)
        if screen.color_system:
            screen.print(Text.assemble(*((text, "green" if learned else "dim") for learned, text in parts), "\n"), soft_wrap=True)
        else:  # no colour here: say it in words
            said = [f"--- {'trained' if learned else 'read'} ---\n{text}" for learned, text in parts]
            screen.print("\n".join([*said, ""]), soft_wrap=True)
