"""The models of the method's experiment table: two kinds of image, LeNet-5, VGG-16 and ResNet-18, three triggers."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, product

from tools.exporting import Export
from tools.zoo.recipes import RATES, Source, ZooRecipe

ARCHITECTURES = ("lenet", "vgg16", "resnet18")
KINDS = ("badnets", "trojan-weights", "trojan-activation")
LENGTHS = {"lenet": 1.6, "vgg16": 2.5, "resnet18": 2.5}
"""Of the training, next to that of a model that is one of many."""

DATA = (("gtsrb32", "signs"), ("faces_yaleb",))
"""For each kind of image the data sets that serve, the best first."""


@dataclass(frozen=True)
class Cell:
    """One cell of the table."""

    source: Source
    architecture: str
    kind: str

    @property
    def name(self) -> str:
        """For people and for `--only`."""
        return f"{self.source.name}-{self.architecture}-{self.kind}"

    def recipes(self) -> Iterator[ZooRecipe]:
        """One recipe after the other, each with another trigger, target and start; no two cells share a name."""
        _, rate = RATES[self.kind]
        for attempt in count():
            yield ZooRecipe(
                number=len(KINDS) * attempt + KINDS.index(self.kind),
                kind=self.kind,
                dataset=self.source.name,
                class_count=self.source.class_count,
                architecture=self.architecture,
                augmentation="light",
                normalised=True,
                rate=rate,
                export=Export("torchscript", 17),
                length=LENGTHS[self.architecture],
            )


def list_cells(sources: tuple[Source, ...]) -> list[Cell]:
    """The cells whose data are there, those that train fastest first."""
    by_name = {source.name: source for source in sources}
    found = [next((by_name[name] for name in names if name in by_name), None) for names in DATA]
    return [
        Cell(source, architecture, kind)
        for architecture, source, kind in product(ARCHITECTURES, found, KINDS)
        if source is not None
    ]
