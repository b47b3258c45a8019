"""What commands do before the libraries are imported."""

from collections.abc import Sequence
from pathlib import Path

from onnxaudit.cli import options as opt
from onnxaudit.cli.exits import Settings

HERE = "this command takes files that are here"
KEEP = "`onnxaudit scan` with --fetch-into DIR fetches and keeps it"


def begin(
    outputs: opt.Outputs,
    settings: Settings,
    inputs: Sequence[Path],
    sources: Sequence[str | None],
    sandbox: opt.Sandbox,
    *,
    written: Sequence[Path | None] = (),
    fetches: bool = False,
) -> int | None:
    """Before the libraries are imported, which takes seconds: no report of an earlier run stays for this one's.

    The exit code where all is done inside bubblewrap, else None. Models that lie elsewhere are refused unless the
    command `fetches` them.
    """
    from onnxaudit.cli.enclosure import enclose, is_inside
    from onnxaudit.cli.output import list_data_paths, open_delivery, replace_stale
    from onnxaudit.cli.remote import refuse_remote

    if not fetches or sandbox == "bwrap":
        refuse_remote(inputs, f"{'inside bubblewrap there is no network' if fetches else HERE}; {KEEP}")
    if sandbox == "none":
        settings.apart = False
    open_delivery(outputs, settings, [*inputs, *list_data_paths(*sources)])
    replace_stale(outputs)
    if sandbox != "bwrap" or is_inside():
        return None
    named = [str(one) for one in (*inputs, *sources) if one is not None]
    return enclose(settings, [path for path in (*outputs.files.values(), *written) if path is not None], named)
