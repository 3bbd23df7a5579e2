"""The folder around the merged weights: settings for programs of every age, the licence, and no place of this machine."""

import json

import pytest

from pete.config import GenerateConfig
from pete.data.render import Renderer
from pete.engines.fake import END, byte_tokenizer
from pete.engines.protocol import Base
from pete.export.merged import model_settings, write_settings
from pete.export.source import Source
from pete.persona import PLAIN_TEMPLATE


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "base"
    folder.mkdir()
    byte_tokenizer().save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"eos_token": END, "name_or_path": "/home/someone/base"}))
    settings = {
        "model_type": "gpt_neox", "dtype": "float16", "_name_or_path": "/home/someone/base",
        "rope_parameters": {"rope_type": "default", "rope_theta": 10000, "partial_rotary_factor": 0.4},
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(settings))
    (folder / "LICENSE.txt").write_text("Do as you like.")
    (folder / "USE_POLICY.md").write_text("But not that.")
    (folder / "training.log").write_text("private")
    return Source(
        name="ada", base=Base("tiny", folder, "local", "f", 2000), adapter=None, sampling=GenerateConfig(), stops=(), prompts=(), rows=(),  # type: ignore[call-arg]
        renderer=Renderer(folder, template=PLAIN_TEMPLATE, system="You are Ada.", context=2000), config=None, rows_of="",  # type: ignore[arg-type]
    )  # fmt: skip


def test_settings_for_programs_of_every_age(source):
    settings = model_settings(source)
    assert settings["dtype"] == settings["torch_dtype"] == "float16" and settings["eos_token_id"] == 256
    assert (settings["rotary_pct"], settings["rotary_emb_base"]) == (0.4, 10000) and "rope_parameters" in settings
    assert "someone" not in json.dumps(settings)


def test_what_goes_along(source, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    write_settings(source, out)
    assert {path.name for path in out.iterdir()} == {
        "config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "generation_config.json", "LICENSE.txt",
        "USE_POLICY.md",
    }  # fmt: skip
    assert all("someone" not in path.read_text() for path in out.iterdir())
    assert '"You are Ada."' in (out / "chat_template.jinja").read_text()
