"""A bench that nobody ran, for those who draw one."""

from typing import Any

from pete.report.bench import Bench, Decoded, Floor, Load, OnDevice, Spread, Trained

GB = 2**30


def a_bench(**given: Any) -> Bench:
    trained = (
        Trained("report", "the report's way", "float32", Spread(20, 18, 21), (100, 120), 1, 330, 4 * GB, 3.1, 0.05, 20.0),
        Trained("trainer", "peft, Trainer", "padded", Spread(100, 90, 104), (100, 120), 1, 330, 3 * GB, 2.9, 0.25, 4.0),
        Trained("ours", "Pete", "end to end", Spread(400, 380, 410), (100, 120), 1, 330, GB, 2.9, 0.8, 1.0),
    )
    decoded = (
        Decoded(
            "generate", "transformers", "merged", Spread(0.5, 0.4, 0.6), Spread(20, 19, 22), Spread(90, 85, 95),
            2 * GB, GB, 0.5, 1.0,
        ),
        Decoded(
            "llama", "Pete, llama", "8-bit", Spread(0.2, 0.1, 0.3), Spread(60, 55, 66), Spread(150, 140, 160),
            GB, GB // 4, 0.7, 3.0,
        ),
    )  # fmt: skip
    floor = Floor(Spread(500, 490, 520), 9e10, 17e9)
    device = OnDevice("cpu", "", "float32", "as configured", 2, 134_515_008, floor, 3.4, True, trained, decoded)
    facts: dict[str, Any] = {
        "made": "2026-01-02T03:04:05+00:00", "quick": True, "finished": True, "base": "a-base",
        "parameters": 134_515_008, "persona": "Ada", "rows": 4,
        "lora": "rank 16, alpha 32, dropout 0, all-linear", "answer": 32, "together": 8,
        "seconds": 250.0, "versions": {"pete": "1", "torch": "2"}, "load": Load(2, 0.1, 0.0), "devices": (device,),
        "machine": {
            "chip": "A chip", "cores": 2, "usable_cores": 2, "system": "Linux 1", "memory": 24 * GB, "on_battery": False, "python": "3",
        },
        "left_out": {"TRL SFTTrainer": "datasets not installed: pete install bench"},
    }  # fmt: skip
    return Bench(**(facts | given))
