"""How much of a mask lies close together: evidence that tells a planted patch from a natural way to a label.

    compactness(m) = max over windows w of Σ_w m / Σ m,      w: squares of 7/32 of the height and width

A planted patch is one piece, and so is the mask that recovers it. The smallest natural trigger of a label is a handful
of strokes all over the image, wherever they turn it into that label: it can be as small, but seldom as compact.
"""

import numpy as np

from onnxaudit.records import Floats

SIDE = 7 / 32  # of the window, as a share of the image's; holds the usual patches of a few percent of the area


def measure_compactness(mask: Floats) -> float:
    """Share of a mask `(1, h, w)` in its best window, in (0, 1]; 0 for an empty mask."""
    height, width = (max(1, round(SIDE * side)) for side in mask.shape[1:])
    sums = np.pad(mask[0].astype(np.float64).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    windows = sums[height:, width:] - sums[:-height, width:] - sums[height:, :-width] + sums[:-height, :-width]
    total = sums[-1, -1]
    return float(windows.max() / total) if total > 0 else 0.0
