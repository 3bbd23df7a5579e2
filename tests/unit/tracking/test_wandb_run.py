from pete.run import RunDir
from pete.tracking.wandb_run import WandbRun


def test_the_state_survives_and_a_torn_file_is_a_new_run(tmp_path):
    run = RunDir(tmp_path)
    first = WandbRun.read(run)
    assert first.step == -1 and first.id != WandbRun.read(run).id
    first.step = 7
    first.write(run)
    assert WandbRun.read(run) == first
    run.wandb_state.write_text('{"id": "x"')
    assert WandbRun.read(run).step == -1
