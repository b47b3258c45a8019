"""How a model is run, and with how much effort."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import typer

from onnxaudit.cli.options.given import choose_name, keep_given
from onnxaudit.cli.values import read_bytes, read_deviations, read_numbers, read_range, read_size

if TYPE_CHECKING:
    from onnxaudit.records import GivenPreprocessing

EffortName = Literal["quick", "standard", "deep"]
Effort = Annotated[
    EffortName | None,
    typer.Option(
        show_default="standard",
        help="How much work a scan does: quick (for suspects, a quarter of the passes), standard (for gates), or deep "
        "(suspects from several seeds).",
    ),
]
OldEffort = Annotated[EffortName | None, typer.Option("--profile", hidden=True)]
InputSize = Annotated[
    Any,
    typer.Option(
        parser=read_size, metavar="HxW", help="Input size of a model that takes any; the samples' where not given."
    ),
]
Seed = Annotated[int | None, typer.Option(min=0, metavar="N", show_default="0", help="Seed of all randomness.")]
Device = Annotated[Literal["auto", "cpu", "cuda"] | None, typer.Option(show_default="auto", help="Where to compute.")]
Memory = Annotated[
    Any,
    typer.Option(
        parser=read_bytes,
        metavar="4GiB",
        show_default="60 % of what is free",
        help="Take no more memory than this: fewer samples, smaller batches, fewer steps side by side.",
    ),
]
Sandbox = Annotated[
    Literal["auto", "bwrap", "none"],
    typer.Option(
        help="What holds the process that opens the files: all that this system has (`doctor` tells); bwrap: "
        "bubblewrap around that; or none: the command's own process does everything."
    ),
]
Range = Annotated[
    Any, typer.Option("--range", parser=read_range, metavar="A,B", help="Input values of black and white: 0,255.")
]
Mean = Annotated[
    Any, typer.Option(parser=read_numbers, metavar="A,B,C", help="Mean to subtract, one for all channels or for each.")
]
Std = Annotated[
    Any, typer.Option(parser=read_deviations, metavar="A,B,C", help="Deviation to divide by, one for all or for each.")
]
ChannelOrder = Annotated[
    Literal["RGB", "BGR"] | None,
    typer.Option(help="Order of color channels that the model expects."),
]


@dataclass(frozen=True)
class Computing:
    """How a model is run."""

    PANEL: ClassVar[str] = "How the model is run"
    seed: Seed = None
    device: Device = None
    memory: Memory = None
    input_size: InputSize = None
    pixel_range: Range = None
    mean: Mean = None
    std: Std = None
    channel_order: ChannelOrder = None

    def keep_given(self) -> dict[str, Any]:
        """What was given, under the names that the pipeline uses."""
        return keep_given(
            seed=self.seed,
            device=self.device,
            memory=self.memory,
            input_size=self.input_size,
            preprocessing=read_preprocessing(self.pixel_range, self.mean, self.std, self.channel_order),
        )


def read_preprocessing(pixel_range: Any, mean: Any, std: Any, channel_order: str | None) -> "GivenPreprocessing | None":
    """What was said about preprocessing, or None where nothing was."""
    if pixel_range is None and mean is None and std is None and channel_order is None:
        return None
    from onnxaudit.records import ChannelOrder, GivenPreprocessing

    order = None if channel_order is None else ChannelOrder(channel_order)
    return GivenPreprocessing(range=pixel_range, mean=mean, std=std, channel_order=order)


@dataclass(frozen=True)
class Working:
    """How much work is done."""

    effort: Effort = None
    profile: OldEffort = None

    def keep_given(self) -> dict[str, Any]:
        """What was given, under the name that the pipeline uses."""
        return keep_given(effort=choose_name("--effort", self.effort, "--profile", self.profile))
