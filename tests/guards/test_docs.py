"""docs/configuration.md is made from the configuration; this test makes it again and compares."""

import os
import re

from pydantic_core import PydanticUndefined

from pete.config import keys, resolve, values_of
from pete.resources import PRESETS, PROJECT

PAGE = PROJECT / "docs" / "configuration.md"


def render() -> str:
    presets = sorted(path.stem for path in PRESETS.glob("*.toml"))
    values = {name: resolve(name) for name in presets}
    lines = [
        "# Configuration",
        "",
        "Made by `tests/guards/test_docs.py`; remake it with `PETE_WRITE_DOCS=1 ./check tests/guards`. Order, later wins:",
        "defaults, preset, `--config FILE`, `--set section.key=value`. An unknown key is an error with a suggestion.",
        "",
        "| key | default | " + " | ".join(presets) + " | meaning |",
        "|---|---|" + "---|" * len(presets) + "---|",
    ]
    for name, field in keys():
        default = "not set" if field.default in (None, PydanticUndefined) else show(field.default)
        cells = []
        for preset in presets:
            given = values[preset].sources.get(name)
            cells.append(show(values_of(values[preset].config)[name]) if given else "")
        lines.append(f"| `{name}` | {default} | " + " | ".join(cells) + f" | {field.description or ''} |")
    return "\n".join(lines) + "\n"


def show(value: object) -> str:
    return ", ".join(value) if isinstance(value, tuple) else f"{value:g}" if isinstance(value, float) else str(value)


def test_the_configuration_page_is_current():
    if os.environ.get("PETE_WRITE_DOCS"):
        PAGE.write_text(render(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == render()


def test_links_between_documents_lead_somewhere():
    looked = 0
    for page in [*PROJECT.glob("*.md"), *PROJECT.glob("docs/**/*.md"), *PROJECT.glob("personas/*/*.md")]:
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                looked += 1
                assert (page.parent / target).exists(), f"{page}: {target}"
    assert looked >= 3


def test_every_command_in_the_readme_exists():
    from pete.cli import app

    names = {c.name for c in app.registered_commands} | {g.name for g in app.registered_groups}
    used = set(re.findall(r"\./pete ([a-z]+)", (PROJECT / "README.md").read_text(encoding="utf-8")))
    assert len(used) >= 5 and used <= names
