from pete.export.record import keep_proof
from pete.report.blocks import Table
from pete.report.chapters.exports import exports
from pete.report.model import read_report
from tests.unit.export.proofs import proof
from tests.unit.report.conftest import MakeRun


def test_a_run_that_was_never_exported_has_no_such_chapter(make_run: MakeRun):
    assert exports(read_report(make_run())) is None


def test_every_export_with_what_was_shown_of_it(make_run: MakeRun):
    run = make_run()
    keep_proof(proof(), run.folder / "exports" / "gguf-q8_0.proof.json")
    keep_proof(proof(form="merged", kind="f32", kl_base=None), run.folder / "exports" / "merged-f32.proof.json")
    (run.folder / "exports" / "torn.proof.json").write_text("{")
    (run.folder / "exports" / "ada.quant.json").write_text("{}")
    section = exports(read_report(run))
    assert section is not None
    (table,) = [block for block in section.blocks if isinstance(block, Table)]
    assert [row[0] for row in table.rows] == ["gguf, q8_0", "merged, f32"]
    assert table.rows[0][1:] == ("llama.cpp", "146 MB", "0.0004", "0.21", "90%", "+0.0003", "cccccccccccc") and table.rows[1][4] == ""
