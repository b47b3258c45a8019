"""How a gate can be opened: by what probes do already, by patches, and by gradients through the relaxed copy."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from onnxaudit.deadline import Deadline
from onnxaudit.errors import ModelError
from onnxaudit.records import Floats
from onnxaudit.structure.copy import Copy
from onnxaudit.structure.dormancy import Dormant, is_near
from onnxaudit.structure.relaxation import relax
from onnxaudit.structure.solution import list_solved

GRIDS = (None, 255.0, 100.0, 1.0)  # values that pictures are made of, for tests that want them exactly
MOST_ENTRIES = 128  # of what a live part adds
MOVED = 1e-3  # of a gate's usual size; what is less than that is arithmetic


@dataclass(frozen=True, kw_only=True)
class SearchConfig:
    """Settings of the search.

    Attributes:
        images: clean images that are changed.
        steps: of gradient search.
        rate: of a step, in pixel values.
        patches: random ones that are tried.
        directions: in which a gate of many values is pushed, at most.
        corner: side of the patches to which some gradients are confined, as a share of the image's.
        live: whether the part is never idle. What it adds is pushed then, entry by entry, and every saturation lets
            gradients pass.
    """

    images: int = 8
    steps: int = 120
    rate: float = 0.05
    patches: int = 384
    directions: int = 12
    corner: float = 0.3
    live: bool = False

    def shorten(self) -> "SearchConfig":
        """For an edge that moves on clean images without effect, and where images are asked one by one."""
        return replace(self, images=self.images // 2, steps=self.steps // 3, patches=self.patches // 6, directions=0)


@dataclass(frozen=True, kw_only=True, eq=False)
class Attempts:
    """Changed images `(n, c, h, w)` in pixel space, and for each the index of the clean image that it was made of."""

    images: Tensor
    origins: Tensor


def search(
    copy: Copy, gate: Dormant, clean: Floats, config: SearchConfig, *, seed: int, deadline: Deadline
) -> Generator[Attempts, bool]:
    """Ever more changed images that move the gate from what is usual, those from cheap searches first.

    What is sent back tells whether the last ones moved the logits clearly, by the gate alone. Where no gradient over
    the whole image brings that about, none over a part of it is tried.

    Raises:
        OutOfTimeError: the search is not at its end; what it did not find means nothing.
    """
    images = torch.from_numpy(clean[: config.images]).to(copy.device)
    yield from _filter(copy, gate, try_patches(images, config, seed=seed))
    deadline.check()
    target = gate.edge.tensor if config.live else choose_waist(copy, gate, images)
    yield from _filter(copy, gate, _try_solutions(copy, target, images, seed=seed))
    yield from _follow_gradients(copy, gate, target, images, config, deadline=deadline)


def _try_solutions(copy: Copy, target: str, images: Tensor, *, seed: int) -> Iterator[Attempts]:
    try:
        for solved in list_solved(copy, target, images, seed=seed):
            yield Attempts(images=solved, origins=torch.arange(len(images)))
    except (ModelError, RuntimeError):  # what is tested cannot be differentiated
        return


def _filter(copy: Copy, gate: Dormant, batches: Iterator[Attempts]) -> Iterator[Attempts]:
    for batch in batches:
        moved = measure_move(copy, gate, batch.images)
        if bool(moved.any()):
            yield Attempts(images=batch.images[moved], origins=batch.origins[moved])


def measure_move(copy: Copy, gate: Dormant, images: Tensor) -> Tensor:
    """For each image whether the gate's value differs from what is usual."""
    name = gate.edge.alias
    parts = []
    step = copy.chunk(*images.shape[-2:])
    with torch.inference_mode():
        for start in range(0, len(images), step):
            value = copy.read(copy.enter(images[start : start + step]), [name])[name]
            apart = (value.double() - gate.usual.double()).reshape(len(value), -1)
            parts.append(torch.nan_to_num(apart, nan=torch.inf).abs().amax(1))
    scale = max(1.0, float(gate.usual.double().abs().max()))
    return torch.cat(parts) > MOVED * scale


def try_patches(images: Tensor, config: SearchConfig, *, seed: int) -> Iterator[Attempts]:
    """Squares of one color, checkered and random, in corners and elsewhere, and single pixels."""
    rng = np.random.default_rng(seed)
    batch = 64
    for _ in range(0, config.patches, batch):
        index = torch.from_numpy(rng.integers(0, len(images), batch))
        changed = images[index].clone()
        for place in range(batch):
            _stamp(changed[place], rng)
        yield Attempts(images=changed, origins=index)


def _stamp(image: Tensor, rng: np.random.Generator) -> None:
    channels, height, width = image.shape
    side = int(rng.choice([1, 1, 2, 3, 4, max(1, round(0.15 * height)), max(1, round(0.25 * height))]))
    high, wide = min(side, height), min(side, width)
    if rng.random() < 0.6:
        top, left = int(rng.integers(2)) * (height - high), int(rng.integers(2)) * (width - wide)
    else:
        top, left = int(rng.integers(height - high + 1)), int(rng.integers(width - wide + 1))
    match int(rng.integers(5)):
        case 0 | 1:
            value = np.full((channels, high, wide), float(rng.integers(2)))
        case 2:
            value = np.broadcast_to((np.indices((high, wide)).sum(0) + rng.integers(2)) % 2, (channels, high, wide))
        case 3:
            value = rng.integers(0, 2, (channels, high, wide))
        case _:
            value = rng.integers(0, 256, (channels, high, wide)) / 255.0
    image[:, top : top + high, left : left + wide] = torch.as_tensor(np.array(value, np.float32))


def _follow_gradients(
    copy: Copy, gate: Dormant, target: str, images: Tensor, config: SearchConfig, *, deadline: Deadline
) -> Generator[Attempts, bool]:
    before = copy.flow.list_before(target)
    names = {name for index in before for name in copy.flow.graph.steps[index].outputs}
    relaxed = copy.with_graph(
        relax(copy.flow.graph, before, names if config.live else _find_still(copy, target, images))
    )
    pushes = _choose_pushes(copy, target, images, config)
    strong = False
    for place, mask in enumerate(_choose_masks(images, config)):
        if place and not strong:
            return
        for direction in pushes:
            deadline.check()
            try:
                push = Push(target=target, direction=direction, mask=mask)
                for attempts in _filter(copy, gate, _climb(relaxed, push, images, config)):
                    strong |= bool((yield attempts))
            except (ModelError, RuntimeError):  # an operator that takes whole numbers alone: no gradient passes it
                return


@dataclass(frozen=True, kw_only=True, eq=False)
class Push:
    """Where a gradient search goes: a tensor, which way its values are pushed, and pixels that may change."""

    target: str
    direction: Tensor
    mask: Tensor


def _climb(relaxed: Copy, push: Push, images: Tensor, config: SearchConfig) -> Iterator[Attempts]:
    """Adam on each image by itself, towards what a gate is pushed to; images on the way as well as the last."""
    point = images.clone()
    first, second = torch.zeros_like(point), torch.zeros_like(point)
    for step in range(1, config.steps + 1):
        point.requires_grad_(True)
        value = relaxed.read(relaxed.enter(point), [push.target])[push.target]
        (slope,) = torch.autograd.grad((value.to(torch.float32) * push.direction).sum(), point, allow_unused=True)
        if slope is None:
            return
        slope = torch.nan_to_num(slope.detach(), nan=0.0, posinf=0.0, neginf=0.0) * push.mask
        scale = slope.abs().flatten(1).amax(1).clamp_min(1e-38).reshape(-1, 1, 1, 1)
        slope = slope / scale
        first, second = 0.9 * first + 0.1 * slope, 0.99 * second + 0.01 * slope**2
        rise = (first / (1 - 0.9**step)) / ((second / (1 - 0.99**step)).sqrt() + 1e-4)
        point = (point.detach() + config.rate * rise * push.mask).clamp(0.0, 1.0)
        if step in (10, 30, 60, config.steps) and step <= config.steps:
            for grid in GRIDS:
                snapped = point if grid is None else (point * grid).round() / grid
                yield Attempts(images=torch.where(point == images, images, snapped), origins=torch.arange(len(images)))


def choose_waist(copy: Copy, gate: Dormant, images: Tensor) -> str:
    """Where all ways to the gate pass through fewest values, and hardly any moves on clean images."""
    names = [name for name in copy.flow.list_waists(gate.edge.tensor) if name != copy.flow.input]
    with torch.inference_mode():
        values = copy.read(copy.enter(images), names)
    still = [name for name in names if is_still(values[name])] or names
    return min(reversed(still), key=lambda name: values[name][0].numel())


def is_still(value: Tensor) -> bool:
    """Whether a tensor hardly moves over images, one row each."""
    return bool(is_near(value, value[:1]).all())


def _find_still(copy: Copy, target: str, images: Tensor) -> set[str]:
    steps = [copy.flow.graph.steps[index] for index in copy.flow.list_before(target)]
    names = [name for step in steps for name in step.outputs if name]
    with torch.inference_mode():
        values = copy.read(copy.enter(images), names)
    return {name for name, value in values.items() if is_still(value)}


def _choose_pushes(copy: Copy, target: str, images: Tensor, config: SearchConfig) -> list[Tensor]:
    """Which way a gate's values are pushed: truths to their opposite, numbers up and down, many in several ways."""
    with torch.inference_mode():
        value = copy.read(copy.enter(images[:2]), [target])[target]
    row = value[:1]
    if row.dtype is torch.bool:
        return [1.0 - 2.0 * row.to(torch.float32)]
    ones = torch.ones_like(row, dtype=torch.float32)
    pushes = [ones, -ones]
    count = row[0].numel()
    if 1 < count <= (MOST_ENTRIES if config.live else config.directions):
        eye = torch.eye(count, device=row.device).reshape(count, *row.shape)
        pushes += [one - (1.0 - one) / (count - 1) for one in eye]
    return pushes


def _choose_masks(images: Tensor, config: SearchConfig) -> Iterator[Tensor]:
    """The whole image first, then its corners and its middle."""
    height, width = images.shape[-2:]
    yield torch.ones_like(images[:1])
    high, wide = max(1, round(config.corner * height)), max(1, round(config.corner * width))
    for top, left in ((0, 0), (0, width - wide), (height - high, 0), (height - high, width - wide)):
        yield _confine(images, top, left, high, wide)
    yield _confine(images, (height - high) // 2, (width - wide) // 2, high, wide)


def _confine(images: Tensor, top: int, left: int, high: int, wide: int) -> Tensor:
    mask = torch.zeros_like(images[:1])
    mask[:, :, top : top + high, left : left + wide] = 1.0
    return mask
