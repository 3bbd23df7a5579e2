import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pete.config import ANSWERING, Config, keys, override, read_resolved, resolve, values_of
from pete.errors import ConfigError
from pete.resources import PRESETS, PROJECT
from pete.run import RunDir


def test_later_layers_win_and_every_value_knows_its_source(tmp_path: Path):
    file = tmp_path / "mine.toml"
    file.write_text("[lora]\nrank = 4\nalpha = 8\n")
    resolved = resolve("quickstart", file, ["lora.rank=2"])
    assert (resolved.config.lora.rank, resolved.config.lora.alpha) == (2, 8.0)
    assert resolved.sources["lora.rank"] == "--set"
    assert resolved.sources["lora.alpha"] == str(file)
    assert resolved.sources["optim.learning_rate"] == "preset quickstart"


def test_all_problems_come_at_once_with_a_suggestion_and_the_line(tmp_path: Path):
    file = tmp_path / "mine.toml"
    file.write_text("[lora]\n# a comment\nrnak = 4\n\n[train]\nsteps = 'many'\n")
    with pytest.raises(ConfigError) as error:
        resolve(None, file, ["optim.lerning_rate=1", "nonsense"])
    text = error.value.message
    assert f"{file}:3: lora.rnak: unknown key; did you mean lora.rank?" in text
    assert f"{file}:6: train.steps" in text and "'many'" in text
    assert "did you mean optim.learning_rate?" in text
    assert "nonsense: expected section.key=value" in text
    assert error.value.exit_code == 2


def test_a_key_in_the_wrong_section_is_sent_home():
    with pytest.raises(ConfigError, match=r"did you mean optim\.learning_rate"):
        resolve(None, None, ["train.learning_rate=1e-4"])


def test_a_wrong_section_name_suggests_one():
    with pytest.raises(ConfigError, match=r"did you mean optim"):
        resolve(None, None, ["optimm.learning_rate=1e-4"])


def test_scientific_notation_is_a_number():
    assert resolve(None, None, ["optim.learning_rate=1e-4"]).config.optim.learning_rate == 1e-4


def test_choosing_steps_replaces_an_earlier_layers_epochs_and_back():
    assert resolve("quickstart", None, ["train.steps=30"]).config.train.epochs is None
    assert resolve("quickstart", None, ["train.epochs=3"]).config.train.steps is None
    with pytest.raises(ConfigError, match="exactly one of steps and epochs"):
        resolve(None, None, ["train.steps=300", "train.epochs=3"])


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["train.steps=10", "optim.warmup_steps=10"], "leaves nothing of train.steps"),
        (["train.gradient_checkpointing=true", "lora.dropout=0.1"], r"set lora\.dropout to 0"),
        (["lora.targets=all-linear,q_proj"], "keep one or the other"),
        (["lora.dropout=1.0"], "less than 1"),
        (["data.valid_share=0.7"], "less than 0.5"),
        (["generate.top_p=0"], "greater than 0"),
    ],
)
def test_impossible_combinations(overrides: list[str], message: str):
    with pytest.raises(ConfigError, match=message):
        resolve(None, None, overrides)


def test_unknown_preset_and_missing_file():
    with pytest.raises(ConfigError, match="Did you mean 'quickstart'"):
        resolve("quikstart")
    with pytest.raises(ConfigError, match="no configuration file"):
        resolve(None, Path("nowhere.toml"))


def test_broken_toml_names_the_line(tmp_path: Path):
    file = tmp_path / "broken.toml"
    file.write_text("[lora\nrank = 4\n")
    with pytest.raises(ConfigError, match="line 1"):
        resolve(None, file)


def test_written_and_read_back_is_the_same(tmp_path: Path):
    resolved = resolve("quickstart", None, ['model.revision="a # b"', "lora.targets=q_proj,v_proj"])
    (tmp_path / "config.toml").write_text(resolved.to_toml())
    back = read_resolved(tmp_path / "config.toml")
    assert back.config == resolved.config
    assert {k: v for k, v in back.sources.items() if v != "default"} == resolved.sources


@given(
    st.integers(1, 512), st.floats(1e-8, 1, allow_subnormal=False), st.booleans(),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1),
)  # fmt: skip
def test_any_values_survive_the_file(rank: int, rate: float, packing: bool, base: str):
    import tomllib

    resolved = resolve("quickstart").replace("lora.rank", rank, "x").replace("optim.learning_rate", rate, "x")
    resolved = resolved.replace("data.packing", packing, "x").replace("model.base", base, "x")
    assert Config.model_validate(tomllib.loads(resolved.to_toml())) == resolved.config


def test_an_engines_own_settings_are_a_table_of_its_name(tmp_path: Path):
    file = tmp_path / "mine.toml"
    file.write_text("[engine]\nname = 'torch'\n\n[engine.torch]\nmps_high_watermark = 0.5\n")
    resolved = resolve(None, file)
    assert (resolved.config.engine.torch.mps_high_watermark, resolved.sources["engine.torch.mps_high_watermark"]) == (0.5, str(file))
    resolved = resolve(None, file, ["engine.torch.mps_high_watermark=0.8"])
    (tmp_path / "config.toml").write_text(resolved.to_toml())
    back = read_resolved(tmp_path / "config.toml")
    assert back.config.engine.torch.mps_high_watermark == 0.8 and back.sources["engine.torch.mps_high_watermark"] == "--set"
    assert resolved.replace("engine.torch.mps_high_watermark", 0.3, "x").config.engine.torch.mps_high_watermark == 0.3
    file.write_text("[engine.torch]\nmps_high_watermrak = 0.5\n")
    with pytest.raises(ConfigError, match=r":2: engine\.torch\.mps_high_watermrak: unknown key; did you mean engine\.torch\.mps_high_w"):
        resolve(None, file)
    with pytest.raises(ConfigError, match=r"engine\.torch: expected a \[table\], found 3"):
        resolve(None, None, ["engine.torch=3"])
    with pytest.raises(ConfigError, match=r"engine\.torch\.mps_high_watermark: Input should be less than or equal to 2, found 7"):
        resolve(None, None, ["engine.torch.mps_high_watermark=7"])


def test_a_file_of_an_earlier_version_is_read_with_its_sources(tmp_path: Path):
    old = '[engine]\nname = "fake"  # --set\nmps_high_watermark = 0.5  # preset report\n'
    (tmp_path / "config.toml").write_text(old)
    back = read_resolved(tmp_path / "config.toml")
    assert back.config.engine.torch.mps_high_watermark == 0.5
    assert back.sources["engine.torch.mps_high_watermark"] == "preset report"
    assert resolve(None, tmp_path / "config.toml").config.engine == back.config.engine
    (tmp_path / "config.toml").write_text(old + "[generate]\navoid_bias = 2.0  # --set\nseed = 3\n")
    assert read_resolved(tmp_path / "config.toml").config.generate.seed == 3


def test_an_engine_that_there_is_not():
    for item in ("engine.name=tensorflow", "generate.engine=tensorflow"):
        with pytest.raises(ConfigError, match=r"Input should be .*'torch'.* or 'fake', found 'tensorflow'"):
            resolve(None, None, [item])


def test_override_changes_only_what_may_change():
    resolved = resolve("quickstart")
    assert override(resolved, ["generate.temperature=0.1"], ("generate",)).config.generate.temperature == 0.1
    with pytest.raises(ConfigError, match="lora: a trained run's lora cannot change"):
        override(resolved, ["lora.rank=3"], ("generate",))
    assert override(resolved, ["engine.llama.draft=small"], ANSWERING).config.engine.llama.draft == "small"
    with pytest.raises(ConfigError, match=r"engine: a trained run's engine cannot change; here only generate and engine\.llama can"):
        override(resolved, ["engine.device=cpu"], ANSWERING)


def test_every_preset_resolves_and_explains_each_value():
    presets = sorted(PRESETS.glob("*.toml"))
    assert len(presets) >= 2
    for path in presets:
        resolve(path.stem)
        assert "#" in path.read_text()


def test_the_report_preset_is_the_report_to_the_letter():
    config = resolve("report").config
    assert (config.model.base, config.model.dtype) == ("EleutherAI/pythia-1.4b", "float32"), "no mixed precision, no quantisation"
    assert re.fullmatch("[0-9a-f]{40}", config.model.revision or ""), "a commit, not a branch that moves"
    lora = config.lora
    assert (lora.targets, lora.rank, lora.alpha, lora.dropout) == (("query_key_value",), 16, 32.0, 0.05)
    train, optim = config.train, config.optim
    assert (train.micro_batch, train.accumulation, train.steps, train.epochs) == (1, 16, 2000, None)
    assert (optim.learning_rate, optim.weight_decay, optim.warmup_steps) == (2e-4, 0.01, 100)
    assert (config.engine.name, config.engine.device, config.engine.torch.mps_high_watermark) == ("torch", "auto", 0.0)
    assert config.tracking.wandb == "off"


def test_each_difference_between_report_and_what_we_recommend_has_its_reason():
    theirs, ours = values_of(resolve("report").config), values_of(resolve("pythia-1.4b").config)
    differ = {key for key in theirs if theirs[key] != ours[key]}
    assert {"model.dtype", "train.epochs", "engine.torch.mps_high_watermark"} <= differ
    page = next((PROJECT / "docs" / "decisions").glob("0004-*.md")).read_text(encoding="utf-8")
    assert sorted(key for key in differ if f"`{key}`" not in page) == []


def test_every_base_of_the_hub_is_pinned_to_a_commit():
    hub = {path.stem: resolve(path.stem).config.model for path in PRESETS.glob("*.toml")}
    hub = {name: model for name, model in hub.items() if "/" in model.base}
    assert {"report", "pythia-1.4b", "mac-8gb", "mac-16gb", "mac-24gb"} <= set(hub)
    assert all(re.fullmatch("[0-9a-f]{40}", model.revision or "") for model in hub.values()), hub


def test_keys_lists_the_names_others_rely_on():
    names = {name for name, _ in keys()}
    assert {
        "model.base", "model.revision", "model.dtype", "lora.rank", "lora.alpha", "lora.dropout", "lora.targets", "data.max_length",
        "data.packing", "optim.learning_rate", "optim.weight_decay", "optim.warmup_steps", "optim.clip_norm", "train.steps", "train.epochs",
        "train.micro_batch", "train.accumulation", "train.save_every", "train.eval_every", "train.seed", "engine.name",
    } <= names  # fmt: skip


def test_a_folder_is_the_same_from_every_working_directory(tmp_path: Path, monkeypatch):
    for name in ("here/voice", "beside/voice", "base"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "persona.toml").write_text("")
    monkeypatch.chdir(tmp_path / "here")
    for item in ("data.persona=voice", "data.persona=./voice", f"data.persona={tmp_path}/here/voice"):
        assert resolve(None, None, [item]).config.data.persona == str(tmp_path / "here" / "voice")
    assert resolve(None, None, ["model.base=../base"]).config.model.base == str(tmp_path / "base")
    file = tmp_path / "beside" / "mine.toml"
    file.write_text('[data]\npersona = "voice"\n[model]\nbase = "../base"\n')
    config = resolve(None, file).config
    assert config.data.persona == str(tmp_path / "beside" / "voice"), "a file means what lies beside it"
    assert config.model.base == str(tmp_path / "base")
    names = resolve(None, None, ["data.persona=pete-connor", "model.base=EleutherAI/pythia-70m"]).config
    assert (names.data.persona, names.model.base) == ("pete-connor", "EleutherAI/pythia-70m")
    assert resolve(None, None, ["data.persona=./gone"]).config.data.persona == "./gone", "an error names it as it was typed"


def test_a_run_keeps_no_place_of_this_machine_and_finds_its_folders_again(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    voice, base, file = tmp_path / "home" / "my voice", tmp_path / "drive" / "base", tmp_path / "home" / "mine.toml"
    for folder in (voice, base, tmp_path / "drive" / "run"):
        folder.mkdir(parents=True)
    (voice / "persona.toml").write_text("")
    file.write_text(f'[model]\nbase = "{base}"\n')
    resolved = resolve(None, file, [f'data.persona="{voice}"'])
    run = RunDir(tmp_path / "drive" / "run")
    run.write_config(resolved)
    text = run.config_file.read_text()
    assert 'persona = "~/my voice"' in text and 'base = "../base"  # mine.toml' in text and str(tmp_path) not in text
    monkeypatch.chdir("/")
    assert run.read_config().config == resolved.config
    assert resolve(None, run.config_file).config == resolved.config, "the same recipe again: pete train --config RUN/config.toml"
    (tmp_path / "drive").rename(tmp_path / "moved")
    assert RunDir(tmp_path / "moved" / "run").read_config().config.model.base == str(tmp_path / "moved" / "base")
