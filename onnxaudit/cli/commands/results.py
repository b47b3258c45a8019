"""`verify`, `report` and `diff`: what a run found, looked at again."""

import typer

from onnxaudit.cli import options as opt


def verify(
    context: typer.Context,
    model: opt.Model,
    attest: opt.Attested,
    *,
    verifying: opt.Verifying,
    locating: opt.Locating,
) -> int:
    """Let a model through by what an earlier scan stated about it, in a second, without scanning again.

    One that lies elsewhere is fetched, as by `scan`, and what came decides. With --policy, that policy decides on what
    the statement tells: waivers and repaired models count as it says. Exit code 1: it was called backdoored, or fails.
    3: the statement does not clear it: unsigned, too old, about another model, or without a verdict. 0: it does.
    """
    from onnxaudit.cli.attestation import run_verify
    from onnxaudit.cli.remote import bring_model

    with bring_model(model, locating, context.obj) as job:
        return run_verify(job, attest, verifying, context.obj)


def report(
    context: typer.Context,
    run: opt.Run,
    *,
    outputs: opt.Outputs,
    gating: opt.RepairGating,
    attesting: opt.Attesting,
) -> int:
    """Show a run's JSON report again, or write it in other formats, without scanning.

    Exit code 0, whatever the report says; 2 where it cannot be read. With --policy, another option of the policy, or
    --attest, the policy decides anew: exit codes are those of a scan then, and waivers count by today.
    """
    request = gating.request()
    if request.file is None and not request.options and not attesting.files and attesting.sign_key is None:
        from onnxaudit.cli.report import run_report

        return run_report(run, outputs, context.obj)
    from onnxaudit.cli.decisions import run_decide

    return run_decide(run, outputs, request, attesting, context.obj)


def merge(
    context: typer.Context,
    runs: opt.Parts,
    *,
    outputs: opt.Outputs,
    html_dir: opt.HtmlDir = None,
    gating: opt.Gating,
) -> int:
    """Join what came of the parts of a run (`scan --shard`), and decide by the policy; exit codes are those of a scan.

    A part that is missing is an error.
    """
    from onnxaudit.cli.merge import run_merge

    return run_merge(runs, outputs, gating.request(), html_dir, context.obj)


def diff(context: typer.Context, old: opt.OldRun, new: opt.NewRun) -> int:
    """Compare the findings of two runs: which are new, which are gone.

    Exit code 0: nothing is new. 1: something is. 2: a report cannot be read, or a model of the new run has none.
    """
    from onnxaudit.cli.decisions import run_diff

    return run_diff(old, new, context.obj)
