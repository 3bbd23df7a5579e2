"""--to ollama: the GGUF with a Modelfile beside it, made known to Ollama where that is on this machine."""

import shlex
import shutil
import subprocess
from pathlib import Path

from pete.errors import WorkError
from pete.export.gguf import LlamaReader, file_name, file_room, make_gguf
from pete.export.modelfile import frame_of, modelfile
from pete.export.workshop import Exporter, Made, Workshop, link_or_copy
from pete.listener import LISTENER
from pete.run import write_atomic
from pete.terminal import scrub

PATIENCE = 1800
"""Seconds that `ollama create` may take: it copies the file."""


class Ollama(Exporter):
    """See the module."""

    quantizes = True

    def room(self, shop: Workshop) -> int:
        """The file; a second name for it takes no room where the file system has hard links."""
        return file_room(shop.parameters, shop.kind)

    def target(self, shop: Workshop) -> Path:
        """A folder."""
        return shop.out / f"ollama-{shop.kind}"

    def make(self, shop: Workshop) -> Made:
        """The folder; its file is proven with llama.cpp, which is inside Ollama."""
        frame_of(shop.source.renderer)  # refuses a template that Ollama cannot be told, before anything is made
        made = make_gguf(shop)
        folder = shop.scratch / "ollama"
        folder.mkdir()
        link_or_copy(made.path, folder / file_name(shop))
        first = bos_text(shop, made.path)
        write_atomic(folder / "Modelfile", modelfile(shop.source, file_name(shop), strip=first))
        return Made(folder, made.proof.model_copy(update={"form": "ollama"}))

    def place(self, made: Made, target: Path) -> tuple[str, ...]:
        """Put it in its place; run `ollama create`, or say how.

        Raises:
            WorkError: Ollama refuses it; nothing is left.
        """
        name = made.proof.name
        program = shutil.which("ollama")
        if program is None:
            said = ("Ollama is not on this machine. Where it is:", f"cd {shlex.quote(str(target))} && ollama create {name} -f Modelfile",
                    f"ollama run {name}")  # fmt: skip
        else:
            LISTENER.get().message("ollama create ...")
            _create(program, name, made.path)
            said = (f"Ollama knows it: ollama run {name}",)
        made.path.replace(target)
        return said


def _create(program: str, name: str, folder: Path) -> None:
    command = [program, "create", name, "-f", "Modelfile"]
    try:
        done = subprocess.run(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE, check=False
        )  # fmt: skip
        said = done.stdout.decode(errors="replace") if done.returncode else ""
        failed = done.returncode != 0
    except (OSError, subprocess.TimeoutExpired) as error:
        said, failed = str(error), True
    if failed:
        last = next((line.strip() for line in reversed(scrub(said).splitlines()) if line.strip()), "it did not say why")
        raise WorkError(
            f"`ollama create {name}` failed: {last[:300]}. Nothing was kept.",
            "see that Ollama runs (ollama list), then export again; or --to gguf, and create it by hand",
        )


def bos_text(shop: Workshop, path: Path) -> str:
    """The text of the token that llama.cpp puts in front by itself, for this file; empty where it puts none."""
    renderer = shop.source.renderer
    return str(renderer.tokenizer.id_to_token(renderer.first[0])) if renderer.first and LlamaReader(shop.source, path).adds_bos else ""
