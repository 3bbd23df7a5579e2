import pytest

from pete.tracking.keys import has_key

ENTRY = "machine {host}\n  login user\n  password {key}\n"


@pytest.mark.parametrize("host", ["api.wandb.ai", "api.forge.coreweave.com"])
@pytest.mark.parametrize("name", [".netrc", "_netrc"])
def test_a_key_of_wandb_login_is_found(tmp_path, host, name):
    assert not has_key({}, tmp_path)
    (tmp_path / name).write_text(ENTRY.format(host=host, key="k"))
    assert has_key({}, tmp_path)


def test_the_environment(tmp_path):
    assert has_key({"WANDB_API_KEY": "k"}, tmp_path) and not has_key({"WANDB_API_KEY": ""}, tmp_path)
    (tmp_path / "elsewhere").write_text(ENTRY.format(host="api.wandb.ai", key="k"))
    assert has_key({"NETRC": str(tmp_path / "elsewhere")}, tmp_path)


def test_the_key_must_be_for_the_server_in_use(tmp_path):
    (tmp_path / ".netrc").write_text(ENTRY.format(host="api.wandb.ai", key="k"))
    assert has_key({"WANDB_BASE_URL": "https://api.wandb.ai"}, tmp_path)
    assert not has_key({"WANDB_BASE_URL": "https://wandb.example.com:8080"}, tmp_path)
    (tmp_path / ".netrc").write_text(ENTRY.format(host="wandb.example.com:8080", key="k"))
    assert has_key({"WANDB_BASE_URL": "https://wandb.example.com:8080"}, tmp_path)


def test_the_settings_file(tmp_path):
    folder = tmp_path / ".config" / "wandb"
    folder.mkdir(parents=True)
    (folder / "settings").write_text("[default]\nbase_url = https://wandb.example.com\n")
    (tmp_path / ".netrc").write_text(ENTRY.format(host="api.wandb.ai", key="k"))
    assert not has_key({}, tmp_path)
    (folder / "settings").write_text("[default]\napi_key = k%1\n")
    (tmp_path / ".netrc").unlink()
    assert has_key({}, tmp_path) and has_key({"WANDB_CONFIG_DIR": str(folder)}, tmp_path / "other")


@pytest.mark.parametrize("content", [b"machine", b"\xff\xfe", ENTRY.format(host="github.com", key="k").encode()])
def test_a_file_without_a_key_is_no_key(tmp_path, content):
    (tmp_path / ".netrc").write_bytes(content)
    (tmp_path / ".config" / "wandb").mkdir(parents=True)
    (tmp_path / ".config" / "wandb" / "settings").write_bytes(content)
    assert not has_key({}, tmp_path)
