"""Where LM Studio looks, and what is put there."""

from types import SimpleNamespace

from pete.export.lmstudio import LMStudio
from pete.export.workshop import Made
from tests.unit.export.proofs import proof


def shop(out, asked_for=False):
    return SimpleNamespace(out=out, out_is_asked_for=asked_for, kind="q8_0", source=SimpleNamespace(name="ada-tiny"))


def test_its_own_folder_where_there_is_one(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    out = tmp_path / "exports"
    assert LMStudio().target(shop(out)) == out / "lmstudio" / "pete" / "ada-tiny-q8_0"
    models = tmp_path / ".lmstudio" / "models"
    models.mkdir(parents=True)
    assert LMStudio().target(shop(out)) == models / "pete" / "ada-tiny-q8_0"
    assert LMStudio().target(shop(out, asked_for=True)) == out / "lmstudio" / "pete" / "ada-tiny-q8_0", "somebody named another"


def test_a_second_name_for_the_same_file_and_the_first_stays(tmp_path):
    (tmp_path / "aside").mkdir()
    (tmp_path / "aside" / "ada.gguf").write_bytes(b"GGUF")
    made = Made(tmp_path / "aside", proof(form="lmstudio"))
    target = tmp_path / "lmstudio" / "pete" / "ada"
    (said,) = LMStudio().place(made, target)
    assert (target / "ada.gguf").samefile(tmp_path / "aside" / "ada.gguf") and "~/.lmstudio/models" in said
    assert [path.name for path in target.parent.iterdir()] == ["ada"]
    assert LMStudio().place(made, tmp_path / ".lmstudio" / "models" / "pete" / "ada") == ()
