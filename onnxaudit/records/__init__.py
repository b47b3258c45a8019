"""Every value that passes between packages, in the order in which data passes through them.

Frozen dataclasses over numpy. Reading them is the tour: `model`, `samples`, `detection`, `repair`, `reports`.
"""

from onnxaudit.records.arrays import Array, Floats, Ints, decode_array, encode_array
from onnxaudit.records.comparison import Comparison
from onnxaudit.records.conversion import Conversion
from onnxaudit.records.detection import (
    Assessment,
    Coverage,
    Detection,
    Inversion,
    LabelResult,
    LabelStatus,
    Rate,
    Trigger,
    TriggerFinding,
    UniversalTrigger,
    Verdict,
)
from onnxaudit.records.events import Event, OnEvent
from onnxaudit.records.evidence import DetectorInfo, DetectorRun, Evidence
from onnxaudit.records.gate import Decision, Gate, Setting, Waiver, WaiverUse
from onnxaudit.records.inspection import Check, Inspection, LayerInfo, OperatorUse, TensorInfo
from onnxaudit.records.irregularity import Irregularity
from onnxaudit.records.memory import MemoryPlan
from onnxaudit.records.metadata import FileMetadata
from onnxaudit.records.model import ElementType, InputSpec, Layout, ModelInfo, OutputKind, OutputSpec
from onnxaudit.records.notebook import draw_by
from onnxaudit.records.origin import Origin
from onnxaudit.records.quantization import QuantizationKind, name_copy, name_original
from onnxaudit.records.reasons import Reason
from onnxaudit.records.repair import (
    FitOutcome,
    Forgetting,
    Measurement,
    NeuronAxis,
    NeuronProfile,
    Profile,
    PruningRound,
    Ranking,
    Reactivation,
    Removal,
    RepairCandidate,
    TargetLayer,
    WeightChange,
)
from onnxaudit.records.reports import (
    SCHEMA_VERSION,
    ConversionDocument,
    DetectorsDocument,
    DiagnosisDocument,
    Document,
    ErrorDocument,
    InspectionDocument,
    ProfileDocument,
    RepairDocument,
    RepairReport,
    ScanDocument,
    ScanFailure,
    ScanReport,
)
from onnxaudit.records.run import RunInfo
from onnxaudit.records.samples import (
    ChannelOrder,
    EmbeddedSamples,
    GivenPreprocessing,
    Preprocessing,
    PreprocessingCandidate,
    PreprocessingChoice,
    Samples,
    SamplesInfo,
)
from onnxaudit.records.structure import GraphNode, GraphPart, WakingImage

__all__ = [
    "SCHEMA_VERSION",
    "Array",
    "Assessment",
    "ChannelOrder",
    "Check",
    "Comparison",
    "Conversion",
    "ConversionDocument",
    "Coverage",
    "Decision",
    "Detection",
    "DetectorInfo",
    "DetectorRun",
    "DetectorsDocument",
    "DiagnosisDocument",
    "Document",
    "ElementType",
    "EmbeddedSamples",
    "ErrorDocument",
    "Event",
    "Evidence",
    "FileMetadata",
    "FitOutcome",
    "Floats",
    "Forgetting",
    "Gate",
    "GivenPreprocessing",
    "GraphNode",
    "GraphPart",
    "InputSpec",
    "Inspection",
    "InspectionDocument",
    "Ints",
    "Inversion",
    "Irregularity",
    "LabelResult",
    "LabelStatus",
    "LayerInfo",
    "Layout",
    "Measurement",
    "MemoryPlan",
    "ModelInfo",
    "NeuronAxis",
    "NeuronProfile",
    "OnEvent",
    "OperatorUse",
    "Origin",
    "OutputKind",
    "OutputSpec",
    "Preprocessing",
    "PreprocessingCandidate",
    "PreprocessingChoice",
    "Profile",
    "ProfileDocument",
    "PruningRound",
    "QuantizationKind",
    "Ranking",
    "Rate",
    "Reactivation",
    "Reason",
    "Removal",
    "RepairCandidate",
    "RepairDocument",
    "RepairReport",
    "RunInfo",
    "Samples",
    "SamplesInfo",
    "ScanDocument",
    "ScanFailure",
    "ScanReport",
    "Setting",
    "TargetLayer",
    "TensorInfo",
    "Trigger",
    "TriggerFinding",
    "UniversalTrigger",
    "Verdict",
    "Waiver",
    "WaiverUse",
    "WakingImage",
    "WeightChange",
    "decode_array",
    "draw_by",
    "encode_array",
    "name_copy",
    "name_original",
]
