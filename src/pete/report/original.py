"""The figures of the original report (report.md, "C. Pete Connor Model Fine-Tuning Report"), to stand beside ours."""

SECONDS = (3.0, 5.0)
TOKENS_PER_SECOND = (10.0, 20.0)
GIGABYTES = (4.0, 6.0)
WHAT = "EleutherAI/pythia-1.4b on an Apple M4 Pro"


def span(figures: tuple[float, float]) -> str:
    """Two ends in words."""
    return f"{figures[0]:g} to {figures[1]:g}"
