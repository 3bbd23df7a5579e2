from pete.engines.devices import on_this_machine, rank, world


def test_without_torchrun_this_process_leads_and_all_devices_are_here(monkeypatch):
    for name in ("RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    assert (rank(), world(), on_this_machine(4)) == (0, 0, 4)
    monkeypatch.setenv("RANK", "3")  # some schedulers number their jobs so
    assert (rank(), world()) == (0, 0)


def test_torchrun_says_which_process_this_is_of_how_many_here_and_everywhere(monkeypatch):
    for name, value in {"RANK": "5", "WORLD_SIZE": "8", "LOCAL_WORLD_SIZE": "4"}.items():
        monkeypatch.setenv(name, value)
    assert (rank(), world(), on_this_machine(8)) == (5, 8, 4)
