"""Every value that passes between rooms, in the order in which data walks through them.

Frozen dataclasses over numpy. Reading them is the tour: `model`, `samples`, `detection`, `repair`, `reports`.
"""

from onnxaudit.records.arrays import Array, Floats, Ints, decode_array, encode_array
from onnxaudit.records.detection import (
    Coverage,
    Detection,
    Inversion,
    Judgement,
    LabelResult,
    LabelStatus,
    Rate,
    Trigger,
    TriggerFinding,
    Verdict,
)
from onnxaudit.records.events import Event, OnEvent
from onnxaudit.records.model import ElementType, InputSpec, Layout, ModelInfo, OutputKind, OutputSpec
from onnxaudit.records.repair import (
    Measurement,
    NeuronAxis,
    NeuronProfile,
    Profile,
    PruningRound,
    TargetLayer,
    WeightChange,
)
from onnxaudit.records.reports import (
    SCHEMA_VERSION,
    Document,
    ProfileDocument,
    RepairDocument,
    RepairReport,
    ScanDocument,
    ScanFailure,
    ScanReport,
)
from onnxaudit.records.samples import (
    ChannelOrder,
    GivenPreprocessing,
    Preprocessing,
    PreprocessingCandidate,
    PreprocessingChoice,
    Samples,
    SamplesInfo,
)

__all__ = [
    "SCHEMA_VERSION",
    "Array",
    "ChannelOrder",
    "Coverage",
    "Detection",
    "Document",
    "ElementType",
    "Event",
    "Floats",
    "GivenPreprocessing",
    "InputSpec",
    "Ints",
    "Inversion",
    "Judgement",
    "LabelResult",
    "LabelStatus",
    "Layout",
    "Measurement",
    "ModelInfo",
    "NeuronAxis",
    "NeuronProfile",
    "OnEvent",
    "OutputKind",
    "OutputSpec",
    "Preprocessing",
    "PreprocessingCandidate",
    "PreprocessingChoice",
    "Profile",
    "ProfileDocument",
    "PruningRound",
    "Rate",
    "RepairDocument",
    "RepairReport",
    "Samples",
    "SamplesInfo",
    "ScanDocument",
    "ScanFailure",
    "ScanReport",
    "TargetLayer",
    "Trigger",
    "TriggerFinding",
    "Verdict",
    "WeightChange",
    "decode_array",
    "encode_array",
]
