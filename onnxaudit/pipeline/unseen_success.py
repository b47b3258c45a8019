"""Success of triggers on clean samples that no inversion saw."""

from collections.abc import Mapping

from onnxaudit.data.selection import thin
from onnxaudit.detectors.base import Context
from onnxaudit.errors import OutOfTimeError
from onnxaudit.inversion.forwards import device_of, find_hits
from onnxaudit.pipeline.settings import DetectionConfig
from onnxaudit.records import Event, Inversion, Rate
from onnxaudit.records.samples import take_images
from onnxaudit.statistics import rate_of
from onnxaudit.workers import Workers, cut

VERIFYING = "testing triggers on samples that inversion did not see"
VERIFY_EVERY = 10  # labels between two events, at most


def verify(context: Context, found: Mapping[int, Inversion], config: DetectionConfig) -> dict[int, Rate]:
    """Of each label's trigger on the unseen samples of other classes; of as many labels as there is time for."""
    unseen = thin(context.unseen, config.most_unseen)

    def test(label: int) -> Rate:
        others = take_images(unseen.images, unseen.labels != label)
        return rate_of(find_hits(context.classifier, others, found[label].trigger, label, config.chunk_pixels))

    tell = context.on_event or (lambda _: None)
    tell(Event("verify", 0, len(found), VERIFYING))
    success = dict[int, Rate]()
    with Workers(device_of(context.classifier)) as workers:
        for part in cut(list(found), VERIFY_EVERY):
            try:
                success |= zip(part, workers.map(test, part), strict=True)
            except OutOfTimeError:
                break
            tell(Event("verify", len(success), len(found), VERIFYING))
    return success
