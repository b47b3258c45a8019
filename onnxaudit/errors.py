"""Every error that onnxaudit raises for its users' sake.

    OnnxauditError                  one line: what, where, and what to do
    ├── InputError                  something given to us cannot be used
    │   ├── ModelError              the model file: missing, damaged, not a classifier
    │   │   ├── UnsupportedOperatorError    operators that the importer does not know
    │   │   └── ParityError         the PyTorch copy does not compute what onnxruntime computes
    │   ├── DataError               the clean samples: missing, wrong size, NaN, labels out of range
    │   ├── UndecidedRangeError     how pixels become inputs could not be told: name it
    │   └── UsageError              options that contradict each other or the input
    ├── OutputError                 a result cannot be written: no permission, no space, would overwrite input
    └── RepairError                 the written model failed a check; nothing was put in place

The command line turns each into one line on stderr and exit code 2.
"""


class OnnxauditError(Exception):
    """Base of all errors that a caller may want to handle; the message is one line for people."""


class InputError(OnnxauditError):
    """Something that was given cannot be used."""


class ModelError(InputError):
    """The model file is missing, damaged, or not something that can be audited."""


class UnsupportedOperatorError(ModelError):
    """The model uses operators that the importer does not know; all are named at once."""


class ParityError(ModelError):
    """The PyTorch copy does not compute what onnxruntime computes; the first differing tensor is named."""


class DataError(InputError):
    """The clean samples are missing, damaged, or do not fit the model."""


class UndecidedRangeError(InputError):
    """How pixels become model inputs could not be told from the data; the caller has to say it."""


class UsageError(InputError):
    """Options contradict each other or the input."""


class OutputError(OnnxauditError):
    """A result cannot be written; nothing was left half-written."""


class RepairError(OnnxauditError):
    """A repaired model failed one of the checks before it got its name; nothing was put in place."""
