"""ShareGPT: conversations whose turns are `from` and `value`."""

from collections.abc import Mapping

from pete.data.foreign_formats import CONVERSATIONS
from pete.data.sources.files import SourceFile
from pete.data.sources.openai_messages import conversations
from pete.data.sources.record import Reader
from pete.data.sources.tables import peek


def _recognises(file: SourceFile) -> bool:
    found = peek(file)
    turns = [row.get(*CONVERSATIONS) for row in found.rows] if found else []
    return any(isinstance(said, list) and said and isinstance(said[0], Mapping) and {"from", "value"} <= said[0].keys() for said in turns)


READER = Reader("sharegpt", "ShareGPT conversations", _recognises, conversations)
