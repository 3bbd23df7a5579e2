"""llama.cpp: every call of its C interface is in this file, and nothing else is. Arrays cross as numpy.

The library is the one inside the package xllamacpp, whose wheels (Metal on Apple silicon, AVX2 on x86-64, no compiler asked for)
export the whole C interface; the package's own classes are a server and give no logits. The structures below are those of one
version of llama.h, so that version is the only one that is opened.
"""

import ctypes as c
import importlib.util
import os
from collections.abc import Callable, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from pete.data.bulk import usable_cores
from pete.errors import WorkError

PACKAGE, VERSION = "xllamacpp", "2026.10.11549"
SPIN = "2000"
"""Turns a thread waits for the others before it sleeps, on Linux. With the compiler's default (300,000) a busy machine makes a token in
seconds: each waits for one that is not computing. With this one an idle machine loses a twelfth."""
PREFILL = 512
"""Tokens llama.cpp computes together while it reads a prompt."""
WARNING = 3
"""Level of llama.cpp's log from which on a line is worth keeping."""
_said: list[str] = []


class _ModelParams(c.Structure):
    _fields_ = (
        ("devices", c.c_void_p), ("tensor_buft_overrides", c.c_void_p), ("n_gpu_layers", c.c_int32), ("split_mode", c.c_int),
        ("load_mode", c.c_int), ("lazy_mode", c.c_int), ("main_gpu", c.c_int32), ("tensor_split", c.c_void_p),
        ("progress_callback", c.c_void_p), ("progress_callback_user_data", c.c_void_p), ("kv_overrides", c.c_void_p),
        ("vocab_only", c.c_bool), ("check_tensors", c.c_bool), ("use_extra_bufts", c.c_bool), ("no_host", c.c_bool),
        ("no_alloc", c.c_bool), ("load_mtp", c.c_bool),
    )  # fmt: skip


class _ContextParams(c.Structure):
    _fields_ = (
        ("n_ctx", c.c_uint32), ("n_batch", c.c_uint32), ("n_ubatch", c.c_uint32), ("n_seq_max", c.c_uint32), ("n_rs_seq", c.c_uint32),
        ("n_outputs_max", c.c_uint32), ("n_outputs_max_per_seq", c.c_uint32), ("n_threads", c.c_int32), ("n_threads_batch", c.c_int32),
        ("ctx_type", c.c_int), ("rope_scaling_type", c.c_int), ("pooling_type", c.c_int), ("attention_type", c.c_int),
        ("flash_attn_type", c.c_int), ("rope_freq_base", c.c_float), ("rope_freq_scale", c.c_float), ("yarn_ext_factor", c.c_float),
        ("yarn_attn_factor", c.c_float), ("yarn_beta_fast", c.c_float), ("yarn_beta_slow", c.c_float), ("yarn_orig_ctx", c.c_uint32),
        ("defrag_thold", c.c_float), ("cb_eval", c.c_void_p), ("cb_eval_user_data", c.c_void_p), ("type_k", c.c_int), ("type_v", c.c_int),
        ("moe_cache_size", c.c_size_t), ("abort_callback", c.c_void_p), ("abort_callback_data", c.c_void_p), ("embeddings", c.c_bool),
        ("offload_kqv", c.c_bool), ("no_perf", c.c_bool), ("op_offload", c.c_bool), ("swa_full", c.c_bool), ("kv_unified", c.c_bool),
        ("samplers", c.c_void_p), ("n_samplers", c.c_size_t), ("ctx_other", c.c_void_p),
    )  # fmt: skip


class _Batch(c.Structure):
    _fields_ = (
        ("n_tokens", c.c_int32), ("token", c.c_void_p), ("embd", c.c_void_p), ("pos", c.c_void_p), ("n_seq_id", c.c_void_p),
        ("seq_id", c.c_void_p), ("logits", c.c_void_p),
    )  # fmt: skip


class _Tensor(c.Structure):
    _fields_ = (
        ("type", c.c_int), ("buffer", c.c_void_p), ("ne", c.c_int64 * 4), ("nb", c.c_size_t * 4), ("op", c.c_int),
        ("op_params", c.c_int32 * 16), ("flags", c.c_int32), ("src", c.c_void_p * 10), ("view_src", c.c_void_p), ("view_offs", c.c_size_t),
        ("data", c.c_void_p), ("name", c.c_char * 64),
    )  # fmt: skip


_LOG = c.CFUNCTYPE(None, c.c_int, c.c_char_p, c.c_void_p)
_WATCH = c.CFUNCTYPE(c.c_bool, c.c_void_p, c.c_bool, c.c_void_p)
_POINTER, _TEXT, _INT, _SIZE = c.c_void_p, c.c_char_p, c.c_int32, c.c_size_t
_CALLS: dict[str, tuple[Any, ...]] = {
    "llama_backend_init": (None,), "llama_log_set": (None, _LOG, _POINTER), "llama_supports_gpu_offload": (c.c_bool,),
    "llama_model_default_params": (_ModelParams,), "llama_context_default_params": (_ContextParams,),
    "llama_model_load_from_file": (_POINTER, _TEXT, _ModelParams), "llama_model_free": (None, _POINTER),
    "llama_model_get_vocab": (_POINTER, _POINTER), "llama_model_n_ctx_train": (_INT, _POINTER),
    "llama_model_n_params": (c.c_uint64, _POINTER),
    "llama_model_size": (c.c_uint64, _POINTER), "llama_model_meta_val_str": (_INT, _POINTER, _TEXT, _TEXT, _SIZE),
    "llama_vocab_n_tokens": (_INT, _POINTER), "llama_vocab_is_eog": (c.c_bool, _POINTER, _INT),
    "llama_tokenize": (_INT, _POINTER, _TEXT, _INT, _POINTER, _INT, c.c_bool, c.c_bool),
    "llama_init_from_model": (_POINTER, _POINTER, _ContextParams), "llama_free": (None, _POINTER), "llama_get_memory": (_POINTER, _POINTER),
    "llama_memory_seq_rm": (c.c_bool, _POINTER, _INT, _INT, _INT), "llama_memory_seq_cp": (None, _POINTER, _INT, _INT, _INT, _INT),
    "llama_decode": (_INT, _POINTER, _Batch),
    "llama_get_logits": (_POINTER, _POINTER), "ggml_quantize_requires_imatrix": (c.c_bool, c.c_int),
    "ggml_backend_tensor_get": (None, _POINTER, _POINTER, _SIZE, _SIZE),
    "ggml_quantize_chunk": (_SIZE, c.c_int, _POINTER, _POINTER, c.c_int64, c.c_int64, c.c_int64, _POINTER),
}  # fmt: skip
"""Name -> what it returns, and what it takes."""


@_LOG
def _log(level: int, text: bytes, _: int | None) -> None:
    """Keep llama.cpp's log from the screen; what it complains of goes into our errors."""
    if level >= WARNING:
        _said.append(text.decode("utf-8", "replace").strip())
        del _said[:-8]


def missing() -> str:
    """Why llama.cpp cannot be used here, as the end of a sentence; empty where it can."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None:
        return f"the package {PACKAGE} is not installed"
    if (found := version(PACKAGE)) != VERSION:
        return f"{PACKAGE} is {found}, and Pete knows {VERSION}"
    return ""


@cache
def _library() -> Any:
    if why := missing():
        raise ModuleNotFoundError(why, name=PACKAGE)
    spec = importlib.util.find_spec(PACKAGE)
    assert spec and spec.submodule_search_locations
    (path,) = Path(spec.submodule_search_locations[0]).glob("xllamacpp*.so")
    os.environ.setdefault("GOMP_SPINCOUNT", SPIN)  # read once, as the library is opened
    library = c.CDLL(str(path))
    for name, (returns, *takes) in _CALLS.items():
        call = getattr(library, name)
        call.restype, call.argtypes = returns, takes
    library.llama_log_set(_log, None)
    library.llama_backend_init()
    return library


def _complaint() -> str:
    return "; ".join(line for line in _said if line)[-400:] or "it did not say why"


def threads() -> int:
    """Processor cores to compute with: a second thread on a core only gets in the way of the first, and waits for it in every layer."""
    return max(1, min(psutil.cpu_count(logical=False) or usable_cores(), usable_cores()))


def has_gpu() -> bool:
    """Whether this build of llama.cpp computes on a GPU."""
    return bool(_library().llama_supports_gpu_offload())


def quantize_rows(values: np.ndarray, kind: int, size: int, importance: np.ndarray | None = None) -> np.ndarray:
    """A matrix in one of ggml's types, by ggml's own quantiser.

    Args:
        values: float32 [rows, columns]; columns are a multiple of the type's block.
        kind: ggml's number of the type.
        size: bytes a row takes in it.
        importance: float32 [columns], the mean square of what each column is multiplied with; None weighs all alike.

    Returns:
        uint8 [rows, size].
    """
    rows, columns = values.shape
    values = np.ascontiguousarray(values, dtype=np.float32)
    weights = None if importance is None else np.ascontiguousarray(importance, dtype=np.float32)
    out = np.empty((rows, size), dtype=np.uint8)
    written = _library().ggml_quantize_chunk(
        kind, values.ctypes.data, out.ctypes.data, 0, rows, columns, None if weights is None else weights.ctypes.data
    )
    assert written == out.nbytes, f"ggml wrote {written} bytes of {out.nbytes}"
    return out


class Weights:
    """A GGUF file in memory. Only files that Pete wrote are opened: llama.cpp's parser is not made for hostile ones."""

    def __init__(self, path: Path, *, gpu: bool, words_only: bool = False) -> None:
        """Map the file.

        Args:
            path: the GGUF.
            gpu: compute on the GPU where this build can.
            words_only: read the tokenizer and no weights.

        Raises:
            WorkError: llama.cpp refuses it.
        """
        library = _library()
        params = library.llama_model_default_params()
        params.n_gpu_layers = 999 if gpu else 0
        params.vocab_only = words_only
        _said.clear()
        self._model: int | None = library.llama_model_load_from_file(str(path).encode(), params)
        if not self._model:
            raise WorkError(f"llama.cpp cannot load {path.name}: {_complaint()}", "remove the file; it is made again")
        self._words = library.llama_model_get_vocab(self._model)
        self.vocabulary = int(library.llama_vocab_n_tokens(self._words))
        self.context = int(library.llama_model_n_ctx_train(self._model))
        self.parameters = int(library.llama_model_n_params(self._model))
        self.size = int(library.llama_model_size(self._model))
        self.bytes_a_token = self._bytes_a_token()

    def _bytes_a_token(self) -> int:
        """Bytes of keys and values a token takes in every layer, in half precision."""
        kind = self.metadata("general.architecture")

        def number(key: str, otherwise: int = 0) -> int:
            return int(self.metadata(f"{kind}.{key}") or otherwise)

        heads = number("attention.head_count")
        width = number("embedding_length") // heads
        keys, values = number("attention.key_length", width), number("attention.value_length", width)
        return 2 * number("block_count") * number("attention.head_count_kv", heads) * (keys + values)

    def tokenize(self, text: str, *, special: bool = True, add_special: bool = False) -> list[int]:
        """Token ids of a text as llama.cpp cuts it.

        Args:
            text: any.
            special: read special tokens that are written out in the text.
            add_special: put in front (or behind) what the file's metadata asks for.
        """
        raw = text.encode()
        ids = np.empty(len(raw) + 8, dtype=np.int32)
        count = _library().llama_tokenize(self._words, raw, len(raw), ids.ctypes.data, len(ids), add_special, special)
        assert count >= 0, "a token is a byte at least"
        return ids[:count].tolist()

    def ends(self) -> set[int]:
        """Ids after which llama.cpp stops by itself."""
        return {token for token in range(self.vocabulary) if _library().llama_vocab_is_eog(self._words, token)}

    def metadata(self, key: str) -> str | None:
        """A value of the file's metadata as text; None where there is none."""
        text = c.create_string_buffer(1 << 20)
        found = _library().llama_model_meta_val_str(self._model, key.encode(), text, len(text))
        return None if found < 0 else text.value.decode("utf-8", "replace")

    def close(self) -> None:
        """Give the memory back; contexts first."""
        if self._model:
            _library().llama_model_free(self._model)
        self._model = None

    def __del__(self) -> None:
        if getattr(self, "_model", None):
            self.close()


Watch = Callable[[str, np.ndarray], None]


def _watching(watch: Watch) -> Any:
    """What llama.cpp calls before (asking) and after it computes each step, with the step's tensor."""

    def call(address: int, asking: bool, _: int | None) -> bool:
        made = _Tensor.from_address(address)
        if not made.src[0] or not made.src[1]:
            return not asking
        matrix, given = (_Tensor.from_address(source) for source in made.src[:2])
        named = matrix.name.endswith(b".weight") and given.type == 0 and given.ne[0] == matrix.ne[0]
        if asking or not named:
            return named or not asking
        values = np.empty((given.ne[1] * given.ne[2] * given.ne[3], given.ne[0]), dtype=np.float32)
        _library().ggml_backend_tensor_get(made.src[1], values.ctypes.data, 0, values.nbytes)
        watch(matrix.name.decode(), values)
        return True

    return _WATCH(call)


class Context:
    """Room for rows that are computed with one file's weights: each row has places for so many tokens. For one thread at a time."""

    def __init__(self, weights: Weights, *, rows: int, length: int, exact: bool = False, watch: Watch | None = None) -> None:
        """Set the room aside.

        Args:
            weights: of the model.
            rows: that can be there at once.
            length: places a row.
            exact: keep keys and values in float32 and attend plainly: for holding a file against another program's numbers.
            watch: is called with each matrix's name and what it is multiplied with, float32 [tokens, columns].

        Raises:
            WorkError: there is no memory for it.
        """
        places = -(-length // 256) * 256  # what llama.cpp would round it to
        self.weights, self.rows, self.length = weights, rows, min(places, weights.context)
        self._library = library = _library()
        params = library.llama_context_default_params()
        params.n_ctx = places * rows
        params.n_batch = self._most = max(2048, rows)
        params.n_ubatch = PREFILL
        params.n_seq_max = rows
        params.n_threads = params.n_threads_batch = threads()
        params.kv_unified = False  # else every row looks at the places of all
        params.swa_full = True  # a row may be cut back to any place, for the next turn of a conversation
        params.no_perf = True
        if exact:
            params.type_k = params.type_v = 0  # ggml's number of float32
            params.flash_attn_type = 0
        self._watch = None if watch is None else _watching(watch)  # held: llama.cpp calls it as long as the context is there
        if self._watch is not None:
            params.cb_eval = c.cast(self._watch, c.c_void_p)
        _said.clear()
        self._context: int | None = library.llama_init_from_model(weights._model, params)
        if not self._context:
            raise WorkError(
                f"llama.cpp has no room for {rows} rows of {self.length} tokens: {_complaint()}",
                "fewer answers at once: --set evaluate.batch=4; or close other programs",
            )
        self._memory = library.llama_get_memory(self._context)
        self._token, self._place, self._row = (np.zeros(self._most, dtype=np.int32) for _ in range(3))
        self._ones, self._wanted = np.ones(self._most, dtype=np.int32), np.zeros(self._most, dtype=np.int8)
        self._row_of = self._row.ctypes.data + np.arange(self._most, dtype=np.uintp) * np.uintp(4)  # a list of rows for each token
        self._batch = _Batch(
            0, self._token.ctypes.data, None, self._place.ctypes.data, self._ones.ctypes.data, self._row_of.ctypes.data,
            self._wanted.ctypes.data,
        )  # fmt: skip

    def decode(self, tokens: Sequence[int], places: Sequence[int], rows: Sequence[int], wanted: Sequence[bool]) -> np.ndarray:
        """Compute tokens that follow what their rows hold.

        Args:
            tokens: ids, those of a row in order.
            places: the place of each in its row, from 0.
            rows: the row of each.
            wanted: whether the logits after it are.

        Returns:
            float32 [wanted, vocabulary], as they come in `tokens`; good until the next call.

        Raises:
            WorkError: llama.cpp failed.
        """
        found = []
        for start in range(0, len(tokens), self._most):
            part = slice(start, start + self._most)
            count = len(tokens[part])
            self._token[:count], self._place[:count], self._row[:count] = tokens[part], places[part], rows[part]
            self._wanted[:count] = wanted[part]
            self._batch.n_tokens = count
            _said.clear()
            code = self._library.llama_decode(self._context, self._batch)
            if code != 0:
                raise WorkError(f"llama.cpp failed to compute (code {code}): {_complaint()}", "answer with --set generate.engine=torch")
            if outputs := int(self._wanted[:count].sum()):
                address = self._library.llama_get_logits(self._context)
                raw = (c.c_float * (outputs * self.weights.vocabulary)).from_address(address)
                logits = np.ctypeslib.as_array(raw).reshape(outputs, -1)
                found.append(logits.copy() if len(tokens) > self._most else logits)
        if len(found) == 1:
            return found[0]
        return np.concatenate(found) if found else np.zeros((0, self.weights.vocabulary), dtype=np.float32)

    def forget(self, row: int, place: int = 0) -> bool:
        """Empty a row from a place on; False where this kind of model can only be emptied whole, and has been."""
        if self._library.llama_memory_seq_rm(self._memory, row, place, -1):
            return True
        self._library.llama_memory_seq_rm(self._memory, row, 0, -1)
        return False

    def copy(self, row: int, to: int) -> None:
        """Let a row hold what another one holds; what it held is gone."""
        self._library.llama_memory_seq_rm(self._memory, to, 0, -1)
        self._library.llama_memory_seq_cp(self._memory, row, to, 0, -1)

    def close(self) -> None:
        """Give the memory back."""
        if self._context:
            self._library.llama_free(self._context)
        self._context = None

    def __del__(self) -> None:
        if getattr(self, "_context", None):
            self.close()
