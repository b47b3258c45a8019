"""Trains a backdoored model, or several, for every cell of the method's experiment table.

    python -m tools.make_cells --output cells --data DIR
    python -m tools.make_cells --output cells --data DIR --models 2 --jobs 2 --only gtsrb32-vgg16

`--data` holds the archives `gtsrb32.npz` and `faces_yaleb.npz` (images `x_train`, `x_test` uint8 `(n, h, w)` or
`(n, h, w, c)`, labels `y_train`, `y_test`), or the official folders of the German Traffic Sign Recognition Benchmark,
which are packed into such an archive first. Without `--data` drawn signs stand for traffic signs, and there are no
faces.

The output is a zoo; `python -m benchmarks.repair --zoo cells --data DIR ...` measures on it. A run that was stopped
goes on where it was. Models whose attack failed are listed in `rejected.json`, and the cell's next recipe is tried.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from multiprocessing import get_context
from pathlib import Path

import torch

from tools.make_zoo import is_made, keep_rejection, make_model, read_rejections
from tools.zoo.cells import Cell, list_cells
from tools.zoo.official_signs import pack_official_signs
from tools.zoo.publishing import write_index
from tools.zoo.recipes import ZooRecipe
from tools.zoo.sources import find_sources, write_free_data

SPARE = 3  # recipes of a cell that may fail


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code: 0, or 1 if a cell has fewer models than were wanted."""
    options = _parse(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    data = options.data or options.output / "data"
    if options.data:
        pack_official_signs(data)
    else:
        write_free_data(data)
    sources = find_sources(data)
    cells = [
        cell for cell in list_cells(sources) if not options.only or any(part in cell.name for part in options.only)
    ]
    context = get_context("spawn")  # a forked copy of torch's threads may hang
    with ProcessPoolExecutor(options.jobs, context, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        while missing := list_missing(cells, options):
            tasks = [pool.submit(make_model, recipe, sources, data, options.output) for recipe in missing]
            for task in tasks:
                outcome = task.result()
                print(outcome.line(), flush=True)
                keep_rejection(outcome, options.output)
                write_index(options.output, data)
    return _report(cells, options)


def list_missing(cells: Sequence[Cell], options: argparse.Namespace) -> list[ZooRecipe]:
    """For each cell that lacks models its next recipe, if it has one."""
    open_cells = [cell for cell in cells if count_made(cell, options) < options.models]
    return [recipe for cell in open_cells for recipe in islice(_find_open(cell, options), 1)]


def count_made(cell: Cell, options: argparse.Namespace) -> int:
    """How many models a cell has."""
    return sum(is_made(recipe, options.output) for recipe in _list_recipes(cell, options))


def _find_open(cell: Cell, options: argparse.Namespace) -> Iterator[ZooRecipe]:
    rejected = read_rejections(options.output)
    for recipe in _list_recipes(cell, options):
        if recipe.name not in rejected and not is_made(recipe, options.output):
            yield recipe


def _list_recipes(cell: Cell, options: argparse.Namespace) -> Iterator[ZooRecipe]:
    return islice(cell.recipes(), options.models + SPARE)


def _report(cells: Sequence[Cell], options: argparse.Namespace) -> int:
    short = [cell.name for cell in cells if count_made(cell, options) < options.models]
    if short:
        print(f"too few models: {', '.join(short)}", file=sys.stderr)
    return 1 if short else 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.make_cells", description="Make the table's models.")
    parser.add_argument("--output", type=Path, required=True, help="folder of the zoo")
    parser.add_argument("--data", type=Path, help="folder of .npz archives, or of the official traffic signs")
    parser.add_argument("--models", type=int, default=1, help="models a cell")
    parser.add_argument("--only", nargs="*", default=[], help="parts of names like gtsrb32-vgg16-trojan-weights")
    parser.add_argument("--jobs", type=int, default=1, help="models trained at once, each on one thread")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
