"""`policy show` and `policy waive`."""

import typer

from onnxaudit.cli import options as opt


def show(
    context: typer.Context,
    *,
    gating: opt.RepairGating,
) -> int:
    """Tell the policy in force here: each key, its value, and where that comes from.

    The command line goes before ONNXAUDIT_* variables, these before --policy, that before [tool.onnxaudit] in the
    working directory's pyproject.toml, and this before the defaults.
    """
    from onnxaudit.cli.policies import run_policy_show

    return run_policy_show(gating.request(), context.obj)


def waive(
    context: typer.Context,
    fingerprint: opt.Fingerprint,
    *,
    run: opt.WaivedRun,
    reason: opt.Reason,
    approver: opt.Approver,
    expires: opt.Expires,
    into: opt.Into = None,
) -> int:
    """Write a waiver that accepts one finding of one model for a time.

    It goes to stdout, or into the policy that --into names. Only findings about a class can be waived.
    """
    from onnxaudit.cli.decisions import run_waive

    waiver = {"reason": reason, "approver": approver, "expiry": expires}
    return run_waive(fingerprint, run, waiver, into, context.obj)
