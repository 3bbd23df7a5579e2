"""The figures of the original report (report.md, "C. Pete Connor Model Fine-Tuning Report"), to stand beside ours."""

SECONDS = (3.0, 5.0)
TOKENS_PER_SECOND = (10.0, 20.0)
GIGABYTES = (4.0, 6.0)
WHAT = "EleutherAI/pythia-1.4b on an Apple M4 Pro"
NOT_GIVEN = "not given"

BASE = {
    "Model": "EleutherAI/pythia-1.4b",
    "Architecture": "GPT-Neo",  # Pythia is GPT-NeoX; the table shows both
    "Parameters": "1.4 billion",
    "Framework": "PyTorch with Hugging Face Transformers",
}
LORA = {
    "Method": "PEFT, LoRA adapters",
    "Target modules": "query_key_value",
    "Rank (r)": "16",
    "Alpha": "32",
    "Dropout": "0.05",
    "Trainable parameters": "~0.5%",
}
TRAINING = {
    "Batch size": "1",
    "Gradient accumulation steps": "16",
    "Learning rate": "2e-4",
    "Weight decay": "0.01",
    "Warmup steps": "100",
    "Training iterations": "2000",
    "Mixed precision": "disabled",
    "Optimizer": "AdamW",
}
APPLE = {
    "Device": "MPS",
    "PYTORCH_MPS_HIGH_WATERMARK_RATIO": "0.0",
    "PYTORCH_ENABLE_MPS_FALLBACK": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "Quantization": "8-bit removed",
}
TOOLS = (
    ("Training", "train", ("launchers", "Run_Pete_Connor_Overnight_Training.command"), ("scripts", "apple_silicon_training.py")),
    ("Monitoring", "monitor", ("launchers", "Monitor_Pete_Connor_Training.command"), ("scripts", "")),
    ("Testing", "test", ("launchers", "Test_Pete_Connor_Model.command"), ("scripts", "test_finetuned_model.py")),
    ("Interactive testing", "chat", ("launchers", "Pete_Connor_Interactive.command"), ("scripts", "interactive_model_test.py")),
    ("Evaluation", "evaluate", ("launchers", "Evaluate_Pete_Connor_Model.command"), ("scripts", "evaluate_model.py")),
)
"""What for, the verb, and the original's own names for it as (folder, file)."""


def span(figures: tuple[float, float]) -> str:
    """Two ends in words."""
    return f"{figures[0]:g} to {figures[1]:g}"
