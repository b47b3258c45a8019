"""Every error that onnxaudit raises for its users' sake.

    OnnxauditError                  one line: what, where, and what to do
    ├── InputError                  something given to us cannot be used
    │   ├── ModelError              the model file: missing, damaged, not a classifier
    │   │   ├── UnsupportedOperatorError    operators that the importer does not know
    │   │   ├── ParityError         the PyTorch copy does not compute what onnxruntime computes
    │   │   ├── NanError            it answers NaN
    │   │   └── RejectedError       the file works against its audit; says how, by rules
    │   ├── DataError               the clean samples: missing, wrong size, NaN, labels out of range
    │   ├── FetchError              a model elsewhere cannot be had, or is another one than was asked for
    │   ├── UndecidedRangeError     how pixels become inputs could not be told: name it
    │   └── UsageError              options that contradict each other or the input
    │       └── ShortOfMemoryError  the memory that was given is too little for the model
    ├── OutOfTimeError              the time budget was used up within a step
    ├── MissingPackageError         a package is not installed that this work needs
    ├── PluginError                 a detector of another package cannot be loaded, or fails
    ├── WorkerError                 the process that did the work came to no result
    ├── OutputError                 a result cannot be written: no permission, no space, would overwrite input
    └── RepairError                 the written model failed a check; nothing was put in place

The command line turns each into one line on stderr and exit code 2; a scan makes a report of `RejectedError` and
`OutOfTimeError`.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # at run time `--help` would pay for numpy
    from onnxaudit.records import GraphPart, Irregularity, ModelInfo, PreprocessingChoice, SamplesInfo


class OnnxauditError(Exception):
    """Base of all errors that a caller may want to handle; the message is one line for people."""


class InputError(OnnxauditError):
    """Something that was given cannot be used."""


class ModelError(InputError):
    """The model file is missing, damaged, or not something that can be audited.

    Attributes:
        settled: whether whoever reads the same bytes meets it again, whatever time and memory there is.
    """

    settled = False


class UnsupportedOperatorError(ModelError):
    """The model uses operators that the importer does not know; all are named at once."""


class ParityError(ModelError):
    """The PyTorch copy does not compute what onnxruntime computes; the first differing tensor is named."""


class NanError(ModelError):
    """The model answers NaN for some images; a wrong value range is the usual cause."""


class RejectedError(ModelError):
    """The file works against its audit, so that no verdict about its classes would mean anything.

    Attributes:
        info: which model.
        irregularities: what it tries, at least one.
        samples: which samples it was asked on; None where it was rejected before any were read.
        choice: how their pixels became inputs; None likewise.
        parts: of its graph, that answer in the model's place.
    """

    def __init__(
        self,
        info: "ModelInfo",
        irregularities: "tuple[Irregularity, ...]",
        samples: "SamplesInfo | None" = None,
        choice: "PreprocessingChoice | None" = None,
        *,
        parts: "tuple[GraphPart, ...]" = (),
    ) -> None:
        first = irregularities[0]
        super().__init__(f"{info.path}: rejected ({first.rule}): {first.says}")
        self.info = info
        self.irregularities = irregularities
        self.samples = samples
        self.choice = choice
        self.parts = parts


class DataError(InputError):
    """The clean samples are missing, damaged, or do not fit the model."""


class FetchError(InputError):
    """A model elsewhere cannot be had, or has another digest than was asked for."""


class UndecidedRangeError(InputError):
    """How pixels become model inputs could not be told from the data; the caller has to say it."""


class UsageError(InputError):
    """Options contradict each other or the input."""


class ShortOfMemoryError(UsageError):
    """The memory that was given is too little for the model; the message says how much is needed."""


class OutOfTimeError(OnnxauditError):
    """The time budget was used up within a step; a scan makes a report of it.

    Attributes:
        info: which model; None where not even that is known.
        samples: what was read of the samples; None where none were.
        choice: how their pixels become inputs; None where that was not known yet.
    """

    def __init__(
        self,
        info: "ModelInfo | None" = None,
        samples: "SamplesInfo | None" = None,
        choice: "PreprocessingChoice | None" = None,
    ) -> None:
        where = "" if info is None else f"{info.path}: "
        super().__init__(f"{where}the time budget was used up before the model was opened; give a longer --time-budget")
        self.info = info
        self.samples = samples
        self.choice = choice


class MissingPackageError(OnnxauditError):
    """A package that this work needs is not installed; says which, and how to get it."""


class PluginError(OnnxauditError):
    """A detector of another package cannot be loaded, or fails; the message names it."""


class WorkerError(OnnxauditError):
    """The process that did the work said what went wrong, crashed, or came to a limit."""


class OutputError(OnnxauditError):
    """A result cannot be written; nothing was left half-written."""


class RepairError(OnnxauditError):
    """A repaired model failed one of the checks before it got its name; nothing was put in place."""
