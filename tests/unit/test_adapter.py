import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from pete.adapter import HONOURED, REFUSED, Lineage, read_lineage, read_weights, write_lineage, write_weights
from pete.errors import AdapterError

LINEAGE = Lineage(
    "base",
    "r",
    "f" * 64,
    "d",
    "c",
    "Ada",
    "Plain.",
    ("Be short.",),
    "You are Ada.",
    ("\n###",),
    {"top_k": 5},
    {"a": "A"},
    ("unlock*",),
    "0.1.0",
    {"all": {"words": [0, 90]}},
    {"tagline": {"line_words": [0, 12]}},
)


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "adapter"
    write_weights(path, {"peft_type": "LORA", "base_model_name_or_path": "base", "r": 2}, {"w": np.ones((2, 3), dtype=np.float32)})
    write_lineage(path, LINEAGE)
    return path


def change(folder, **values):
    path = folder / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_round_trip(folder):
    settings, tensors = read_weights(folder, "base", "f" * 64)
    assert settings["r"] == 2 and tensors["w"].tolist() == [[1.0] * 3] * 2
    assert read_lineage(folder) == LINEAGE


def test_an_adapter_of_an_earlier_version_has_no_limits(folder):
    record = json.loads((folder / "pete.json").read_text())
    del record["limits"], record["formats"], record["prompt_format"]
    (folder / "pete.json").write_text(json.dumps(record))
    assert read_lineage(folder).limits == {} == read_lineage(folder).formats == read_lineage(folder).prompt_format


def test_a_prompt_format_under_its_earlier_name_is_read(folder):
    record = json.loads((folder / "pete.json").read_text())
    del record["prompt_format"]
    (folder / "pete.json").write_text(json.dumps(record | {"asking": {"shots": 1}}))
    assert read_lineage(folder).prompt_format == {"shots": 1}


def test_another_base_is_refused_with_both_names(folder):
    with pytest.raises(AdapterError, match=r"was made for base \(ffffffffffff\).*other"):
        read_weights(folder, "other", "e" * 64)
    (folder / "pete.json").unlink()  # a foreign adapter says only a name
    with pytest.raises(AdapterError, match="was made for base"):
        read_weights(folder, "other", "e" * 64)
    read_weights(folder, "base", "e" * 64)


@pytest.mark.parametrize("name", ["adapter_model.bin", "adapter.pt", "x.pth", "y.ckpt"])
def test_pickle_is_never_opened(folder, name):
    (folder / "adapter_model.safetensors").rename(folder / name)
    with pytest.raises(AdapterError, match="pickle"):
        read_weights(folder, "base", "f" * 64)


def test_custom_code_is_refused(folder):
    change(folder, auto_map={"AutoModel": "evil.Model"})
    with pytest.raises(AdapterError, match="run its own code"):
        read_weights(folder, "base", "f" * 64)


@pytest.mark.parametrize(("values", "reason"), [({"peft_type": "IA3"}, "expected a LORA"), ({"peft_type": None}, "expected a LORA")])
def test_other_adapters(folder, values, reason):
    change(folder, **values)
    with pytest.raises(AdapterError, match=reason):
        read_weights(folder, "base", "f" * 64)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("bias", "lora_only"), ("lora_bias", True), ("modules_to_save", ["lm_head"]), ("trainable_token_indices", [5, 6]),
        ("target_parameters", ["experts.down_proj"]), ("layer_replication", [[0, 2], [1, 3]]), ("use_dora", True),
        ("alora_invocation_tokens", [1]), ("velora_config", {"scale": 1.0}), ("kasa_config", {"beta": 1}),
        ("monteclora_config", {"num_samples": 8}), ("arrow_config", {"top_k": 3}), ("use_bdlora", {"nblocks": 2}), ("use_qalora", True),
        ("megatron_config", {"x": 1}), ("brand_new_idea", 3), ("init_lora_weights", "pissa"), ("init_lora_weights", "pissa_niter_16"),
        ("init_lora_weights", "olora"), ("init_lora_weights", "corda"), ("init_lora_weights", "loftq"), ("init_lora_weights", "lora_ga"),
        ("init_lora_weights", "another"),
    ],
)  # fmt: skip
def test_what_is_more_than_plain_lora_is_refused_by_its_field(folder, field, value):
    change(folder, **{field: value})
    with pytest.raises(AdapterError, match=f"has {field} = ") as error:
        read_weights(folder, "base", "f" * 64)
    assert "base it was made for" not in error.value.hint and "pete train" in error.value.hint


def test_every_refused_field_was_tried_and_is_nothing_when_off(folder):
    mark = test_what_is_more_than_plain_lora_is_refused_by_its_field.pytestmark[0]
    assert set(REFUSED) <= {field for field, _ in mark.args[1]} and not set(REFUSED) & HONOURED
    change(folder, **dict.fromkeys(REFUSED, None), brand_new_idea=False, init_lora_weights=True)
    read_weights(folder, "base", "f" * 64)
    change(folder, **(dict.fromkeys(REFUSED, False) | {"bias": "none"}), brand_new_idea=[], init_lora_weights="gaussian")
    read_weights(folder, "base", "f" * 64)


def write_bfloat16(path, values: np.ndarray) -> None:
    """A safetensors file by hand: bfloat16 is the upper half of a float32."""
    halves = (values.astype("<f4").view("<u4") >> 16).astype("<u2").tobytes()
    header = json.dumps({"w": {"dtype": "BF16", "shape": list(values.shape), "data_offsets": [0, len(halves)]}}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + halves)


def test_half_precision_files_keep_their_values(folder):
    exact = np.array([[1.0, -0.5, 3.0], [2.0**-100, -(2.0**100), 0.0]], dtype=np.float32)  # all of them bfloat16 numbers
    write_bfloat16(folder / "adapter_model.safetensors", exact)
    read = read_weights(folder, "base", "f" * 64)[1]["w"]
    assert read.dtype == np.float32 and read.tolist() == exact.tolist()
    save_file({"w": exact[:1].astype(np.float16)}, folder / "adapter_model.safetensors")
    assert read_weights(folder, "base", "f" * 64)[1]["w"].tolist() == exact[:1].tolist()


def test_numbers_that_are_none_and_kinds_that_are_no_weights(folder):
    save_file({"w": np.array([1.0, np.nan], dtype=np.float32)}, folder / "adapter_model.safetensors")
    with pytest.raises(AdapterError, match="w holds numbers that are not finite"):
        read_weights(folder, "base", "f" * 64)
    save_file({"w": np.ones(2, dtype=np.int8)}, folder / "adapter_model.safetensors")
    with pytest.raises(AdapterError, match="w is kept as I8"):
        read_weights(folder, "base", "f" * 64)


@pytest.mark.parametrize(
    ("made_for", "base", "same"),
    [
        ("acme/tiny", "acme/tiny", True),
        ("acme/tiny", "tiny", False),
        ("/home/x/models/tiny", "tiny", True),
        ("./tiny/", "tiny", True),
        ("C:\\models\\tiny", "tiny", True),
        ("/home/x/models/other", "tiny", False),
        ("/c/hub/models--acme--tiny/snapshots/0123abcd", "acme/tiny", True),
        ("/c/hub/models--acme--tiny/snapshots/0123abcd", "acme/other", False),
    ],
)
def test_a_base_named_by_a_path_of_another_machine_is_known_by_its_end(folder, made_for, base, same):
    (folder / "pete.json").unlink()
    change(folder, base_model_name_or_path=made_for)
    if same:
        read_weights(folder, base, "x")
    else:
        with pytest.raises(AdapterError, match="was made for"):
            read_weights(folder, base, "x")


def test_unsloths_mark_is_no_code(folder):
    change(folder, auto_mapping={"base_model_class": "A", "parent_library": "b", "unsloth_fixed": True})
    read_weights(folder, "base", "f" * 64)


def test_damage_and_absence(folder, tmp_path):
    with pytest.raises(AdapterError, match="no adapter folder"):
        read_weights(tmp_path / "none", "base", "f")
    with pytest.raises(AdapterError, match="not an adapter folder"):
        read_weights(tmp_path, "base", "f")
    (folder / "adapter_model.safetensors").write_bytes(b"\xff" * 50)
    with pytest.raises(AdapterError, match="damaged"):
        read_weights(folder, "base", "f" * 64)
    (folder / "adapter_config.json").write_text("[]")
    with pytest.raises(AdapterError, match="expected an object"):
        read_weights(folder, "base", "f" * 64)
    (folder / "pete.json").write_text('{"base": "x"}')
    with pytest.raises(AdapterError, match=r"pete\.json"):
        read_lineage(folder)
