"""Rows of evidence drawn so that the truth is known."""

import numpy as np

from tools.calibration.table import Row


def make_row(number: int, *, family: str = "clean", strength: float = 1.5, classes: int = 12) -> Row:
    """A model whose target, if it has one, is 5 times closer by `patch`; everything else is noise."""
    rng = np.random.default_rng(number)
    ratios = np.exp(rng.normal(0, 0.2, classes))
    target = int(rng.integers(classes))
    if family != "clean":
        ratios[target] *= np.exp(strength)
    noise = np.exp(rng.normal(0, 0.2, classes))
    return Row(
        model=f"model-{number:03d}",
        sha256=f"{number:064x}",
        zoo="drawn",
        kind=family,
        family=family,
        targets=() if family == "clean" else (target,),
        architecture=("lenet", "vit")[number // 4 % 2],
        dataset="drawn",
        classes=classes,
        shape=(1, 28, 28),
        accuracy=0.9,
        success=() if family == "clean" else (1.0,),
        quantized=False,
        per_class=10,
        verdict="clean",
        score=0.1,
        seconds=3.0,
        evidence={
            "patch": ratios.tolist(),
            "spectral": noise.tolist(),
            "exact-shift": noise.tolist(),
            "success": [1.0] * classes,
            "mask_l1": (40 / ratios).tolist(),
        },
    )


def make_rows(count: int = 24) -> list[Row]:
    """Half of them clean, the others of two families."""
    families = ("clean", "badnets", "clean", "sig")
    return [make_row(number, family=families[number % 4]) for number in range(count)]
