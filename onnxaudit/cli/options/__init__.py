"""The options of the commands, a module for each subject; what commands share are groups (`cli/groups.py`).

An option that is not given stays None and is not passed on: the defaults live with the configs alone.
"""

from onnxaudit.cli.options.attestation import Attested, Attesting, RepairAttesting, Verifying
from onnxaudit.cli.options.cache import CachePlace, Caching
from onnxaudit.cli.options.computation import Computing, InputSize, Memory, Sandbox, Working
from onnxaudit.cli.options.conversion import InputShape, Python, Signature, Source, Target
from onnxaudit.cli.options.given import keep_given
from onnxaudit.cli.options.origin import Fetching, Locating
from onnxaudit.cli.options.outputs import (
    Baseline,
    EmbedSamples,
    FormatName,
    Outputs,
    PlainOutputs,
    ProgressName,
    RunOutputs,
    SaveTriggers,
)
from onnxaudit.cli.options.policy import Gating, PolicyRequest, RepairGating
from onnxaudit.cli.options.repair import Fixed, Repairing
from onnxaudit.cli.options.spread import HtmlDir, Parts, Spread
from onnxaudit.cli.options.subject import (
    Data,
    Layer,
    Model,
    Models,
    NewRun,
    OldRun,
    OptionalData,
    OutputName,
    Quantize,
    Rule,
    Run,
    Trigger,
)
from onnxaudit.cli.options.waivers import Approver, Expires, Fingerprint, Into, Reason, WaivedRun

__all__ = [
    "Approver",
    "Attested",
    "Attesting",
    "Baseline",
    "CachePlace",
    "Caching",
    "Computing",
    "Data",
    "EmbedSamples",
    "Expires",
    "Fetching",
    "Fingerprint",
    "Fixed",
    "FormatName",
    "Gating",
    "HtmlDir",
    "InputShape",
    "InputSize",
    "Into",
    "Layer",
    "Locating",
    "Memory",
    "Model",
    "Models",
    "NewRun",
    "OldRun",
    "OptionalData",
    "OutputName",
    "Outputs",
    "Parts",
    "PlainOutputs",
    "PolicyRequest",
    "ProgressName",
    "Python",
    "Quantize",
    "Reason",
    "RepairAttesting",
    "RepairGating",
    "Repairing",
    "Rule",
    "Run",
    "RunOutputs",
    "Sandbox",
    "SaveTriggers",
    "Signature",
    "Source",
    "Spread",
    "Target",
    "Trigger",
    "Verifying",
    "WaivedRun",
    "Working",
    "keep_given",
]
