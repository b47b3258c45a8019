"""Trains many small clean and backdoored models, to measure or to calibrate a detector on.

    python -m tools.make_zoo --output zoo --count 60
    python -m tools.make_zoo --output zoo --data archives --jobs 2
    python -m tools.make_zoo --output zoo --only warp --only clean-repaired --count 10
    python -m tools.make_zoo --output small-zoo --classes 2 3 4 5
    python -m tools.make_zoo --output varied-zoo --series 2 --data archives --count 150
    python -m tools.make_zoo --output unseen-zoo --series 2 --data archives --count 80 --first 1000
    python -m tools.make_zoo --output real-zoo --series 3 --data archives --bodies packages --count 24
    python -m tools.make_zoo --output long-zoo --series 2 --data archives --count 80 --first 4000 --length 2.5

A run that was stopped goes on where it was. Models whose attack failed are listed in `rejected.json` and left out.
Without `--data` the models learn free data, which is written to `data/` in the output folder.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from functools import partial
from itertools import count, islice
from multiprocessing import get_context
from pathlib import Path

import torch

from tools.zoo import real_size_series, second_series
from tools.zoo.publishing import RejectedError, publish, write_index, write_json
from tools.zoo.real_size_series import make_real_recipe
from tools.zoo.recipes import PATTERN, Source, ZooRecipe, make_recipe
from tools.zoo.second_series import make_varied_recipe
from tools.zoo.sources import MORE_SOURCES, SOURCES, find_sources, load_lessons, write_free_data
from tools.zoo.teaching import teach

_KNOWN = {1: SOURCES, 2: MORE_SOURCES, 3: real_size_series.SOURCES}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code: 0, or 1 if too many recipes failed to make the wanted count."""
    options = _parse(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    data = options.data or options.output / "data"
    if not options.data:
        write_free_data(data)
    sources = find_sources(data, _KNOWN[options.series])
    context = get_context("spawn")  # a forked copy of torch's threads may hang
    with ProcessPoolExecutor(options.jobs, context, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        while (missing := options.count - write_index(options.output, data)) > 0:
            recipes = list(islice(find_open_recipes(sources, options), missing))
            tasks = [pool.submit(make_model, recipe, sources, data, options.output) for recipe in recipes]
            made = 0
            for task in as_completed(tasks):
                outcome = task.result()
                print(outcome.line(), flush=True)
                made += outcome.accepted
                keep_rejection(outcome, options.output)
                write_index(options.output, data)
            if not made:
                print(f"none of {len(recipes)} recipes gave a model worth keeping", file=sys.stderr)
                return 1
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.make_zoo", description="Make a zoo of models.")
    parser.add_argument("--output", type=Path, required=True, help="folder of the zoo")
    parser.add_argument("--data", type=Path, help="folder of .npz archives to learn (default: free data)")
    parser.add_argument("--jobs", type=int, default=1, help="models trained at once, each on one thread")
    parser.add_argument(
        "--only",
        action="append",
        choices=sorted({*PATTERN, *second_series.PATTERN, *real_size_series.PATTERN}),
        help="this kind (may be repeated)",
    )
    parser.add_argument("--series", type=int, default=1, choices=[1, 2, 3], help="2: more varied; 3: real size")
    parser.add_argument("--bodies", type=Path, help="folder of unzipped packages with published weights (series 3)")
    parser.add_argument("--classes", type=int, nargs="+", default=[], help="classes a model may know")
    parser.add_argument("--first", type=int, default=0, help="number of the first recipe: zoos far apart share none")
    parser.add_argument("--length", type=float, default=1.0, help="factor on the length of every training")
    parser.add_argument("--count", type=int, default=60, help="models that the zoo shall hold")
    return parser.parse_args(arguments)


def find_open_recipes(sources: Sequence[Source], options: argparse.Namespace) -> Iterator[ZooRecipe]:
    """The recipes, in order, that were not tried before."""
    folder, only, rejected = options.output, options.only, read_rejections(options.output)
    make = _choose_series(options)
    for number in count(options.first):
        drawn = make(number, sources, options.classes)
        recipe = replace(drawn, length=drawn.length * options.length)
        tried = recipe.name in rejected or is_made(recipe, folder)
        if not tried and (only is None or recipe.kind in only):
            yield recipe


def _choose_series(options: argparse.Namespace) -> Callable[[int, Sequence[Source], Sequence[int]], ZooRecipe]:
    match options.series:
        case 1:
            return make_recipe
        case 2:
            return make_varied_recipe
        case _:
            return partial(make_real_recipe, bodies=options.bodies)


def is_made(recipe: ZooRecipe, folder: Path) -> bool:
    """Whether the recipe's model is in the folder."""
    return (folder / "truth" / f"{recipe.name}.json").exists()


def read_rejections(folder: Path) -> dict[str, str]:
    """Why recipes gave no model, by the model's name."""
    path = folder / "rejected.json"
    rejections: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return rejections


def keep_rejection(outcome: "Outcome", folder: Path) -> None:
    """Adds an outcome to the rejections, if it is one."""
    if not outcome.accepted:
        rejections = read_rejections(folder) | {outcome.recipe.name: f"{outcome.recipe.kind}: {outcome.result}"}
        write_json(folder / "rejected.json", rejections)


@dataclass(frozen=True)
class Outcome:
    """What became of a recipe: its figures, or why it was rejected."""

    recipe: ZooRecipe
    accepted: bool
    result: str
    seconds: float

    def line(self) -> str:
        """For the terminal."""
        head = f"{self.recipe.name} {self.recipe.kind}, {self.recipe.class_count} classes, {self.seconds:.0f} s"
        return f"{head}: {'' if self.accepted else 'rejected: '}{self.result}"


def make_model(recipe: ZooRecipe, sources: Sequence[Source], data: Path, folder: Path) -> Outcome:
    """Trains one model, and writes it if it is good enough."""
    started = time.perf_counter()
    try:
        return _make_model(recipe, sources, data, folder, started)
    except Exception as error:  # one recipe that fails must not end the run
        return Outcome(recipe, False, f"{type(error).__name__}: {error}", time.perf_counter() - started)


def _make_model(recipe: ZooRecipe, sources: Sequence[Source], data: Path, folder: Path, started: float) -> Outcome:
    (source,) = (source for source in sources if source.name == recipe.dataset)
    lessons = load_lessons(recipe, source, data)
    taught = teach(recipe, lessons)
    seconds = time.perf_counter() - started
    try:
        truth = publish(recipe, lessons, taught, seconds, folder)
    except RejectedError as rejection:
        return Outcome(recipe, False, str(rejection), seconds)
    rates = "".join(f", attack success {entry['asr']:.3f}" for entry in truth.get("triggers", []))
    return Outcome(recipe, True, f"accuracy {truth['clean_accuracy']:.3f}{rates}", seconds)


if __name__ == "__main__":
    sys.exit(main())
