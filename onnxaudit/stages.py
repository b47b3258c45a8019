"""The stages of an audit in words, for whoever shows progress."""

from onnxaudit.records import Event
from onnxaudit.text import show_plainly

STAGES = {
    "libraries": "loading PyTorch and ONNX Runtime",
    "load": "reading the model",
    "estimate": "estimate",
    "samples": "reading clean samples",
    "import": "copying the network",
    "preprocess": "finding the value range",
    "invert": "inverting triggers",
    "refinement": "refining suspects",
    "replication": "measuring again under other seeds",
    "verify": "checking triggers on unseen samples",
    "profile": "profiling neurons",
    "prune": "pruning",
    "tune": "fine-tuning",
    "write": "writing the model",
    "rescan": "scanning the repaired model",
}


def describe_event(event: Event) -> str:
    """A stage, and what is done in it, in words."""
    words, message = name_stage(event.stage), show_plainly(event.message)
    if message.startswith(words):
        return message
    return f"{words}: {message}" if message else words


def name_stage(stage: str) -> str:
    """What a stage does; of detectors they say so themselves."""
    if stage in STAGES:
        return STAGES[stage]
    from onnxaudit.detectors.registry import describe_progress

    return describe_progress(stage) or stage
