"""How a model is repaired."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import typer

from onnxaudit.cli.options.given import choose_name, keep_given

Fixed = Annotated[
    Path,
    typer.Option("--output", "-o", metavar="FIXED.onnx", help="Where the repaired model goes.", show_default=False),
]
Scan = Annotated[Path | None, typer.Option(metavar="REPORT.json", help="A scan's JSON report to start from.")]
Target = Annotated[
    int | None, typer.Option(min=0, metavar="N", help="Repair this target class, whatever the scan says.")
]
Suspects = Annotated[
    bool,
    typer.Option(
        "--suspects",
        help="Where the scan comes to no verdict, repair the classes that it suspects; 98 % of the answers are kept.",
    ),
]
OldTarget = Annotated[int | None, typer.Option("--label", min=0, metavar="N", hidden=True)]
PrunedLayer = Annotated[
    str | None,
    typer.Option(
        "--layer",
        metavar="NAME",
        help="The layer to prune: the first fully connected one where not given, or a convolution; auto tries the "
        "convolutions before it too.",
    ),
]
Method = Annotated[
    Literal["prune", "prune+tune", "full"] | None, typer.Option(show_default="full", help="How far a repair goes.")
]
Remove = Annotated[
    bool, typer.Option("--remove", help="Remove pruned neurons from the graph: a smaller file with the same outputs.")
]
Criterion = Annotated[
    Literal["efficiency", "success"] | None,
    typer.Option(
        show_default="efficiency",
        help="How neurons are pruned: those first by which the trigger loses most for what clean answers lose, or as "
        "published, in turn, if the attack success rate falls.",
    ),
]
KnownTrigger = Annotated[
    Path | None, typer.Option(metavar="T.npz", help="A known trigger: measured before and after, not used otherwise.")
]
Evaluation = Annotated[
    str | None,
    typer.Option(
        metavar="PATH", help="Further clean images: clean accuracy and the known trigger are measured on them."
    ),
]
AllowIncomplete = Annotated[
    bool, typer.Option("--allow-incomplete", help="Write the model even where a limit was missed (exit code 1).")
]


@dataclass(frozen=True)
class Repairing:
    """What is removed, and how."""

    PANEL: ClassVar[str] = "Repair"

    scan: Scan = None
    target: Target = None
    label: OldTarget = None
    suspects: Suspects = False
    layer: PrunedLayer = None
    method: Method = None
    remove: Remove = False
    criterion: Criterion = None
    known_trigger: KnownTrigger = None
    evaluation: Evaluation = None
    allow_incomplete: AllowIncomplete = False

    @property
    def config(self) -> dict[str, Any]:
        """Fields of `RepairConfig` that were given."""
        return keep_given(method=self.method, remove=self.remove)

    @property
    def pruning(self) -> dict[str, Any]:
        """Fields of `PruningConfig` that were given."""
        return keep_given(criterion=self.criterion)

    def keep_given(self) -> dict[str, Any]:
        """Arguments of `repair` that were given, beside files and configs."""
        return keep_given(
            target=choose_name("--target", self.target, "--label", self.label),
            suspects=self.suspects,
            layer=self.layer,
            evaluation=self.evaluation,
            allow_incomplete=self.allow_incomplete,
        )
