"""For fine-tuning: whether there is still a short way to a label."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from onnxaudit.deadline import Deadline
from onnxaudit.importer import Classifier, import_model
from onnxaudit.intake import Model
from onnxaudit.inversion.patch import InversionConfig, invert
from onnxaudit.pipeline.subject import Subject
from onnxaudit.records import LabelStatus, Samples, ScanReport, Trigger


@dataclass(frozen=True, eq=False)
class Reinversion:
    """Inverts a label on a tuned model, from a fresh start, and keeps a trigger that still stands out.

    Attributes:
        subject: the original.
        scan: of the original; says which sizes are normal.
        fitting: the samples to invert on.
        config: of the inversion.
        standing_out: a trigger stands out if it is this many times smaller than is normal.
        seed: of all randomness.
        deadline: an inversion that it stops counts for nothing.
    """

    subject: Subject
    scan: ScanReport
    fitting: Samples
    config: InversionConfig
    standing_out: float
    seed: int
    deadline: Deadline

    def __call__(self, model: Model, label: int, number: int) -> Sequence[Trigger]:
        """The trigger of `label` found in round `number`, if it stands out."""
        classifier = Classifier(import_model(model, self.subject.device), self.subject.choice.preprocessing)
        seed = self.seed + 1000 * number  # no seed of the scans before and after
        (found,) = invert(classifier, self.fitting, (label,), self.config, seed=seed, deadline=self.deadline)
        if found.status is not LabelStatus.SETTLED or found.trigger.mask_l1 * self.standing_out > self.normal_size:
            return ()
        return (found.trigger,)

    @property
    def normal_size(self) -> float:
        """Median size, in pixels, of the labels that the scan does not accuse; of those in its closer look if any."""
        others = [row for row in self.scan.labels if row.label not in self.scan.target_labels and row.mask_l1]
        closer = [row for row in others if row.role is not None]
        return median([row.mask_l1 or 0.0 for row in closer or others] or [0.0])
