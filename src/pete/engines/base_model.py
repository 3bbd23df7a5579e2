"""Where base models come from: embedded, a folder, or the hub's cache. safetensors and JSON only, never remote code."""

import hashlib
import json
from pathlib import Path

from pete.config import EMBEDDED_BASE, ModelConfig
from pete.engines.protocol import Base
from pete.errors import BaseModelError

HUB_FILES = ["*.safetensors", "*.safetensors.index.json", "config.json", "generation_config.json", "tokenizer*.json",
             "special_tokens_map.json", "chat_template.jinja"]  # fmt: skip
OFFER_EMBEDDED = f"or start with the embedded base: --set model.base={EMBEDDED_BASE}"


def resolve_base(model: ModelConfig) -> Base:
    """Find a base model on this machine, fetching it from the hub only when it is named and not cached.

    Raises:
        BaseModelError: not here and not reachable, or not safe to load; with the way to get it.
    """
    if model.base == EMBEDDED_BASE:
        from pete.engines.embedded import embedded_base

        return embedded_base()
    if model.base == "fake":
        from pete.engines.fake_engine import fake_base

        return fake_base()
    folder = Path(model.base).expanduser()
    if folder.is_dir():
        check_folder(folder)
        digest = hashlib.sha256()
        for path in sorted([folder / "config.json", *folder.glob("*.safetensors")]):
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        return Base(folder.name, folder, "local", digest.hexdigest(), context_of(folder))
    if model.base.count("/") == 1 and not model.base.startswith((".", "/", "~")):
        return _from_hub(model)
    raise BaseModelError(
        f"The base model {model.base!r} is neither {EMBEDDED_BASE}, a folder here, nor a hub name (owner/name).",
        OFFER_EMBEDDED.removeprefix("or "),
    )


def check_folder(folder: Path) -> None:
    """Refuse a model folder that is incomplete, pickled, or asks to run its own code.

    Raises:
        BaseModelError: the reason.
    """
    config = folder / "config.json"
    if not config.is_file():
        raise BaseModelError(f"{folder} has no config.json: not a model folder.", OFFER_EMBEDDED.removeprefix("or "))
    try:
        settings = json.loads(config.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BaseModelError(f"{config} is not JSON: {error}", "download the model again") from None
    for key in ("auto_map", "model_file"):
        if key in settings:
            raise BaseModelError(
                f"{config} has {key!r}: this model wants to run its own code, and Pete never does that.",
                "use a model that transformers supports by itself; " + OFFER_EMBEDDED,
            )
    if not any(folder.glob("*.safetensors")):
        pickled = sorted(p.name for p in folder.iterdir() if p.suffix in (".bin", ".pt", ".pth", ".ckpt"))
        found = f"only {', '.join(pickled)} (pickle, which can run code when opened)" if pickled else "no weights"
        raise BaseModelError(f"{folder}: expected *.safetensors, found {found}.", "use a revision with safetensors; " + OFFER_EMBEDDED)


def context_of(folder: Path) -> int:
    """Tokens the model can see at once."""
    settings = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return int(settings.get("max_position_embeddings", 2048))


def _from_hub(model: ModelConfig) -> Base:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError

    def fetch(offline: bool) -> Path:
        return Path(
            snapshot_download(model.base, revision=model.revision, allow_patterns=HUB_FILES, local_files_only=offline)  # type: ignore[arg-type]
        )

    try:
        folder = fetch(offline=True)
        check_folder(folder)  # an interrupted download leaves a folder without weights
    except Exception:
        try:
            folder = fetch(offline=False)
        except (RepositoryNotFoundError, RevisionNotFoundError) as error:
            raise BaseModelError(
                f"The hub knows no {model.base} at {model.revision or 'main'}: {type(error).__name__}.", OFFER_EMBEDDED
            ) from None
        except Exception as error:
            raise BaseModelError(
                f"{model.base} is not cached here and the hub cannot be reached ({type(error).__name__}).",
                f"on a machine with a network: hf download {model.base}"
                + (f" --revision {model.revision}" if model.revision else "")
                + f" ; {OFFER_EMBEDDED}",
            ) from None
    check_folder(folder)
    return Base(model.base, folder, folder.name, folder.name, context_of(folder))
