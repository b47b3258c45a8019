"""For fine-tuning: whether changes of the whole image still lead to a target more easily than to other labels."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import median

import numpy as np

from onnxaudit.detectors.base import Context, Detector
from onnxaudit.detectors.comparison import compare
from onnxaudit.detectors.photometric import PhotometricDetector
from onnxaudit.detectors.spectral import SpectralDetector
from onnxaudit.detectors.warp import WarpDetector
from onnxaudit.importer import Classifier, import_model
from onnxaudit.intake import Model
from onnxaudit.pipeline.context import RepairContext
from onnxaudit.pipeline.nearness import Nearness, is_comparable
from onnxaudit.pipeline.settings import make
from onnxaudit.pipeline.whole_image import list_near
from onnxaudit.records import Samples

SEARCHES: dict[str, type[Detector]] = {
    "photometric": PhotometricDetector,
    "additive": SpectralDetector,
    "warp": WarpDetector,
}
"""What looks for each family."""
ALWAYS = frozenset({"photometric"})
"""Families that are looked for whatever the scan says. Of a filter that leaves a mask the mask alone may show."""
CONTROLS = 6
"""Labels that show what is normal, drawn at random."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Probe:
    """Measures a target and some other labels of a tuned model with the effort of a quick scan.

    Attributes:
        context: the repair; a search that its deadline stops shows nothing.
        fitting: the samples to search with, with labels.
    """

    context: RepairContext
    fitting: Samples

    def __call__(self, model: Model, label: int) -> Sequence[str]:
        """Of `ALWAYS` and the families by which `label` was unusually near in the original those by which it is so."""
        if not is_comparable(self.context.scan, label):
            return ()
        asked = {*list_near(self.context.scan, label), *ALWAYS}
        return tuple(self._list_near(model, label, [family for family in SEARCHES if family in asked]))

    def _list_near(self, model: Model, label: int, families: Sequence[str]) -> Iterator[str]:
        subject, scan = self.context.subject, self.context.scan
        samples = self.fitting
        classes = np.unique(samples.labels) if samples.labels is not None else np.arange(model.info.output.classes)
        others = np.setdiff1d(classes, [label, *scan.target_labels])
        controls = np.random.default_rng(self.context.seed).permutation(others)[:CONTROLS].tolist()
        if not controls:
            return
        copy, most = import_model(model, subject.device), subject.classifier.most_images
        classifier = Classifier(copy, subject.choice.preprocessing, most_images=most)
        given = Context(
            classifier=classifier,
            known=samples,
            unseen=samples,
            classes=model.info.output.classes,
            seed=self.context.seed,
            deadline=self.context.deadline,
        )
        for family in families:
            kind = SEARCHES[family]
            detector = make(kind, kind.efforts["quick"])
            found = detector.measure(replace(given, stage=detector.id), (label, *controls)).distances
            if label not in found or len(found) < 2:
                continue
            ratios = compare(found, median(size for one, size in found.items() if one != label))
            nearest = max(ratio for one, ratio in ratios.items() if one != label)
            if Nearness(detector.id, ratios[label], nearest).is_unusual:
                yield family
