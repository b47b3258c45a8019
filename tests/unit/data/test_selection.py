import numpy as np

from onnxaudit.data.selection import thin
from onnxaudit.records import Samples


def test_samples_are_thinned_evenly_over_their_classes() -> None:
    labels = np.repeat([0, 1, 2], (40, 10, 4))
    images = np.zeros((54, 1, 2, 2), np.float32)
    found = thin(Samples(images, labels, "drawn"), 12)
    assert np.bincount(found.labels if found.labels is not None else []).tolist() == [4, 4, 4]


def test_few_samples_stay_what_they_are() -> None:
    samples = Samples(np.zeros((5, 1, 2, 2), np.float32), None, "drawn")
    assert thin(samples, 5) is samples
