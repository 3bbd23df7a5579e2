"""Fetching from a hub on this machine, each try in a process of its own: huggingface_hub reads its settings when imported."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from pete.engines.base_models import hub as ours
from pete.engines.fake import END, byte_tokenizer
from pete.errors import BaseModelError
from tests import forks
from tests.fake_hub import FakeHub, commit, serve

SCRIPT = """
import json, sys
from pete.cli.fetch_view import fetches_shown
from pete.config import ModelConfig
from pete.engines.base_models import hub
from pete.engines.base_models import resolve as base_model
from pete.errors import PeteError
hub.WAITS = (0.0, 0.0)
verb, name, revision = sys.argv[1:]
try:
    with fetches_shown():
        base = getattr(base_model, verb)(ModelConfig(base=name, revision=revision or None))
except PeteError as error:
    print(f"{error.message}\\n{error.hint}", file=sys.stderr)
    sys.exit(error.exit_code)
print(json.dumps({**vars(base), "folder": str(base.folder), "files": sorted(p.name for p in base.folder.iterdir())}))
"""
SIZE = 3 << 20


def weights(seed: int, size: int = SIZE) -> bytes:
    return save({"w": np.random.default_rng(seed).standard_normal(size // 4).astype(np.float32)})


def model(**files: bytes) -> dict[str, bytes]:
    small = {
        "config.json": json.dumps({"model_type": "llama", "max_position_embeddings": 77}).encode(),
        "tokenizer.json": byte_tokenizer().to_str().encode(),
        "tokenizer_config.json": json.dumps({"eos_token": END}).encode(),
        "README.md": b"words",
        "pytorch_model.bin": b"pickle" * 9000,
        "onnx/model.safetensors": weights(9, 40_000),
    }
    return small | {name.replace("__", "."): content for name, content in files.items()}


WHOLE = weights(1)
SHARDED = model(
    **{
        "model-00001-of-00002__safetensors": weights(2),
        "model-00002-of-00002__safetensors": weights(3),
        "model__safetensors__index__json": json.dumps(
            {"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}
        ).encode(),
    }
)


@pytest.fixture
def hub():
    with serve(
        FakeHub({"own/tiny": {commit(1): model(model__safetensors=weights(5)), commit(2): model(model__safetensors=WHOLE)}})
    ) as found:
        yield found


@pytest.fixture
def ask(tmp_path, hub):
    """ask("resolve_base", "own/tiny") -> (what it found, exit code, stderr)"""

    def run(verb: str, name: str = "own/tiny", revision: str = "", **environment: str) -> tuple[dict, int, str]:
        given = hub.environment(tmp_path / "home") | environment
        done = forks.run(verb, name, revision, script=SCRIPT, timeout=60, **given)
        assert "Traceback" not in done.stderr, done.stderr
        return json.loads(done.stdout or "{}"), done.returncode, done.stderr

    return run


def test_fetched_once_whole_and_then_never_asked_for_again(hub, ask):
    found, code, said = ask("resolve_base")
    assert code == 0, said
    assert (found["revision"], found["fingerprint"], found["context"], found["missing"]) == (commit(2), commit(2), 77, 0)
    assert found["files"] == ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"], "and no pickle, no onnx"
    assert Path(found["folder"], "model.safetensors").read_bytes() == WHOLE
    assert "fetching own/tiny: 3.1 MB, once" in said and "3.1 MB of 3.1 MB" in said
    agents = {headers["user-agent"] for _, _, headers in hub.requests}
    assert agents and not [a for a in agents if "torch" in a or "agent/" in a], "telemetry is off"
    assert not [headers for _, _, headers in hub.requests if "authorization" in headers], "nobody has a token here"
    seen = len(hub.requests)
    for revision in ("", commit(2)):
        again, code, said = ask("resolve_base", revision=revision)
        assert code == 0 and again == found and said == "", "the same model, and nothing to say"
    hub.broken = 500  # and with the hub gone
    assert ask("resolve_base")[1] == 0
    assert len(hub.requests) == seen, "nobody was asked"


def test_a_look_fetches_no_weights_and_says_what_they_would_be(hub, ask):
    found, code, _ = ask("look_up_base")
    assert code == 0 and found["missing"] == len(WHOLE) and found["context"] == 77
    assert "tokenizer.json" in found["files"] and "model.safetensors" not in found["files"] and hub.sent == 0
    seen = len(hub.requests)
    assert ask("look_up_base")[0] == found and len(hub.requests) == seen, "asked once"
    whole, code, _ = ask("resolve_base")
    assert code == 0 and whole["missing"] == 0 and hub.sent == len(WHOLE)
    assert ask("look_up_base")[0]["missing"] == 0


def test_a_connection_that_breaks_is_taken_up_where_it_broke(hub, ask):
    hub.cuts = [1_500_000]
    found, code, said = ask("resolve_base")
    assert code == 0, said
    ranges = [headers["range"] for method, _, headers in hub.asked("/cdn/") if method == "GET"]
    assert ranges == ["bytes=0-", "bytes=1500000-"] and hub.sent == len(WHOLE), "not a byte twice"
    assert Path(found["folder"], "model.safetensors").read_bytes() == WHOLE


def test_a_hub_that_goes_down_leaves_what_came_for_the_next_try(hub, ask):
    hub.cuts = [1_000_000, 700_000, 0, 0]
    _, code, said = ask("resolve_base")
    assert code == 2 and "Fetching own/tiny broke off: 1.7 MB of 3.1 MB are here and kept (the connection broke)" in said
    assert "goes on from there" in said
    hub.broken = 503
    _, code, said = ask("resolve_base")
    assert code == 2 and "1.7 MB of 3.1 MB are here and kept (it answered 503)" in said
    hub.broken = 0
    assert ask("look_up_base")[0]["missing"] == len(WHOLE), "half a model is none"
    hub.requests.clear()
    found, code, said = ask("resolve_base")
    assert code == 0 and "1.7 MB are here" in said
    assert [headers["range"] for method, _, headers in hub.asked("/cdn/") if method == "GET"] == ["bytes=1700000-"]
    assert hub.sent == len(WHOLE) and Path(found["folder"], "model.safetensors").read_bytes() == WHOLE
    assert not list(Path(found["folder"]).parents[1].rglob("*.incomplete"))


def test_a_server_that_cannot_begin_in_the_middle_begins_again(hub, ask):
    hub.ranges, hub.cuts = False, [1_000_000]
    found, code, said = ask("resolve_base")
    assert code == 0, said
    assert hub.sent == len(WHOLE) + 1_000_000 and Path(found["folder"], "model.safetensors").read_bytes() == WHOLE


def test_what_arrives_damaged_is_thrown_away(hub, ask, tmp_path):
    hub.cuts = [1_000_000, 0, 0]
    assert ask("resolve_base")[1] == 2
    (partial,) = (tmp_path / "home").rglob("*.incomplete")
    partial.write_bytes(b"\0" * partial.stat().st_size)
    _, code, said = ask("resolve_base")
    assert code == 2 and "arrived damaged and was thrown away" in said and not partial.exists()
    assert ask("resolve_base")[1] == 0


def test_a_snapshot_with_a_hole_is_filled(hub, ask):
    hub.repos["own/tiny"][commit(3)] = SHARDED
    found, code, said = ask("resolve_base")
    assert code == 0, said
    hole = Path(found["folder"], "model-00002-of-00002.safetensors")
    hole.resolve().unlink()
    hole.unlink()
    hub.sent = 0
    assert ask("look_up_base")[0]["missing"] == len(weights(3))
    assert ask("resolve_base")[0] == found and hub.sent == len(weights(3)) and hole.read_bytes() == weights(3)
    # without the hub's list, as an older program leaves the cache
    hole.unlink()
    shutil.rmtree(hole.parents[2] / "trees")
    _, code, said = ask("resolve_base", HF_HUB_OFFLINE="1")
    assert code == 2 and "HF_HUB_OFFLINE" in said
    assert ask("resolve_base")[0] == found and hub.sent == len(weights(3)), "it was in the cache all the time"


def test_pickle_only_is_refused_before_anything_big_comes(hub, ask):
    hub.repos["own/old"] = {commit(4): model()}
    for verb in ("look_up_base", "resolve_base"):
        _, code, said = ask(verb, "own/old")
        assert code == 2 and "only pytorch_model.bin (pickle" in said and "smollm2" in said
    assert hub.sent == 0 and not hub.asked("pytorch_model.bin")


def test_code_of_its_own_is_refused_before_anything_big_comes(hub, ask):
    hub.repos["own/code"] = {commit(4): model(model__safetensors=WHOLE, config__json=b'{"auto_map": {"AutoModel": "x.y"}}')}
    _, code, said = ask("resolve_base", "own/code")
    assert code == 2 and "run its own code" in said and hub.sent == 0


def test_what_cannot_be_trained_is_refused_before_any_weight_is_fetched(hub, ask):
    """Quantised, GGUF alone, a tokenizer of another kind: named by what they are, from the small files and the listing."""
    whole = model(model__safetensors=WHOLE)
    settings = json.loads(whole["config.json"])
    quantized = whole | {"config.json": json.dumps(settings | {"quantization_config": {"quant_method": "awq", "bits": 4}}).encode()}
    older = {name: content for name, content in whole.items() if name != "tokenizer.json"} | {"tokenizer.model": b"x"}
    hub.repos |= {name: {commit(1): files} for name, files in
                  {"own/awq": quantized, "own/gguf": {"q4.gguf": b"GGUF" * 99, "README.md": b"x"}, "own/older": older}.items()}  # fmt: skip
    for name, reason in (("own/awq", "own/awq is quantized (awq, 4 bit)"), ("own/gguf", "its weights are only q4.gguf (GGUF"),
                         ("own/older", "own/older brings a SentencePiece tokenizer only (tokenizer.model)")):  # fmt: skip
        _, code, said = ask("resolve_base", name)
        assert code == 2 and reason in said and hub.sent == 0, said


@pytest.mark.parametrize("part", ["config.json", "tokenizer.json"])
def test_without_a_tokenizer_or_a_configuration_it_is_no_base(hub, ask, part):
    files = model(model__safetensors=WHOLE)
    del files[part]
    hub.repos["own/part"] = {commit(4): files}
    _, code, said = ask("resolve_base", "own/part")
    assert code == 2 and f"own/part has no {part}" in said and hub.sent == 0


def test_the_pinned_revision_is_the_one_that_comes(hub, ask):
    hub.tags["v1"] = commit(1)
    for revision in (commit(1), "v1"):
        found, code, said = ask("resolve_base", revision=revision)
        assert code == 0 and found["revision"] == commit(1), said
        assert Path(found["folder"], "model.safetensors").read_bytes() == weights(5)
    _, code, said = ask("resolve_base", revision="v9")
    assert code == 2 and "no revision 'v9'" in said


def test_unknown_private_gated_and_misspelt(hub, ask):
    _, code, said = ask("resolve_base", "own/nothing")
    assert code == 2 and "knows no own/nothing, or keeps it private (401)" in said and "auth login" in said
    hub.gated.add("own/tiny")
    _, code, said = ask("resolve_base")
    assert code == 2 and "is gated" in said and f"{hub.endpoint}/own/tiny" in said and "HF_TOKEN" in said and hub.sent == 0
    _, code, said = ask("resolve_base", HF_TOKEN="hf_abc")
    assert code == 0, said
    assert [h for _, _, h in hub.requests if "authorization" in h], "who has a token gets in with it"
    assert not [h for _, _, h in hub.asked("/cdn/") if "authorization" in h], "the token does not travel on"
    _, code, said = ask("resolve_base", revision=commit(1), HF_TOKEN="hf_wrong")
    assert code == 2 and "does not let you read own/tiny (it does not know your token)" in said
    _, code, said = ask("resolve_base", "own/ti ny")
    assert code == 2 and "expected owner/name" in said


def test_no_hub_names_the_command_that_gets_it(hub, ask):
    hub.broken = 503
    _, code, said = ask("resolve_base", "EleutherAI/pythia-1.4b", "abc")
    assert code == 2 and "EleutherAI/pythia-1.4b at abc is not (wholly) cached here and the hub cannot be reached (it answered 503)" in said
    assert "hf download EleutherAI/pythia-1.4b --revision abc --include" in said and "smollm2" in said
    hub.requests.clear()
    _, code, said = ask("resolve_base", HF_HUB_OFFLINE="1")
    assert code == 2 and "HF_HUB_OFFLINE forbids" in said and not hub.requests
    _, code, said = ask("resolve_base", HF_ENDPOINT="http://127.0.0.1:9")
    assert code == 2 and "cannot be reached (no connection)" in said


def test_the_command_that_the_message_names_works(hub, ask, tmp_path):
    command = ["-m", "huggingface_hub.cli.hf", "download", "own/tiny", "--revision", commit(1), "--include", "*.safetensors",
               "--include", "*.json", "--local-dir", str(tmp_path / "carried")]  # fmt: skip
    env = os.environ | hub.environment(tmp_path / "elsewhere")
    done = subprocess.run([sys.executable, *command], env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "carried" / "pytorch_model.bin").exists()
    hub.requests.clear()
    found, code, said = ask("resolve_base", str(tmp_path / "carried"))
    assert code == 0 and found["revision"] == "local" and not hub.requests, said


def test_no_room_is_said_before_anything_comes(monkeypatch, tmp_path):
    file = ours.Listed("model.safetensors", 2_900_000_000, "x")
    monkeypatch.setattr(ours, "_missing", lambda *_: [file])
    folder = tmp_path / "hub" / "models--a--b" / "snapshots" / "c"
    with pytest.raises(BaseModelError, match=r"a/b needs 2.9 GB more on the disk of .*, and 3.0 GB are free") as error:
        ours.fetch("a/b", folder, free=lambda _: 3_000_000_000)
    assert "HF_HOME" in error.value.hint
