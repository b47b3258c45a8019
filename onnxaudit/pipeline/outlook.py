"""What a scan of an opened model would take, and whose neurons a repair would prune: what needs PyTorch to be told."""

from dataclasses import dataclass

import torch

from onnxaudit.errors import ModelError
from onnxaudit.pipeline.effort import estimate
from onnxaudit.pipeline.layer_table import Shapes, list_unsized
from onnxaudit.pipeline.memory_plan import plan_memory
from onnxaudit.pipeline.opened_model import Opened
from onnxaudit.pipeline.settings import DetectionConfig
from onnxaudit.records import MemoryPlan, TargetLayer
from onnxaudit.surgery import find_target_layer, spell_out


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """What is known of a scan, and of a repair, before they begin.

    Attributes:
        shapes: of tensors for a batch of one, by name.
        seconds: of one processor core for a scan, roughly.
        memory: what a scan keeps to; None where nobody knows how much there is.
        target_layer: whose neurons a repair would prune; None where none is found.
        obstacle: why none is found, in one sentence; "" else.
    """

    shapes: Shapes
    seconds: float
    memory: MemoryPlan | None
    target_layer: TargetLayer | None
    obstacle: str


def look_ahead(opened: Opened, shapes: Shapes, config: DetectionConfig, memory: int | None) -> Outlook:
    """The outlook for a model; `shapes` are those that are known.

    Raises:
        UsageError: the memory does not suffice for a scan.
    """
    target, obstacle = _try_target(opened)
    return Outlook(
        shapes=_measure_shapes(opened, shapes),
        seconds=estimate(opened.torch_model, config),
        memory=plan_memory(opened.torch_model, memory),
        target_layer=target,
        obstacle=obstacle,
    )


def _try_target(opened: Opened) -> tuple[TargetLayer | None, str]:
    try:
        return find_target_layer(spell_out(opened.model)), ""
    except ModelError as error:
        return None, f"no repair: {error}"


def _measure_shapes(opened: Opened, known: Shapes) -> Shapes:
    """Shapes that are known, and those of further layers as the copy computes them for a batch of one."""
    made = {name for step in opened.torch_model.graph.steps for name in step.outputs}
    names = sorted(list_unsized(opened.model.computed, known) & made)
    with torch.no_grad():
        inputs = torch.zeros(opened.model.info.input.shape(1), device=opened.torch_model.device)
        found = opened.torch_model.values(inputs, names) if names else {}
    return {**known, **{name: tuple(value.shape) for name, value in found.items()}}
