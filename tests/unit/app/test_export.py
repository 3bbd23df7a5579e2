"""pete export on the engine that needs no model: only the adapter can leave, and everything else says why it cannot."""

import json
import os
import shutil
import signal
import time
import zipfile

import pytest

from pete.app.export import Request, export, quantize
from pete.app.train import new_training, train
from pete.errors import AdapterError, BaseModelError, Interrupted, RunError, UserError, WorkError
from pete.export import workshop
from pete.export.adapter import Adapter
from pete.export.record import kept_proofs
from pete.export.workshop import Made, link_or_copy
from pete.run import RunDir
from tests.conftest import small_persona
from tests.unit.app.conftest import Heard, on_paper


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        train(new_training(None, None, on_paper(small_persona(folder / "persona"), patch)), Heard(), out=folder / "run")
    return folder / "run"


@pytest.fixture
def run(trained, tmp_path):
    return RunDir(shutil.copytree(trained, tmp_path / "run"))


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
        assert not any(str(tmp_path.parent).encode() in packed.read(name) for name in packed.namelist())
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


class Copied(Adapter):
    """The adapter once more, under another name; made of what was made before."""

    def target(self, shop):
        return shop.out / f"{type(self).__name__.lower()}.zip"

    def make(self, shop):
        first = shop.once("zip", lambda: Adapter.make(self, shop))
        if first.path.parent == shop.scratch:
            return first
        link_or_copy(first.path, shop.scratch / "copy.zip")
        return Made(shop.scratch / "copy.zip", first.proof)


class Stopped(Copied):
    """Somebody presses Ctrl-C while it is made."""

    def make(self, shop):
        assert super().make(shop).path.is_file(), "it is in the middle"
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(10)
        raise AssertionError("nobody stopped it")


class StoppedBehind(Copied):
    """Somebody presses Ctrl-C when it has just been put in its place."""

    def place(self, made, target):
        super().place(made, target)
        raise KeyboardInterrupt


class Full(Copied):
    """The disk fills up while it is made."""

    def make(self, shop):
        raise OSError(28, "No space left on device")


class Last(Copied):
    """One more."""


def only(monkeypatch, *kinds):
    """The forms there are."""
    monkeypatch.setattr("pete.app.export.EXPORTERS", {kind.__name__.lower(): f"{__name__}:{kind.__name__}" for kind in kinds})


def test_what_is_proven_stays_when_the_next_form_is_interrupted(run, tmp_path, monkeypatch):
    only(monkeypatch, Copied, Stopped, Last)
    out = tmp_path / "out"
    with pytest.raises(Interrupted) as raised:
        export(Request(str(run.folder), ("copied", "stopped", "last"), out=out), Heard())
    assert raised.value.exit_code == 130 and raised.value.hint.endswith("--to stopped,last")
    assert f"copied: {out / 'copied.zip'}" in raised.value.message and "stopped was in work, and is gone" in raised.value.message
    assert {path.name for path in out.iterdir()} == {"copied.zip", "copied-f32.proof.json"}
    assert [path.name for path in (run.folder / "exports").iterdir()] == ["copied-f32.proof.json"]
    with zipfile.ZipFile(out / "copied.zip") as packed:
        assert packed.testzip() is None
    rest = export(Request(str(run.folder), ("last",), out=out), Heard())
    assert [one.form for one in rest.done] == ["last"]


def test_an_interrupt_right_behind_a_form_leaves_it_its_proof(run, tmp_path, monkeypatch):
    only(monkeypatch, StoppedBehind, Last)
    with pytest.raises(Interrupted, match="stoppedbehind: ") as raised:
        export(Request(str(run.folder), ("stoppedbehind", "last"), out=tmp_path / "out"), Heard())
    assert "in work" not in raised.value.message
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"stoppedbehind.zip", "stoppedbehind-f32.proof.json"}


def test_an_interrupt_of_the_first_form_leaves_nothing(run, tmp_path, monkeypatch):
    only(monkeypatch, Stopped)
    with pytest.raises(Interrupted, match=r"stopped was in work, and is gone\. Nothing was kept\."):
        export(Request(str(run.folder), ("stopped",), out=tmp_path / "out"), Heard())
    assert not (tmp_path / "out").exists() and not (run.folder / "exports").exists()


def test_a_disk_that_is_full_at_the_second_form_leaves_the_first(run, tmp_path, monkeypatch):
    only(monkeypatch, Copied, Full)
    exports = export(Request(str(run.folder), ("copied", "full"), out=tmp_path / "out"), Heard())
    assert [one.form for one in exports.done] == ["copied"] and "No space left" in exports.refused["full"].message
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"copied.zip", "copied-f32.proof.json"}


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
