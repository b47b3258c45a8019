"""What each part of a repair is worth: the method's options, and ours, next to leaving them out.

    python -m benchmarks.ablation --zoo DIR --data DIR --results DIR [--scans DIR] [--only NAME ...] [--variants ...]

Pruning alone: the criterion (efficiency, or the published one), groups, the fit, a published loop whose fit is guarded;
`prune, published` is the loop as it was published. Then the whole repair: augmentation, which layers move, how far
weights may go, one inverted trigger in place of several from several seeds, no random triggers beside them, gradients
of triggered images where the network stands in place of on the way back to the original.

Every variant gets the same scan, the same inverted trigger, the same `X` and `D_valid`. A line shows accuracy (PA) and
success of the *true* trigger (ASR) on evaluation images, agreement on `D_valid`, how many prunes were kept, and seconds
without the new scan; over several models means, and in brackets the worst. Rows are kept in `--results`: a second run
goes on there.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean

from benchmarks.repair import GLANCE, Run, carry_out, list_entries
from benchmarks.repair_table import WITHOUT, Row, read_figures
from benchmarks.results import add_json_option, keep
from benchmarks.zoo_folder import Zoo, add_run_options
from onnxaudit.pipeline import FineTuningConfig, PruningConfig, RepairConfig

PRUNE = RepairConfig(method="prune", scan=GLANCE, further_passes=0)
FULL = RepairConfig(scan=GLANCE, further_passes=0)


def prune_with(**changes: object) -> RepairConfig:
    """Pruning alone with other settings of the loop."""
    return replace(PRUNE, pruning=replace(PruningConfig(), **changes))  # type: ignore[arg-type]


def tune_with(**changes: object) -> RepairConfig:
    """The whole repair with other settings of fine-tuning."""
    return replace(FULL, fine_tuning=replace(FineTuningConfig(), **changes))  # type: ignore[arg-type]


DISTILLATION = FineTuningConfig().distillation
STILL = replace(DISTILLATION.augmentation, shift=0.0, brightness=0.0, contrast=0.0, mixed=0.0)
VARIANTS = {
    "prune": PRUNE,
    "prune, success": prune_with(criterion="success"),
    "prune, no groups": prune_with(largest_group=0.0),
    "prune, no fit": prune_with(ridge=0.0),
    "prune, published": prune_with(criterion="success", guarded=False),
    "full": FULL,
    "full, no augmentation": tune_with(distillation=replace(DISTILLATION, augmentation=STILL, copies=1)),
    "full, head alone": tune_with(layers="head"),
    "full, within 10 %": tune_with(distillation=replace(DISTILLATION, reach=0.1)),
    "full, within 3 %": tune_with(distillation=replace(DISTILLATION, reach=0.03)),
    "full, one trigger": tune_with(starts=0),
    "full, no random ones": tune_with(random_triggers=0),
    "full, no way back": tune_with(distillation=replace(DISTILLATION, way_back=0.0)),
}


def format_table(rows: Sequence[Row], variants: Sequence[str]) -> list[str]:
    """A line for each variant, in percent; what a variant did not give on some model is left out and counted."""
    lines = [f"{'variant':22} {'models':>6} {'PA':>14} {'true ASR':>14} {'agreement':>14} {'kept prunes':>11} {'s':>6}"]
    return lines + [_format_variant(rows, variant) for variant in (WITHOUT, *variants)]


def _format_variant(rows: Sequence[Row], variant: str) -> str:
    known = [(row["ways"][variant], figures) for row in rows if (figures := read_figures(row, variant)) is not None]
    if not known:
        return f"{variant:22} {0:6}"
    accuracy = _pair([figures.accuracy for _, figures in known], min)
    success = _pair([figures.success for _, figures in known], max)
    agreement = _pair([figures.agreement for _, figures in known if figures.agreement is not None], min)
    kept = [way["kept_prunes"] for way, _ in known if "kept_prunes" in way]
    seconds = [figures.seconds for _, figures in known if figures.seconds is not None]
    return (
        f"{variant:22} {len(known):6} {accuracy:>14} {success:>14} {agreement:>14} "
        f"{f'{mean(kept):.1f}' if kept else '-':>11} {f'{mean(seconds):.1f}' if seconds else '-':>6}"
    )


def _pair(shares: Sequence[float], worst: object) -> str:
    """Mean and worst."""
    if not shares:
        return "-"
    assert callable(worst)
    return f"{100 * mean(shares):.1f} ({100 * worst(shares):.1f})"


def find_runs(options: argparse.Namespace) -> list[Run]:
    """The chosen models of a zoo, of those that fit the method's table."""
    entries = list_entries(Zoo(options.zoo, options.data), others=False)
    chosen = [entry for entry in entries if not options.only or any(part in entry.name for part in options.only)]
    return [Run(entry, options.seed, options.per_class, options.results, options.scans, VARIANTS) for entry in chosen]


def parse() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--zoo", type=Path, required=True, help="folder with index.json, models and truth/")
    add_run_options(parser)
    parser.add_argument("--variants", nargs="*", default=list(VARIANTS), choices=list(VARIANTS))
    parser.add_argument("--seed", type=int, default=0)
    add_json_option(parser)
    return parser.parse_args()


def main() -> None:
    """Run, keep, print."""
    options = parse()
    rows = carry_out(find_runs(options), options.variants, options)
    keep(options.json, "ablation", rows)
    print("\n".join(format_table(rows, options.variants)))


if __name__ == "__main__":
    main()
