"""Sources of writing: one reader a format, and which of them reads a file."""

from collections.abc import Iterator

from pete.data.sources import (
    alpaca,
    beehiiv,
    buttondown,
    column_map,
    discord,
    docx,
    facebook,
    ghost,
    html_page,
    intercom,
    linkedin,
    mail,
    markdown,
    medium,
    openai_messages,
    other_documents,
    pairs,
    plain,
    sharegpt,
    slack,
    substack,
    telegram,
    whatsapp,
    wix,
    wordpress,
    x_archive,
    zendesk,
)
from pete.data.sources.files import Source, SourceFile
from pete.data.sources.record import ImportOptions, Reader

READERS: tuple[Reader, ...] = (
    linkedin.READER,
    mail.READER,
    whatsapp.READER,
    x_archive.READER,
    slack.READER,
    telegram.READER,
    facebook.READER,
    discord.READER,
    substack.READER,
    medium.READER,
    wordpress.READER,
    ghost.READER,
    beehiiv.READER,
    buttondown.READER,
    wix.READER,
    docx.READER,
    other_documents.READER,
    html_page.READER,  # every page and every note that nobody above knows; no table is one, and looking for one takes time
    markdown.READER,
    zendesk.READER,
    intercom.READER,
    sharegpt.READER,
    openai_messages.READER,
    alpaca.READER,
    pairs.READER,
    column_map.READER,
    plain.READER,
)
"""In the order in which they are asked: formats that know their files by content first, plain text last."""


def readers_of(source: Source, options: ImportOptions | None = None) -> Iterator[tuple[SourceFile, Reader | None]]:
    """Each file that holds text of its own, and its reader; None where nobody reads it.

    Tables are read by the columns that the person named, where they named some.
    """
    for file in source.files:
        if file.size and options and column_map.mapped(file, options):
            yield file, column_map.READER
            continue
        for reader in READERS:
            if file.size and reader.recognises(file):
                yield file, reader
                break
            if reader.companion(file):  # before a reader of all pages or tables takes it
                break
        else:
            yield file, None
