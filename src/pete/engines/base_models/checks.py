"""What a base's files say of it, and the refusal of what is no language model with full weights: no pickle, no code of its own.

Everything here is read before anything is planned, fetched or written, and without importing transformers (seconds).
"""

import ast
import functools
import importlib.util
import json
from collections.abc import Collection, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from pete.config import EMBEDDED_BASE
from pete.data.tokenizer import check_tokenizer
from pete.errors import BaseModelError
from pete.listener import LISTENER

OFFER_EMBEDDED = f"or start with the embedded base: --set model.base={EMBEDDED_BASE}"
WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
FULL = ("F64", "F32", "F16", "BF16")
"""What safetensors calls the numbers of weights that are not quantised."""
OTHER_WEIGHTS = (
    ((".gguf",), "GGUF, which is made for answering and not for training"),
    ((".bin", ".pt", ".pth", ".ckpt"), "pickle, which can run code when opened"),
)
ASSUMED_CONTEXT = 2048
CONTEXTS = (
    "max_position_embeddings", "n_positions", "max_seq_len", "seq_length", "max_seq_length", "max_sequence_length", "context_length",
    "model_max_length", "n_ctx",
)  # fmt: skip
"""What configurations call the tokens a model can see at once, the likeliest first."""


def check_folder(folder: Path) -> int:
    """Refuse a model folder that is incomplete, pickled, quantised, no language model, or asks to run its own code.

    Returns:
        Tokens the model can see at once.

    Raises:
        BaseModelError: the reason.
    """
    context = check_small_files(folder, str(folder))
    check_weights(folder, str(folder))
    return context


def check_small_files(folder: Path, name: str) -> int:
    """All that config and tokenizer can say against a base; returns its context."""
    settings = read_settings(folder, name)
    check_settings(settings, name)
    check_tokenizer({path.name for path in folder.iterdir()}, name)
    if isinstance(rows := settings.get("vocab_size"), int):
        check_vocabulary(folder, rows, name)
    return context_of(settings, name)


def architecture_of(folder: Path) -> str:
    """What kind of model it is, as transformers calls it: gpt_neox, llama; empty where config.json does not say."""
    return str(read_settings(folder, str(folder)).get("model_type", ""))


def refuse_without_config(names: Collection[str], where: str, folder: Path | None = None) -> None:
    """Say what a folder or a repository without config.json is; raises BaseModelError."""
    if "adapter_config.json" in names:
        base = None
        if folder is not None:
            try:
                base = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8")).get("base_model_name_or_path")
            except (OSError, ValueError, AttributeError):
                base = None
        raise BaseModelError(
            f"{where} is an adapter, not a base.", f"name the base it was made for: --set model.base={base or 'owner/name'}"
        )
    message = f"{where} has no config.json: not a model folder."
    if found := weights_of_another_kind(names):
        message = f"{where} has no config.json, and its weights are {found}."
    raise BaseModelError(message, f"use the base in Hugging Face's format (config.json, model.safetensors); {OFFER_EMBEDDED}")


def read_settings(folder: Path, where: str) -> dict[str, Any]:
    """A base's config.json.

    Raises:
        BaseModelError: it is not there (with what is instead), or not an object of JSON.
    """
    path = folder / "config.json"
    if not path.is_file():
        refuse_without_config({file.name for file in folder.iterdir()}, where, folder)
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BaseModelError(f"{path} cannot be read: {error.strerror}.", "look at who may read it") from None
    except ValueError as error:
        raise BaseModelError(f"{path} is not JSON: {error}", "download the model again") from None
    if not isinstance(settings, dict):
        raise BaseModelError(f"{path}: expected an object, found {type(settings).__name__}.", "download the model again")
    return settings


def check_settings(settings: Mapping[str, Any], where: str) -> None:
    """Refuse by name what is not a causal language model with full weights that transformers can build by itself.

    Raises:
        BaseModelError: custom code, quantised, unknown or another kind of model.
    """
    for key in ("auto_map", "model_file"):
        if key in settings:
            raise BaseModelError(
                f"{where}: config.json has {key!r}: this model wants to run its own code, and Pete never does that.",
                "use a model that transformers supports by itself; " + OFFER_EMBEDDED,
            )
    if method := _quantized(settings):
        raise BaseModelError(
            f"{where} is quantized ({method}), and Pete trains on full weights.",
            f"use the full base it was made from (its page on the hub names it; float32, float16 or bfloat16); {OFFER_EMBEDDED}",
        )
    kind = settings.get("model_type")
    if not isinstance(kind, str) or not kind:
        raise BaseModelError(f"{where}: config.json does not say what it is (model_type).", "download the model again, or use another base")
    classes = _language_models()
    named = settings.get("architectures")
    architectures = [str(one) for one in named] if isinstance(named, list) else []
    parts = [key.removesuffix("_config") for key in ("vision_config", "audio_config", "speech_config") if settings.get(key)]
    if parts or any(one.endswith("ForConditionalGeneration") for one in architectures) or settings.get("is_encoder_decoder") is True:
        shown = architectures[0] if architectures else kind
        what = f"also has a part for {parts[0]}" if parts else "is no plain language model"
        raise BaseModelError(f"{where} ({shown}) {what}, and Pete trains text models only.", f"use the text-only base; {OFFER_EMBEDDED}")
    if kind not in classes:
        raise BaseModelError(
            f"{where} has model_type {kind!r}, which is no language model that transformers {version('transformers')} knows: "
            "either newer than that, or of another kind.",
            f"use a base that has been out for longer, or a newer Pete; {OFFER_EMBEDDED}",
        )
    writing = {name.lower() for name in classes.values() if _writes(name)}
    if not _writes(classes[kind]) or (architectures and not any(one.lower() in writing for one in architectures)):
        shown = architectures[0] if architectures else classes[kind]
        raise BaseModelError(
            f"{where} ({shown}) has no head that writes text: an embedding model, a classifier or the like.",
            f"use a base for text generation; {OFFER_EMBEDDED}",
        )


def _quantized(settings: Mapping[str, Any]) -> str:
    """How the weights are quantised, in a word or two; empty where they are not."""
    for part in (settings, settings.get("text_config")):
        if not isinstance(part, Mapping):
            continue
        for key in ("quantization_config", "compression_config", "quantization"):
            if found := part.get(key):
                if not isinstance(found, Mapping):
                    return str(found)
                method = found.get("quant_method") or ("MLX" if key == "quantization" else "compressed-tensors")
                bits = found.get("bits") or (4 if found.get("load_in_4bit") else 8 if found.get("load_in_8bit") else None)
                return f"{method}, {bits} bit" if bits else str(method)
    return ""


def _writes(name: str) -> bool:
    return name.endswith(("ForCausalLM", "LMHeadModel"))


@functools.cache
def _language_models() -> dict[str, str]:
    """The table of transformers, model_type -> class for causal language models; read as text, because importing it takes seconds."""
    found = importlib.util.find_spec("transformers")
    assert found is not None and found.origin is not None
    source = Path(found.origin).parent / "models" / "auto" / "modeling_auto.py"
    for node in ast.parse(source.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            target = node.targets[0]
            if isinstance(target, ast.Name) and target.id == "MODEL_FOR_CAUSAL_LM_MAPPING_NAMES":
                return dict(ast.literal_eval(node.value.args[0]))
    raise AssertionError("transformers keeps its table of language models elsewhere")


def context_of(settings: Mapping[str, Any], where: str) -> int:
    """Tokens the model can see at once; where config.json does not say, what is assumed is said."""
    nested = settings.get("text_config")
    for part in (settings, nested if isinstance(nested, Mapping) else {}):
        for key in CONTEXTS:
            value = part.get(key)
            if isinstance(value, int) and 0 < value < 10**9:
                return min(value, _unstretched(part))
    _say_once(f"{where}: config.json does not say how many tokens the model can see at once: {ASSUMED_CONTEXT} assumed")
    return ASSUMED_CONTEXT


def _unstretched(part: Mapping[str, Any]) -> int:
    """Tokens up to which longrope leaves short rows as they are: one longer row would change every other row of its pack (Phi-3 128k)."""
    rope = part.get("rope_parameters") or part.get("rope_scaling")
    if not isinstance(rope, Mapping) or (rope.get("rope_type") or rope.get("type")) not in ("longrope", "su"):
        return 10**9
    original = rope.get("original_max_position_embeddings") or part.get("original_max_position_embeddings")
    return original if isinstance(original, int) and original > 0 else 10**9


@functools.cache
def _say_once(line: str) -> None:
    LISTENER.get().message(line)


def check_vocabulary(folder: Path, rows: int, where: str) -> None:
    """Every token that a text can have must have an embedding.

    Special tokens that nothing writes are left alone: Gemma 3's tokenizer has one for pictures, which its text models never see.

    Args:
        folder: holds tokenizer.json.
        rows: of the model's embedding.
        where: what to call the base.

    Raises:
        BaseModelError: the tokenizer knows ids beyond the embedding.
    """
    path = folder / "tokenizer.json"
    found = path.stat()
    ids = _reachable(path, found.st_size, found.st_mtime_ns)
    if beyond := {token: number for token, number in ids.items() if number >= rows}:
        token, number = max(beyond.items(), key=lambda one: one[1])
        raise BaseModelError(
            f"{where}: the tokenizer knows ids up to {number} ({token!r}), and the model up to {rows - 1}: "
            f"{len(beyond)} token{'s have' if len(beyond) > 1 else ' has'} no embedding.",
            "tokens were added and the model was not resized: take the tokenizer that came with these weights, or use another base",
        )


@functools.cache
def _reachable(path: Path, size: int, changed: int) -> dict[str, int]:
    """The token of the highest id that plain text can have, and every added token that text or template can have."""
    written = _written(path.parent)
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        extra = document.get("added_tokens") or ()
        added = {str(token["content"]): int(token["id"]) for token in extra}
        never = {token["content"] for token in extra if token.get("special") and token["content"] not in written}
        vocabulary = document["model"]["vocab"]
        if not isinstance(vocabulary, Mapping):  # unigram: pieces in order
            vocabulary = {str(piece): number for number, (piece, *_) in enumerate(vocabulary)}
        highest = max((token for token in vocabulary if token not in never), key=lambda token: vocabulary[token], default=None)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BaseModelError(f"{path} is no tokenizer that can be read: {error!r}", "download the base again") from None
    plain = {} if highest is None else {highest: vocabulary[highest]}
    return plain | {token: number for token, number in added.items() if token not in never}


def _written(folder: Path) -> str:
    """All that names a special token so that it will be used: templates, and the settings that say which token begins and ends."""
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in (folder / "chat_template.jinja",) if path.is_file()]
    settings = folder / "tokenizer_config.json"
    if settings.is_file():
        try:
            record = json.loads(settings.read_text(encoding="utf-8"))
        except ValueError:
            record = {}
        if isinstance(record, Mapping):
            texts += [json.dumps(record.get(key), ensure_ascii=False) for key in ("chat_template", "eos_token", "bos_token")]
    return "\n".join(texts)


def weight_names(folder: Path) -> list[str]:
    """Names of the files that transformers would load from `folder`; empty when it says nothing of any."""
    if (folder / INDEX).is_file() and not (folder / WEIGHTS).is_file():
        try:
            shards = set(json.loads((folder / INDEX).read_text(encoding="utf-8"))["weight_map"].values())
        except (ValueError, KeyError, TypeError, AttributeError):
            raise BaseModelError(f"{folder / INDEX} is not an index of weights.", "download the model again") from None
        if strange := sorted(str(shard) for shard in shards if Path(str(shard)).name != shard or not str(shard).endswith(".safetensors")):
            raise BaseModelError(f"{folder / INDEX} names {strange[0]!r}: expected *.safetensors beside it.", "use another base")
        return sorted(shards)
    return [WEIGHTS] if (folder / WEIGHTS).is_file() else []


def check_weights(folder: Path, name: str) -> None:
    """Every file of weights is there and not cut short, and holds plain numbers; their headers are read, not the weights."""
    wanted = weight_names(folder)
    if not wanted:
        found = weights_of_another_kind({path.name for path in folder.iterdir()}) or "no weights"
        raise BaseModelError(f"{name}: expected {WEIGHTS}, found {found}.", "use a revision with safetensors; " + OFFER_EMBEDDED)
    for number, part in enumerate(wanted, 1):
        if not (folder / part).is_file():
            raise BaseModelError(f"{name}: {part} is missing ({number} of {len(wanted)} files of weights).", "download the model again")
        try:
            with safe_open(folder / part, "np") as file:
                kinds = {key: file.get_slice(key).get_dtype() for key in file.keys() if key.endswith("weight")}  # noqa: SIM118
        except SafetensorError as error:
            raise BaseModelError(
                f"{name}: {part} is damaged or cut short ({error}).", f"remove {(folder / part).resolve()} and get the model again"
            ) from None
        if odd := next((key for key, kind in kinds.items() if kind not in FULL), None):
            raise BaseModelError(
                f"{name} is quantized: {odd} is kept as {kinds[odd]}, and Pete trains on full weights.",
                f"use the full base it was made from (float32, float16 or bfloat16); {OFFER_EMBEDDED}",
            )


def weights_of_another_kind(names: Collection[str]) -> str:
    """What a base without model.safetensors has instead, in words; empty for nothing."""
    for suffixes, words in OTHER_WEIGHTS:
        if found := sorted(name for name in names if name.endswith(suffixes)):
            return f"only {', '.join(found[:3])}{', ...' if len(found) > 3 else ''} ({words})"
    return ", ".join(sorted(name for name in names if name.endswith(".safetensors"))[:3])
