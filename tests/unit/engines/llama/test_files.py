"""GGUF files in the cache: made once, made again when anything they are made of changes, or when they are not as they were."""

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from pete.config import Config
from pete.engines.llama import files
from pete.engines.llama.files import gguf_of
from pete.engines.protocol import Base


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What was written: (base, kind)."""
    monkeypatch.setenv("PETE_CACHE", str(tmp_path / "cache"))
    written: list[tuple[str, str]] = []

    def write(base: Base, adapter: Path | None, path: Path, kind: str) -> None:
        written.append((base.name, kind))
        path.write_bytes(b"GGUF" + kind.encode())

    monkeypatch.setattr(files, "write_gguf", write)
    return written


BASE = Base("base", Path("nowhere"), "1", "f" * 64, 128)


def adapter(folder: Path, weights: bytes = b"w", template: str = "t") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "adapter_model.safetensors").write_bytes(weights)
    (folder / "adapter_config.json").write_text("{}")
    (folder / "chat_template.jinja").write_text(template)
    return folder


def test_a_file_is_made_once(made: list, tmp_path: Path) -> None:
    path = gguf_of(BASE, None, "q8_0")
    assert path.read_bytes() == b"GGUFq8_0" and gguf_of(BASE, None, "q8_0") == path
    assert made == [("base", "q8_0")]


def test_everything_it_is_made_of_makes_another(made: list, tmp_path: Path) -> None:
    plain = adapter(tmp_path / "a")
    paths = [
        gguf_of(BASE, None, "q8_0"), gguf_of(BASE, None, "f16"), gguf_of(replace(BASE, fingerprint="0" * 64), None, "q8_0"),
        gguf_of(BASE, plain, "q8_0"), gguf_of(BASE, adapter(tmp_path / "b", weights=b"v"), "q8_0"),
        gguf_of(BASE, adapter(tmp_path / "c", template="other"), "q8_0"),
    ]  # fmt: skip
    assert len(set(paths)) == len(made) == 6
    (plain / "reference.safetensors").write_bytes(b"measured since")
    assert gguf_of(BASE, plain, "q8_0") == paths[3] and len(made) == 6
    assert gguf_of(BASE, adapter(tmp_path / "moved"), "q8_0") == paths[3], "where the adapter is does not matter"


def test_a_draft_is_the_smaller_base_alone_in_the_same_kind(made: list, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[tuple[str, str]] = []
    monkeypatch.setattr(
        files, "resolve_base", lambda model: replace(BASE, name=model.base, fingerprint=model.base, revision=model.revision)
    )
    monkeypatch.setattr(files, "check_tokens", lambda base, draft: held.append((base.name, draft.name)))
    config = Config.model_validate({"model": {"base": "large", "revision": "abc"}, "engine": {"llama": {"draft": "small"}}})
    found = files.make_files(config, adapter(tmp_path / "a"))
    assert made == [("small", "q8_0"), ("large", "q8_0"), ("large", "q8_0")] and held == [("large", "small")]
    assert len({found.tuned, found.base, found.draft}) == 3
    plain = files.make_files(Config.model_validate({"model": {"base": "large"}}), None)
    assert plain == files.Files(found.base, found.base, None) and len(made) == 3 and len(held) == 1


@pytest.mark.parametrize("damage", ["shorter", "same size", "no record"])
def test_a_file_that_is_not_as_it_was_written_is_made_again(made: list, damage: str) -> None:
    path = gguf_of(BASE, None, "q8_0")
    if damage == "shorter":
        path.write_bytes(b"GG")
    elif damage == "same size":
        path.write_bytes(b"EVIL" + b"q8_0")
        os.utime(path, ns=(1, 1))
    else:
        path.with_suffix(".json").unlink()
    assert gguf_of(BASE, None, "q8_0").read_bytes() == b"GGUFq8_0" and len(made) == 2


def test_what_nobody_opened_for_a_month_is_removed_when_another_is_made(made: list) -> None:
    old, used = gguf_of(BASE, None, "q8_0"), gguf_of(BASE, None, "f16")
    long_ago = time.time() - 40 * 86400
    for path in (old, used):
        os.utime(path.with_suffix(".json"), (long_ago, long_ago))
    gguf_of(BASE, None, "f16")
    gguf_of(BASE, None, "f32")
    assert not old.exists() and not old.with_suffix(".json").exists() and used.exists()
