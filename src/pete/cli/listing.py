"""How --help lists verbs: in groups, each with the whole first sentence of its help, wrapped and never cut."""

from collections.abc import Mapping
from typing import Any

from typer.core import TyperGroup


class Listing(TyperGroup):
    """A group of verbs; `sections` puts them under titles, and a verb that no section names stands in a last one."""

    sections: Mapping[str, tuple[str, ...]] = {}

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the verbs. The arguments are click's, of which typer has a private copy of its own."""
        named = {name for verbs in self.sections.values() for name in verbs}
        others = tuple(name for name in self.list_commands(ctx) if name not in named)
        for title, verbs in {**self.sections, "Other" if self.sections else "Commands": others}.items():
            commands = [(name, command) for name in verbs if (command := self.get_command(ctx, name)) is not None]
            if commands:
                with formatter.section(title):
                    formatter.write_dl([(name, command.get_short_help_str(limit=200)) for name, command in commands])
