"""For fine-tuning: whether there is still a short way to a label."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

from onnxaudit.detectors.patch import PatchDetector
from onnxaudit.importer import Classifier, import_model
from onnxaudit.intake import Model
from onnxaudit.inversion.patch import invert
from onnxaudit.pipeline.context import RepairContext
from onnxaudit.records import LabelStatus, Samples, Trigger


@dataclass(frozen=True, kw_only=True, eq=False)
class Reinversion:
    """Inverts a label on a tuned model, from a fresh start, and keeps a trigger that still stands out.

    Attributes:
        context: the repair; an inversion that its deadline stops counts for nothing.
        fitting: the samples to invert on.
        kept: what was found on the original, by label and number: pruning and fine-tuning both ask.
    """

    context: RepairContext
    fitting: Samples
    kept: dict[tuple[int, int], Sequence[Trigger]] = field(default_factory=dict)

    def __call__(self, model: Model, label: int, number: int) -> Sequence[Trigger]:
        """The trigger of `label` found in round `number`, if it stands out."""
        if model is not self.context.subject.model:
            return self._invert(model, label, number)
        if (label, number) not in self.kept:
            self.kept[label, number] = self._invert(model, label, number)
        return self.kept[label, number]

    @property
    def known(self) -> frozenset[str]:
        """Digests of what was found on the original."""
        return frozenset(one.digest for found in self.kept.values() for one in found)

    def _invert(self, model: Model, label: int, number: int) -> Sequence[Trigger]:
        subject, config = self.context.subject, self.context.config
        copy, most = import_model(model, subject.device), subject.classifier.most_images
        classifier = Classifier(copy, subject.choice.preprocessing, most_images=most)
        seed = self.context.seed + 1000 * number  # no seed of the scans before and after
        (found,) = invert(
            classifier,
            self.fitting,
            (label,),
            config.scan.detection.find_settings(PatchDetector).refinement,
            seed=seed,
            deadline=self.context.deadline,
        )
        if found.status is not LabelStatus.SETTLED or found.trigger.mask_l1 * config.standing_out > self.normal_size:
            return ()
        return (found.trigger,)

    @property
    def normal_size(self) -> float:
        """Median size, in pixels, of the labels that the scan does not accuse; of those that were refined if any."""
        others = [
            row for row in self.context.scan.labels if row.label not in self.context.scan.target_labels and row.mask_l1
        ]
        refined = [row for row in others if row.role is not None]
        return median([row.mask_l1 or 0.0 for row in refined or others] or [0.0])
