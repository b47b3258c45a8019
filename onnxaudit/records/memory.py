"""How much memory a run keeps to, and what follows from that."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class MemoryPlan:
    """What a process takes at most, and what it holds at one time so that this is kept.

    Attributes:
        promised: bytes in memory, of the whole process.
        samples: so many clean images are held at most.
        run_images: images in one run of onnxruntime, at most.
        step_images: images whose inner values are kept for the way back at one time; more are computed twice. None: all
            of a step.
        threads: steps side by side.
    """

    promised: int
    samples: int
    run_images: int
    step_images: int | None
    threads: int
