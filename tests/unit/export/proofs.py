"""A proof made by hand."""

from pete.export.record import ExportProof


def proof(**changed) -> ExportProof:
    facts = {
        "form": "gguf", "kind": "q8_0", "name": "ada-tiny", "base": "tiny", "base_fingerprint": "f" * 64, "adapter_sha256": "a" * 64,
        "sha256": {"ada-tiny-q8_0.gguf": "c" * 64}, "size": 146_000_000, "reader": "llama.cpp", "reference": "torch, float32",
        "prompts": 20, "rows": 18, "rows_of": "the run's test rows", "ids": "the reader", "gap": 0.04, "kl": 0.0004, "kl_base": 0.21,
        "greedy": 0.9, "bits_per_byte": 1.2003, "tuned_bits_per_byte": 1.2, "base_bits_per_byte": 1.5, "tokens_per_second": 100.0,
    }  # fmt: skip
    return ExportProof.model_validate(facts | changed)
