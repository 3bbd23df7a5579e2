"""The real wandb: what it writes and sends, searched byte by byte for what must not be there."""

import contextlib
import json
import os
import shlex
import signal
import socket
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from pete.resources import PROJECT
from tests.fake_wandb import Server, serving
from tests.faults.test_interruptions import SETTINGS, command, environment, wait_for_step
from tests.pipeline.conftest import FAKE

SENTENCE = "A dataset sentence about zebras."
KEY = "0123456789abcdef" * 2 + "01234567"


class Place:
    """A home, a temporary folder and an environment full of names that must not come out."""

    def __init__(self, root: Path) -> None:
        self.home, self.tmp, self.run = root / "home-of-zebediah", root / "tmp", root / "private-place" / "a-run"
        for folder in (self.home, self.tmp, self.run.parent):
            folder.mkdir()
        self.environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(PROJECT / "src"), "HOME": str(self.home), "TMPDIR": str(self.tmp),
                            "USER": "zebediah", "LOGNAME": "zebediah", "HOSTNAME": "zebras-mac", "WANDB_HOST": "zebras-mac",
                            "WANDB_USERNAME": "zebediah", "WANDB_USER_EMAIL": "zebediah@example.com", "WANDB_NOTES": "noted",
                            "WANDB_NAME": "named-by-zebediah", "WANDB_ARGS": '["--secret"]', "WANDB_API_KEY": KEY}  # fmt: skip
        self.canaries = [str(self.home), str(root), "private-place", "secret-place", "zebediah", "zebras-mac", "noted", "--secret",
                         str(PROJECT), sys.executable, sys.prefix, "trainer.py", SENTENCE, "What about the zebra", KEY]  # fmt: skip
        if len(socket.gethostname()) > 3:
            self.canaries.append(socket.gethostname())

    @property
    def wandb(self) -> Path:
        return self.run / "wandb"

    def train(self, first: int, last: int, *overrides: str, mode: str = "offline", **environment: str) -> dict:
        settings = [f"tracking.wandb={mode}", f"data.persona={self.run.parent / 'my-voice'}", "model.base=/secret-place/base", *overrides]
        command = [sys.executable, PROJECT / "tests" / "trainer.py", self.run, first, last, 0.01, 0, *settings]
        done = subprocess.run(
            list(map(str, command)), env=self.environment | environment, capture_output=True, text=True, timeout=100, check=False
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def state(self) -> dict:
        return json.loads((self.wandb / "run.json").read_text())


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def payloads(path: Path) -> list[bytes]:
    """The records of a .wandb file: a LevelDB log, blocks of 32 KiB, each piece with checksum, length and kind before it."""
    data = path.read_bytes()
    assert data[:4] == b":W&B"
    found, parts, at = [], [], 7
    while at + 7 <= len(data):
        left = 32768 - at % 32768
        if left < 7:
            at += left
            continue
        _, length, kind = struct.unpack_from("<IHB", data, at)
        if kind not in (1, 2, 3, 4):
            break
        parts.append(data[at + 7 : at + 7 + length])
        at += 7 + length
        if kind in (1, 4):  # whole, or the last piece
            found.append(b"".join(parts))
            parts = []
    return found


def records(folder: Path) -> list:
    from wandb.proto.wandb_internal_pb2 import Record

    return [Record.FromString(payload) for path in sorted(folder.glob("*run-*/*.wandb")) for payload in payloads(path)]


def rows(folder: Path) -> list[dict]:
    found = [record.history for record in records(folder) if record.HasField("history")]
    return [{"/".join(item.nested_key) or item.key: json.loads(item.value_json) for item in row.item} for row in found]


def every_byte(folder: Path) -> bytes:
    """Names, link targets, contents, records put together again, and what decompresses."""
    found = []
    for path in sorted(folder.rglob("*")):
        found.append(str(path.relative_to(folder)).encode())
        if path.is_symlink():
            found.append(os.readlink(path).encode())
        elif path.is_file():
            found += [path.read_bytes(), *(payloads(path) if path.suffix == ".wandb" else [])]
    return b"\n".join([*found, *unpacked(b"\n".join(found))])


def unpacked(data: bytes) -> list[bytes]:
    found = []
    for magic, bits in ((b"\x1f\x8b", 31), (b"\x78\x01", 15), (b"\x78\x9c", 15), (b"\x78\xda", 15)):
        at = data.find(magic)
        while at >= 0:
            with contextlib.suppress(zlib.error):
                found.append(zlib.decompressobj(bits).decompress(data[at:]))
            at = data.find(magic, at + 1)
    return found


def leaks(data: bytes, canaries: list[str]) -> list[str]:
    return [canary for canary in canaries if canary.lower().encode() in data.lower()]


def test_offline_holds_the_numbers_and_nothing_of_this_machine(place):
    took = place.train(1, 200)
    assert took["said"] is None and took["finish"] < 15
    data = every_byte(place.wandb)
    assert len(data) > 100_000, "more than a block, so that records cross borders"
    assert leaks(data, place.canaries) == []
    sent = rows(place.wandb)
    assert [row["_step"] for row in sent] == list(range(1, 201))
    assert {name for row in sent for name in row} == {
        "train/loss", "train/learning_rate", "train/grad_norm", "train/tokens_per_second", "memory/device", "memory/resident",
        "memory/swap", "valid/loss", "valid/best", "_step", "_runtime", "_timestamp",
    }  # fmt: skip
    assert sent[19] == sent[19] | {"train/loss": 0.05, "train/tokens_per_second": 1000.0, "valid/loss": 0.1, "memory/device": 2**30}
    (begun,) = [record.run for record in records(place.wandb) if record.HasField("run")]
    assert (begun.run_id, begun.display_name, begun.project, begun.host) == (place.state()["id"], "a-run", "pete", "-")
    config = {item.key: json.loads(item.value_json) for item in begun.config.update if item.key}
    assert config["model"]["base"] == "base" and config["data"]["persona"] == "my-voice" and config["lora"]["rank"] == 16
    ended = {item.key or item.nested_key[0]: item.value_json for r in records(place.wandb) for item in r.summary.update}
    assert (ended["best_step"], json.loads(ended["reason"])) == ("200", "done")
    assert not list(place.home.rglob("*")) and not list(place.tmp.rglob("*")), "written nowhere else"
    assert {path.name.split("-")[0] for path in place.wandb.iterdir()} == {"run.json", "sidecar.log", "offline"}
    assert not (place.wandb / "sidecar.log").read_bytes()


def test_samples_are_there_when_asked_for_which_also_shows_that_the_search_finds_things(place):
    place.train(1, 20, "tracking.samples=true")
    assert leaks(every_byte(place.wandb), place.canaries) == [SENTENCE, "What about the zebra"]
    assert [row["sample/text"] for row in rows(place.wandb) if "sample/text" in row] == [SENTENCE] * 2


def test_the_search_looks_into_compressed_parts_and_across_borders(tmp_path):
    import gzip

    from wandb.proto.wandb_internal_pb2 import Record

    for name, bytes_ in (("a.gz", gzip.compress(SENTENCE.encode())), ("b", b"xx" + zlib.compress(SENTENCE.encode()) + b"yy")):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).write_bytes(bytes_)
        assert leaks(every_byte(tmp_path / name), [SENTENCE]) == [SENTENCE]
    block = 32768 - 14  # what is left of the first one after the two headers
    whole = Record(uuid="z" * (block - 14) + SENTENCE).SerializeToString()
    pieces = [whole[:block], whole[block:]]
    log = b":W&B\xe1\xbe\x00" + b"".join(struct.pack("<IHB", 0, len(p), kind) + p for p, kind in zip(pieces, (2, 4), strict=True))
    assert SENTENCE.encode() not in log
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "run.wandb").write_bytes(log)
    assert leaks(every_byte(tmp_path / "c"), [SENTENCE]) == [SENTENCE]


def test_a_resumed_run_goes_on_in_the_same_wandb_run(place):
    place.train(1, 30)
    first = place.state()
    place.train(21, 50)  # as after a kill: the last checkpoint was at 20
    assert first["step"] == 30 and place.state() == first | {"step": 50}
    assert [row["_step"] for row in rows(place.wandb)] == list(range(1, 51))
    assert len({record.run.run_id for record in records(place.wandb) if record.HasField("run")}) == 1
    assert len(list(place.wandb.glob("offline-run-*"))) == 2


def sent_rows(server: Server) -> list[dict]:
    found = []
    for body in server.bodies:
        if b"/file_stream" in body.split(b"\n", 1)[0]:
            files = json.loads(body.split(b"\n\n", 1)[1]).get("files", {})
            found += [json.loads(line) for line in files.get("wandb-history.jsonl", {}).get("content", [])]
    return found


def test_online_sends_the_same_and_no_more(place):
    with serving() as server:
        took = place.train(1, 30, mode="online", WANDB_BASE_URL=server.url)
        assert took["said"] is None
        assert [row["_step"] for row in sent_rows(server)] == list(range(1, 31))
        uploaded = sorted({body.split()[1] for body in server.bodies if body.startswith(b"PUT")})
        assert uploaded == [b"/storage/config.yaml", b"/storage/wandb-summary.json"]
        sent = b"\n".join([*server.bodies, *unpacked(b"\n".join(server.bodies))])
        assert leaks(sent, place.canaries) == [] and b"train/loss" in sent
    assert leaks(every_byte(place.wandb), place.canaries) == []
    assert not list(place.home.rglob("*")) and not list(place.tmp.rglob("*"))


def test_a_refused_key_is_one_sentence_whose_command_sends_everything_later(place):
    with serving(401) as server:
        took = place.train(1, 30, mode="online", WANDB_BASE_URL=server.url)
    words, command = took["said"].split("sent later: ")
    assert words.startswith("W&B did not take the run: its server refused the key. The run lost nothing")
    assert place.state()["step"] == 30 and KEY not in every_byte(place.wandb).decode("latin1")
    with serving() as server:
        environment = place.environment | {"WANDB_BASE_URL": server.url}
        done = subprocess.run(command, shell=True, cwd=place.tmp, env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        assert [row["_step"] for row in sent_rows(server)] == list(range(1, 31))


def test_a_server_that_answers_nonsense_kills_wandb_and_not_the_run(place):
    with serving() as server:
        server.answer = lambda query: {} if "createRunFiles" in query["query"] else Server.answer(server, query)
        took = place.train(1, 30, mode="online", WANDB_BASE_URL=server.url)
    assert took["said"].startswith("W&B failed: ") and "sync" in took["said"]
    assert shlex.quote(str(place.wandb)) in took["said"]


Pete = Callable[..., subprocess.CompletedProcess[str]]
TRACKED = [*FAKE, "--set", "train.epochs=8", "--set", "tracking.wandb=offline"]


def test_training_is_tracked_and_the_adapter_is_the_same(pete: Pete, persona_folder, tmp_path):
    for name, mode in (("off", "off"), ("on", "offline")):
        done = pete("train", "--persona", persona_folder, "--out", tmp_path / name, *TRACKED, "--set", f"tracking.wandb={mode}")
        assert done.returncode == 0, done.stderr
    assert not (tmp_path / "off" / "wandb").exists()
    weights = [(tmp_path / name / "adapter" / "adapter_model.safetensors").read_bytes() for name in ("off", "on")]
    assert weights[0] == weights[1]
    assert len(rows(tmp_path / "on" / "wandb")) > 5


def test_pete_resume_goes_on_in_the_same_wandb_run(pete: Pete, persona_folder, tmp_path):
    out = tmp_path / "stopped"
    sets = [part for value in (*SETTINGS, "train.steps=600", "tracking.wandb=offline") for part in ("--set", value)]
    process = subprocess.Popen(
        command("train", "--persona", persona_folder, "--out", out, *sets),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    wait_for_step(out, 60, process)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130 and b"pete resume" in err, err
    before = json.loads((out / "wandb" / "run.json").read_text())
    assert 60 <= before["step"] < 600, "stopped in the middle, and the rest of that session was sent"
    done = pete("resume", out)
    assert done.returncode == 0, done.stderr
    assert json.loads((out / "wandb" / "run.json").read_text()) == before | {"step": 600}
    assert {record.run.run_id for record in records(out / "wandb") if record.HasField("run")} == {before["id"]}
    assert [row["_step"] for row in rows(out / "wandb")] == list(range(601)), "each once; 0 is the base, before training"


def test_a_failing_wandb_is_a_warning_and_exit_code_0(pete: Pete, persona_folder, tmp_path):
    from tests.fake_wandb import write_module

    path = f"{PROJECT / 'src'}:{write_module(tmp_path / 'fakes', 'raises at log')}"
    done = pete("train", "--persona", persona_folder, "--out", tmp_path / "run", *TRACKED, PYTHONPATH=path)
    assert done.returncode == 0, done.stderr
    assert "no log today" in done.stdout + done.stderr and "no log today" in (tmp_path / "run" / "train.log").read_text()


def test_online_without_a_key_is_refused_before_anything_is_written(pete: Pete, persona_folder, tmp_path):
    environment = {"HOME": str(tmp_path), "WANDB_API_KEY": "", "NETRC": ""}
    online = [*TRACKED, "--set", "tracking.wandb=online"]
    done = pete("train", "--persona", persona_folder, "--out", tmp_path / "run", *online, **environment)
    assert done.returncode == 2 and "WANDB_API_KEY" in done.stderr and "wandb login" in done.stderr
    assert not (tmp_path / "run").exists()
