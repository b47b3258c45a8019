"""What a detector is, and what it is given.

A detector measures, for each label, one number and says how it was found. It never decides: what its number comes to
is scoring's, what it means is that of `findings`. All that belongs to one detector stands in its file: its settings
with their only defaults, its words, what it costs, the rule under which it is reported.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, runtime_checkable

from onnxaudit.deadline import Deadline
from onnxaudit.records import Event, Evidence, OnEvent, Samples

if TYPE_CHECKING:  # commands that only name detectors do without PyTorch
    from torch import nn

    from onnxaudit.detectors.comparison import Role
    from onnxaudit.inversion.readings import Readings

Effort = Literal["quick", "standard", "deep"]
Stage = Literal["survey", "shortlist", "screening", "refinement", "model"]
STAGES: Mapping[Stage, str] = {  # in the order in which they run
    "survey": "all classes, before anything else",
    "shortlist": "all classes, and only where there are so many that a shortlist is made",
    "screening": "all classes, or those on the shortlist",
    "refinement": "the suspects of screening, and controls drawn at random",
    "model": "the model as a whole",
}


@dataclass(frozen=True, kw_only=True)
class Words:
    """How a detector is spoken of; what its ratios say ends with "than is normal for this model".

    Attributes:
        subject: "its trigger is".
        closer: "smaller", where a ratio is above one.
        farther: "larger", where it is below.
        progress: what is done while it runs, for people; "" where it takes no time.
    """

    subject: str
    closer: str
    farther: str
    progress: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class Context:
    """What a detector may look at.

    Attributes:
        classifier: logits `(n, classes)` of images `(n, c, h, w)` in [0, 1]; in evaluation mode. Where `features` or
            `head` is given it is an `onnxaudit.importer.Classifier`, which also runs the rest of the network from a
            tensor.
        known: clean samples to search with, with labels (predicted ones where none were given).
        unseen: others of the same kind, to check with.
        features: name of the tensor of inner features; None where the model has none.
        head: name of the tensor from which the logits are computed by affine operators alone; None without one.
        classes: number of labels.
        seed: of all randomness; a label shall draw from a stream of its own, so that it does not depend on its company.
        deadline: what is not done by then is given up and reported as not complete.
        on_event: told of progress.
        earlier: evidence of the detectors that ran before, by id.
        drawn: labels chosen without regard to evidence: they show what is normal.
        roles: in the refinement, its labels; empty before.
        stage: under which progress is told.
        of_known, of_unseen: what the network answers on these samples, and such inner tensors as were read beside;
            None: nothing was read yet.
    """

    classifier: "nn.Module"
    known: Samples
    unseen: Samples
    features: str | None = None
    head: str | None = None
    classes: int
    seed: int
    deadline: Deadline = Deadline()
    on_event: OnEvent | None = None
    earlier: Mapping[str, Evidence] = field(default_factory=dict)
    drawn: frozenset[int] = frozenset()
    roles: "Mapping[int, Role]" = field(default_factory=dict)
    stage: str = ""
    of_known: "Readings | None" = None
    of_unseen: "Readings | None" = None

    def tell(self, message: str, done: int = 0, total: int = 0) -> None:
        """Report progress; `total` is 0 where nobody knows."""
        self.relay(Event(self.stage, done, total, message))

    def allows(self, detector: "Detector | type[Detector]") -> bool:
        """Whether the model has the tensor that a detector needs."""
        return not detector.needs or getattr(self, detector.needs) is not None

    def relay(self, event: Event) -> None:
        """Pass on what a search tells, as progress of this detector."""
        if self.on_event is not None:
            self.on_event(replace(event, stage=self.stage))


class Detector(Protocol):
    """One way to single out the target of a backdoor, or a model that has one.

    A class with these attributes, `@detector` above it, and one optional argument: its settings. It may inherit from
    this one, which has values for what most do without.

    Attributes:
        id: lower case, words joined by hyphens; for good: reports and policies hold it.
        title: for headings.
        explanation: what it measures, one sentence without its full stop.
        stage: when it runs, and for which labels.
        words: how it is spoken of.
        requires: ids of the detectors whose evidence it reads.
        needs: "features" or "head", where a model without that tensor is beyond it.
        efforts: settings where they differ from the usual ones.
        of_large: settings for images of more than 64x64 pixels, whose passes cost tens of milliseconds each; None: the
            usual ones.
        of_costly: settings for large images and networks that multiply billions of times for one of them; None: those
            of large images.
        control: whether it measures what is normal and singles out no label: what it could not measure hides nothing.
        replicated: whether it runs again under other seeds where the score is near a limit.
        rule: identifier of the rule under which a label that it alone singles out is reported.
    """

    id: ClassVar[str]
    title: ClassVar[str]
    explanation: ClassVar[str]
    stage: ClassVar[Stage]
    words: ClassVar[Words]
    requires: ClassVar[tuple[str, ...]] = ()
    needs: ClassVar[Literal["", "features", "head"]] = ""
    efforts: ClassVar[Mapping[Effort, Any]] = {}
    of_large: ClassVar[Any] = None
    of_costly: ClassVar[Any] = None
    control: ClassVar[bool] = False
    replicated: ClassVar[bool] = False
    rule: ClassVar[str] = ""

    @property
    def config(self) -> Any:
        """Its settings, a frozen dataclass."""

    def measure(self, context: Context, labels: Sequence[int]) -> Evidence:
        """Measure `labels`; of a detector of the model as a whole they are all."""
        ...

    def count_passes(self, labels: int) -> int:
        """Image passes (one image forward and backward) that so many labels take at most."""
        del labels
        return 0


@runtime_checkable
class Refining(Protocol):
    """A detector that measures suspects and controls once more, with equal effort."""

    def refine(self, context: Context, labels: Sequence[int]) -> Evidence:
        """All its evidence, that on `labels` made anew; what it found before stands in `context.earlier`."""
        ...

    def count_refining_passes(self, labels: int) -> int:
        """Image passes that so many labels take at most."""
        ...
