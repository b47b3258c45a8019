"""Help: what a command's `--help` shows beside its options, and that nothing of its text is taken for markup."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from typer.core import TyperCommand, TyperGroup

EXAMPLES: dict[str, tuple[str, ...]] = {
    "onnxaudit": (
        "onnxaudit demo",
        "onnxaudit inspect model.onnx",
        "onnxaudit scan model.onnx --data clean-images/ --html report.html",
        "onnxaudit repair model.onnx --data clean-images/ --output fixed.onnx",
        "onnxaudit verify model.onnx --attest model.att.json --key gate.pub",
    ),
    "scan": (
        "onnxaudit scan model.onnx --data clean-images/",
        "onnxaudit scan model.onnx --data samples.npz:x,y --effort quick --html report.html",
        "onnxaudit scan vendor/*.onnx --data clean-images/ --policy ci/policy.toml --sarif scan.sarif",
        "onnxaudit scan model.onnx --data clean-images/ --attest model.att.json --sign-key gate.pem",
        "onnxaudit scan model.onnx --data clean-images/ --range 0,255 --time-budget 10m --json -",
    ),
    "repair": (
        "onnxaudit repair model.onnx --data clean-images/ -o fixed.onnx",
        "onnxaudit repair model.onnx --data clean-images/ --scan scan.json -o fixed.onnx --remove",
        "onnxaudit repair model.onnx --data clean-images/ -o fixed.onnx --method prune --layer auto",
        "onnxaudit repair model.onnx --data clean-images/ -o fixed.onnx --attest fixed.att.json --sign-key gate.pem",
        "onnxaudit repair model.onnx --data clean-images/ -o fixed.onnx --evaluation more-images/",
    ),
    "verify": (
        "onnxaudit verify model.onnx --attest model.att.json --key gate.pub --max-age 30d",
        "onnxaudit verify model.onnx --attest model.att.json --key gate.pub --policy ci/policy.toml",
        "onnxaudit verify model.onnx --attest model.att.json --allow-unsigned",
    ),
}
MORE = "The documentation lies in docs/ of the source; docs/how-to/ goes through each task."


def write_epilog(name: str | None) -> str:
    """The examples of a command and where to read on; "" for a command without examples."""
    examples = EXAMPLES.get(name or "", ())
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in examples)]) + f"\n\n{MORE}" if examples else ""


def bring_debug_forward(words: Sequence[str]) -> list[str]:
    """The same arguments, `--debug` before the command: advice names it, and who follows it adds it anywhere."""
    until = words.index("--") if "--" in words else len(words)
    if "--debug" not in words[:until]:
        return list(words)
    return ["--debug", *(word for place, word in enumerate(words) if word != "--debug" or place >= until)]


@contextlib.contextmanager
def plain_words(command: Any, context: Any) -> Iterator[None]:
    """Escape what a help text would lose as markup, and tell no type of a switch, for as long as help is written."""
    from rich.markup import escape

    options = command.get_params(context)
    holders = [command, *options, *getattr(command, "commands", {}).values()]
    with contextlib.ExitStack() as kept:
        for one in holders:
            usual = getattr(one, "show_default", None)
            default = f" [default: {usual}]" if isinstance(usual, str) else ""
            if default:
                _set(kept, one, "show_default", False)
            if getattr(one, "help", ""):
                _set(kept, one, "help", escape(_join_lines(one.help) + default))
            if getattr(one, "epilog", ""):
                _set(kept, one, "epilog", escape(one.epilog))
            if getattr(one, "is_flag", False):
                _set(kept, one, "display_type_rich", lambda ctx: None)  # noqa: ARG005 - typer gives it by name
        yield


def _join_lines(text: str) -> str:
    """The paragraphs of a docstring as one line each: terminals fold them by their own width."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))


def _set(kept: contextlib.ExitStack, one: Any, name: str, value: Any) -> None:
    """Set an attribute until the block ends."""
    kept.callback(setattr, one, name, getattr(one, name))
    setattr(one, name, value)


class Command(TyperCommand):
    """A command whose help says what it was written to say."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help; see `plain_words`."""
        self.epilog = write_epilog(self.name)
        with plain_words(self, ctx):
            super().format_help(ctx, formatter)


class Group(TyperGroup):
    """The same for the program itself, and for commands of commands."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help; see `plain_words`."""
        self.epilog = write_epilog("onnxaudit" if ctx.parent is None else self.name)
        with plain_words(self, ctx):
            super().format_help(ctx, formatter)
