import numpy as np

from pete.config import Config
from pete.data.batch import Batch
from pete.engines.bench.job import Job, rows_of


def batch(*lengths: int, first: int = 0) -> Batch:
    size = sum(lengths)
    return Batch(np.arange(first, first + size, dtype=np.int32), np.arange(size) % 3 == 1, lengths)


def test_what_is_written_is_read(tmp_path):
    steps = [[batch(3, 2), batch(4, first=9)], [batch(1, first=20), batch(2, 2, 2, first=30)]]
    config = Config.model_validate({"train": {"steps": 2, "micro_batch": 2, "accumulation": 2}, "model": {"dtype": "float32"},
                                    "optim": {"warmup_steps": 0}})  # fmt: skip
    job = Job(tmp_path / "cpu", config, steps, [batch(5, first=50)], [[1, 2], [3, 4]], 9, "ours")
    job.write()
    read = Job.read(tmp_path / "cpu")
    assert (read.config, read.prompts, read.answer, read.adapter) == (config, [[1, 2], [3, 4]], 9, "ours")
    assert read.adapter_of("trl") == tmp_path / "cpu" / "adapters" / "trl"
    for mine, its in zip([*steps[0], *steps[1], *job.valid], [*read.steps[0], *read.steps[1], *read.valid], strict=True):
        assert mine.lengths == its.lengths and (mine.ids == its.ids).all() and (mine.trained == its.trained).all()


def test_a_batch_is_its_rows():
    rows = rows_of(batch(3, 2))
    assert [ids.tolist() for ids, _ in rows] == [[0, 1, 2], [3, 4]]
    assert [trained.tolist() for _, trained in rows] == [[False, True, False], [False, True]]
