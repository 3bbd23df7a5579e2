"""pete export on the engine that needs no model: only the adapter can leave, and everything else says why it cannot."""

import json
import shutil
import zipfile

import pytest

from pete.app.export import Request, export, quantize
from pete.app.train import new_training, train
from pete.errors import AdapterError, BaseModelError, RunError, UserError, WorkError
from pete.export import workshop
from pete.export.record import kept_proofs
from pete.run import RunDir
from tests.unit.app.conftest import Heard


@pytest.fixture
def run(sets, tmp_path):
    train(new_training(None, None, sets), Heard(), out=tmp_path / "run")
    return RunDir(tmp_path / "run")


def nothing_is_left(folder):
    return not list(folder.glob("**/.export-*")) and not list(folder.glob("**/*.zip"))


def test_the_adapter_leaves_as_a_zip_that_computes_the_same(run, tmp_path):
    exports = export(Request(str(run.folder), ("adapter",)), Heard())
    (done,) = exports.done
    assert done.path == run.folder / "exports" / "ada-fake-adapter.zip"
    assert done.proof.kl == 0 and done.proof.kl_base and done.proof.kl_base > 0.001 and done.proof.greedy == 1
    assert [proof.form for proof in kept_proofs(run.folder / "exports")] == ["adapter"]
    with zipfile.ZipFile(done.path) as packed:
        assert {"adapter_model.safetensors", "adapter_config.json", "tokenizer.json", "chat_template.jinja", "pete.json"} <= set(
            packed.namelist()
        )
        assert not any(str(tmp_path).encode() in packed.read(name) for name in packed.namelist())
    again = export(Request(str(run.folder), ("adapter",), out=tmp_path / "again"), Heard()).done[0]
    assert again.path.read_bytes() == done.path.read_bytes(), "the same bytes, whenever it is packed"
    assert list(again.proof.sha256) == [again.path.name]


def test_an_export_replaces_nothing(run):
    path = export(Request(str(run.folder), ("adapter",)), Heard()).done[0].path
    before = path.stat().st_mtime_ns
    with pytest.raises(UserError, match="is there already"):
        export(Request(str(run.folder), ("adapter",)), Heard())
    assert path.stat().st_mtime_ns == before


@pytest.mark.parametrize("form", ["merged", "gguf", "ollama", "lmstudio"])
def test_a_base_without_weights_has_no_other_form(run, form):
    with pytest.raises(BaseModelError, match="no weights on disk"):
        export(Request(str(run.folder), (form,)), Heard())
    assert nothing_is_left(run.folder)


def test_of_several_forms_those_that_cannot_be_do_not_stop_the_others(run):
    exports = export(Request(str(run.folder), ("merged", "adapter")), Heard())
    assert [one.form for one in exports.done] == ["adapter"] and isinstance(exports.refused["merged"], BaseModelError)


def test_what_is_not_what_was_trained_is_refused_and_removed(run, monkeypatch):
    def open_another(source, folder, in_float32):
        from pete.engines import open_trainer
        from pete.export.adapter import EngineReader

        engine = open_trainer(source.config)
        engine.load(source.config.model)  # the base, without the adapter
        return EngineReader(engine)

    monkeypatch.setattr("pete.export.adapter.open_adapter", open_another)
    with pytest.raises(WorkError, match="is not what was trained, and was removed") as raised:
        export(Request(str(run.folder), ("adapter",)), Heard())
    assert "untrained base" in raised.value.message and nothing_is_left(run.folder)


def test_a_full_disk_is_seen_before(run, monkeypatch):
    monkeypatch.setattr(workshop, "free_disk", lambda place: 1000)
    with pytest.raises(UserError, match="are free on the disk"):
        export(Request(str(run.folder), ("adapter",)), Heard())
    assert nothing_is_left(run.folder)


def test_a_disk_that_fills_up_all_the_same(run, monkeypatch):
    def full(folder, file):
        file.write_bytes(b"PK")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pete.export.adapter.pack", full)
    with pytest.raises(WorkError, match="could not be written: No space left on device"):
        export(Request(str(run.folder), ("adapter",)), Heard())
    assert nothing_is_left(run.folder)


def test_a_run_without_an_adapter(run):
    shutil.rmtree(run.adapter)
    with pytest.raises(RunError, match="has no adapter yet"):
        export(Request(str(run.folder), ("adapter",)), Heard())


def test_a_base_that_has_changed_since(run):
    record = json.loads((run.adapter / "pete.json").read_text())
    (run.adapter / "pete.json").write_text(json.dumps(record | {"base_fingerprint": "another"}))
    with pytest.raises(AdapterError, match="was made for"):
        export(Request(str(run.folder), ("adapter",)), Heard())


def test_an_adapter_that_is_more_than_plain_lora(run):
    path = run.adapter / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"use_dora": True}))
    with pytest.raises(AdapterError, match="DoRA"):
        export(Request(str(run.folder), ("adapter",)), Heard())


def test_what_does_not_go_together(run, tmp_path):
    for request, words in (
        (Request(str(run.folder), ("nonsense",)), "no export called"),
        (Request(str(run.folder), ("gguf",), quant="q3"), "no kind of numbers"),
        (Request(str(run.folder), ("adapter",), quant="auto"), "chooses nothing"),
        (Request(str(run.adapter), ("adapter",)), "nothing says which base"),
        (Request(None, ("adapter",), base="fake"), "goes with an adapter's folder"),
    ):
        with pytest.raises(UserError, match=words):
            export(request, Heard())


def test_somebody_elses_adapter_on_a_base_that_is_named(run, tmp_path):
    theirs = tmp_path / "theirs"
    shutil.copytree(run.adapter, theirs)
    (theirs / "pete.json").unlink()
    path = theirs / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"base_model_name_or_path": "/somewhere/else/fake"}))
    with pytest.raises(UserError):  # the default engine is torch, which has no fake base: said before anything is written
        export(Request(str(theirs), ("merged",), base="fake", out=tmp_path / "out"), Heard())
    assert nothing_is_left(tmp_path / "out")


def test_quantize_needs_weights(run):
    with pytest.raises(BaseModelError, match="no weights on disk"):
        quantize(str(run.folder), Heard())
    assert nothing_is_left(run.folder)
