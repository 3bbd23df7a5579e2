import json
from types import SimpleNamespace

import pytest

from pete.app.evaluate import keep
from pete.errors import WorkError


def test_an_evaluation_that_cannot_be_written_at_the_end_is_kept_somewhere_else(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    refused = []

    def write(path):
        if path.parent == tmp_path / "run":
            refused.append(path)
            raise OSError(28, "No space left on device")
        path.write_text(json.dumps({"answers": "dear"}))

    with pytest.raises(WorkError, match=r"could not be written: No space left on device\. The evaluation is kept in") as error:
        keep(SimpleNamespace(write=write), tmp_path / "run" / "suite.json")  # type: ignore[arg-type]
    (kept,) = (tmp_path / "temporary").rglob("suite.json")
    assert refused and str(kept) in error.value.message and f"cp {kept} {tmp_path}/run/suite.json" in error.value.hint
    assert json.loads(kept.read_text()) == {"answers": "dear"}
