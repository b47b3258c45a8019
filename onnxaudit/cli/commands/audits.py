"""`scan`, `repair` and `profile`: what computes with a model."""

import typer

from onnxaudit.cli import options as opt
from onnxaudit.cli.commands.preparation import begin


def scan(
    context: typer.Context,
    models: opt.Models = None,
    *,
    data: opt.OptionalData = None,
    working: opt.Working,
    save_triggers: opt.SaveTriggers = None,
    embed_samples: opt.EmbedSamples = False,
    outputs: opt.RunOutputs,
    output: opt.OutputName = None,
    quantize: opt.Quantize = None,
    computing: opt.Computing,
    gating: opt.Gating,
    baseline: opt.Baseline = None,
    attesting: opt.Attesting,
    spread: opt.Spread,
    html_dir: opt.HtmlDir = None,
    fetching: opt.Fetching,
    caching: opt.Caching,
    sandbox: opt.Sandbox = "auto",
) -> int:
    """Tell whether models have a backdoor, its target class, and what its trigger looks like.

    A MODEL is a file, a folder, a pattern, a text file that names one a line, or an address elsewhere, which is
    fetched: hf://ORGANIZATION/REPOSITORY/FILE.onnx[@REVISION], models:/NAME/VERSION or models:/NAME@ALIAS (MLflow),
    s3://BUCKET/KEY. What is no ONNX file is converted first, as by `convert`. Without any those are scanned that
    onnxaudit.toml names, as it says; options given here go before it. The worst verdict gives the exit code, in the
    order 1 backdoored or rejected, 2 error, 3 inconclusive, 0 clean.
    """
    from onnxaudit.cli.plan import plan_scan

    spread.check(sandbox)
    caching.check(sandbox)
    given = opt.keep_given(data=data, output=output, embed_samples=embed_samples, quantize=quantize)
    given |= working.keep_given() | computing.keep_given()
    plan = plan_scan(
        models or (),
        given,
        outputs,
        triggers=save_triggers,
        request=gating.request(),
        baseline=baseline,
        spread=spread,
        pages=html_dir,
    )
    inputs, written = [*plan.models, *plan.files], [plan.triggers, *attesting.files, caching.folder, html_dir]
    done = begin(plan.outputs, context.obj, inputs, plan.sources, sandbox, written=written, fetches=True)
    if done is not None:
        return done
    from onnxaudit.cli.scans import run_scan

    return run_scan(plan, attesting, caching, context.obj, fetching)


def repair(
    context: typer.Context,
    model: opt.Model,
    data: opt.Data,
    output: opt.Fixed,
    *,
    repairing: opt.Repairing,
    embed_samples: opt.EmbedSamples = False,
    outputs: opt.RunOutputs,
    computing: opt.Computing,
    gating: opt.RepairGating,
    attesting: opt.RepairAttesting,
    fetching: opt.Fetching,
    caching: opt.Caching,
    sandbox: opt.Sandbox = "auto",
) -> int:
    """Remove a backdoor and write a working model without it; the original is never changed.

    A model that lies elsewhere, or is no ONNX file, is fetched and converted first, as by `scan`.
    Exit code 0: repaired, or nothing to repair. 1: a limit was missed. 3: the scan was inconclusive, or with
    --suspects the new one is.
    """
    caching.check(sandbox)
    written = [output, *attesting.files, caching.folder]
    done = begin(outputs, context.obj, [model], [data], sandbox, written=written, fetches=True)
    if done is not None:
        return done
    from onnxaudit.cli.cache import open_user_cache
    from onnxaudit.cli.remote import bring_model
    from onnxaudit.cli.runs import run_repair

    given = opt.keep_given(data=data, output=output, embed_samples=embed_samples)
    given |= repairing.keep_given() | computing.keep_given()
    silent = outputs.progress_name in ("none", "jsonl")
    with (
        bring_model(model, fetching, context.obj, silent=silent) as job,
        open_user_cache(caching, context.obj) as cache,
    ):
        return run_repair(
            job,
            given,
            repairing=repairing,
            outputs=outputs,
            request=gating.request(),
            attesting=attesting,
            cache=cache,
            settings=context.obj,
        )


def profile(
    context: typer.Context,
    model: opt.Model,
    data: opt.Data,
    trigger: opt.Trigger,
    *,
    layer: opt.Layer = None,
    outputs: opt.RunOutputs,
    output: opt.OutputName = None,
    computing: opt.Computing,
    sandbox: opt.Sandbox = "auto",
) -> int:
    """Show which neurons a trigger uses: the target layer ranked by activation and by weight."""
    done = begin(outputs, context.obj, [model, trigger], [data], sandbox)
    if done is not None:
        return done
    from onnxaudit.cli.runs import run_profile

    given = opt.keep_given(layer=layer, output=output)
    return run_profile(
        model, data, trigger, options={**given, **computing.keep_given()}, outputs=outputs, settings=context.obj
    )
