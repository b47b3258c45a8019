"""`cache stats` and `cache clear`: what is kept from run to run."""

import typer

from onnxaudit.cli import options as opt


def stats(context: typer.Context, *, place: opt.CachePlace) -> int:
    """Tell where results are kept, how many, and how large they are."""
    from onnxaudit.cli.cache import run_stats

    return run_stats(place, context.obj)


def clear(context: typer.Context, *, place: opt.CachePlace) -> int:
    """Remove all results that are kept."""
    from onnxaudit.cli.cache import run_clear

    return run_clear(place, context.obj)
