"""A checked dataset on the screen, and as JSON."""

from typing import TYPE_CHECKING

from pete.words import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pete.app.data import CheckedData, Night
    from pete.app.learning_curve import Curve
    from pete.cli.screen import Screen
    from pete.data.examples import DataFinding
    from pete.evaluate.stats import Interval


def show_checked(screen: "Screen", data: "CheckedData") -> None:
    """Counts, then what there is to question."""
    from rich.text import Text

    drafts = sum(data.drafts.values())
    and_drafts = f", {counted(drafts, 'draft')} to rewrite" if drafts else ""
    screen.print(Text.assemble((counted(len(data.rows) - drafts, "row"), "bold"), f"{and_drafts}, every one readable"))
    titles = {key: data.persona.categories.get(key, key) for key in data.categories}
    width = max((20, *map(len, titles.values())))
    for key, count in data.categories.items():
        screen.print(f"  {titles[key]:{width}} {count}")
    if drafts:
        screen.print("  drafts               " + ", ".join(f"{count} {kind}" for kind, count in data.drafts.items()))
    if lengths := data.lengths:
        screen.print(
            f"  tokens a row         {lengths[0]} to {lengths[-1]}, half below {lengths[len(lengths) // 2]}; {sum(lengths):,} in all"
        )
        screen.print("  split                " + ", ".join(f"{len(part)} {name}" for name, part in data.splits.items()))
    if data.prompts:
        screen.print(f"  prompts              {len(data.prompts)} for the evaluation")
    if (training := data.training) is not None:
        screen.print(f"  training             {training.in_words()}")
    show_findings(screen, data.findings)
    if not data.findings:
        screen.print("nothing to question")


def show_findings(screen: "Screen", findings: "Sequence[DataFinding]") -> None:
    """One line each: what keeps a training from being begun, then what deserves a look."""
    from rich.text import Text

    for finding in findings:
        label = ("error  ", "bold red") if finding.severity == "error" else ("look at", "yellow")
        screen.print(Text.assemble(label, f" {finding.in_words()}"), soft_wrap=True)


def show_night(screen: "Screen", night: "Night") -> None:
    """What this machine does with the rows in the time that one sleeps."""
    screen.print(f"  a night of 8 h       {night.in_words()}", soft_wrap=True)


def show_curve(screen: "Screen", curve: "Curve") -> None:
    """Rows against bits a byte, and what that says of more rows."""
    screen.print(f"  base                 {curve.base:.3f} bits a byte on held-out text, fewer is better")
    for point in curve.points:
        low, high = point.gain.low, point.gain.high
        screen.print(
            f"  {point.rows:>5,} rows           {point.bits:.3f}, {point.gain.mean:.3f} saved (95%: {low:.3f} to {high:.3f}); "
            f"{point.passes:.1f} passes; {point.run.folder}",
            soft_wrap=True,
        )
    screen.print(curve.verdict, soft_wrap=True)


def checked_document(data: "CheckedData", night: "Night | None" = None, curve: "Curve | None" = None) -> dict[str, object]:
    """What --json prints."""
    from dataclasses import asdict

    lengths = data.lengths or [0]
    training = data.training
    return {
        "rows": len(data.rows) - sum(data.drafts.values()),
        "drafts": data.drafts,
        "prompts": len(data.prompts),
        "categories": data.categories,
        "splits": {name: len(part) for name, part in data.splits.items()},
        "tokens": {"min": lengths[0], "median": lengths[len(lengths) // 2], "max": lengths[-1], "total": sum(lengths)},
        "training": training and {"steps": training.steps, "rows_a_step": training.rows_a_step, "passes": training.passes},
        "night": night
        and {"passes": night.passes, "tokens_per_second": night.plan.tokens_per_second, "training_seconds": night.plan.seconds},
        "learning_curve": curve
        and {
            "base_bits": curve.base,
            "points": [
                {
                    "rows": point.rows,
                    "passes": point.passes,
                    "bits": point.bits,
                    "gain": _interval(point.gain),
                    "run": str(point.run.folder),
                }
                for point in curve.points
            ],
            "second_half": _interval(curve.last),
            "verdict": curve.verdict,
        },
        "errors": len(data.errors),
        "findings": [
            {**asdict(finding), "examples": [{"where": where, "found": text} for where, text in finding.examples]}
            for finding in data.findings
        ],
    }


def _interval(interval: "Interval") -> dict[str, float | None]:
    from math import isfinite

    ends = {"low": interval.low, "high": interval.high}
    return {"mean": interval.mean, **{name: end if isfinite(end) else None for name, end in ends.items()}}
