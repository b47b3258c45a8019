"""What inverting a label costs and gives, next to the published schedule on the same copy and the same images.

    python -m benchmarks.inversion [--model FILE --data FILE] [--labels N ...] [--steps N | --full] [--threads 2]
    python -m benchmarks.inversion --zoo DIR --data DIR --only NAME

For a true target and one innocent label (`--labels`: others) a table of seconds, processor seconds (over all threads)
and image passes a label, size of the mask in pixels, success on clean images that no method saw, and seconds as a
multiple of the first line's:

- `first look`: our inversion of all labels in one batch; its seconds divided by the number of labels.
- `whole scan`: `onnxaudit.scan` from the file to the verdict, divided likewise; the passes are those of the label.
- `published`: the schedule of `neural_cleanse` with its early stop, cut off after `--steps`; `--full` cuts nothing off.
- `published, all steps`: the same without the early stop, **extrapolated**: passes of the schedule times the measured
  seconds of a pass.

Last the whole model: the scan, and the published schedule for every label, extrapolated from those that were run. Where
the early stop did not come before the cut, its cost is given as a lower bound.

How fast the copy itself is (forward and gradient to the image, next to plain PyTorch) is measured by `importer`.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory

import torch

import onnxaudit
from benchmarks.neural_cleanse import Course, Schedule, search
from benchmarks.results import add_json_option, keep
from benchmarks.stopwatch import Spent, Stopwatch
from benchmarks.zoo_folder import Zoo
from onnxaudit.data.splits import split
from onnxaudit.detectors.patch import PatchConfig
from onnxaudit.inversion.forwards import find_hits
from onnxaudit.inversion.patch import invert
from onnxaudit.pipeline.admission import open_subject
from onnxaudit.pipeline.subject import Subject
from onnxaudit.records import Rate, Samples, Trigger
from onnxaudit.statistics import rate_of
from tools.ground_truth import GroundTruth

MODELS = Path(__file__).parents[1] / "models"
FIRST = PatchConfig().screening


@dataclass(frozen=True)
class Row:
    """A line of the table; what was not measured is None.

    Attributes:
        method: that looked for the trigger.
        label: that it leads to.
        spent: on this label.
        passes: image passes for this label.
        mask: its `|m|₁` in pixels.
        success: on unseen images of other classes.
    """

    method: str
    label: int
    spent: Spent
    passes: int
    mask: float | None = None
    success: Rate | None = None


@dataclass(frozen=True, eq=False)
class Case:
    """An opened model; `known` and `unseen` are the halves into which a scan from `seed` divides the samples."""

    subject: Subject
    data: Path
    seed: int
    known: Samples
    unseen: Samples

    @classmethod
    def open(cls, model: Path, data: Path, seed: int) -> "Case":
        """Read the file and its labelled samples."""
        subject = open_subject(model, data, seed=seed, device="cpu", on_event=lambda _: None)
        assert subject.samples.labels is not None, f"{data} has no labels"
        return cls(subject, data, seed, *split(subject.samples, seed=seed))

    @property
    def classes(self) -> int:
        """How many labels there are."""
        return self.subject.model.info.output.classes

    def test(self, trigger: Trigger, label: int) -> Rate:
        """Success on unseen images of other classes."""
        others = self.unseen.images[self.unseen.labels != label]
        return rate_of(find_hits(self.subject.classifier, others, trigger, label, FIRST.chunk_pixels))


def look_first(case: Case, labels: Sequence[int]) -> list[Row]:
    """Invert all labels together; the rows of `labels`."""
    watch = Stopwatch()
    found = invert(case.subject.classifier, case.known, range(case.classes), FIRST, seed=case.seed)
    share = watch.read().scale(1 / case.classes)
    return [
        Row("first look", one.label, share, one.passes, one.trigger.mask_l1, case.test(one.trigger, one.label))
        for one in (found[label] for label in labels)
    ]


def scan_whole(case: Case, labels: Sequence[int]) -> list[Row]:
    """Scan the file; the rows of `labels`."""
    watch = Stopwatch()
    report = onnxaudit.scan(case.subject.model.info.path, case.data, seed=case.seed)
    share = watch.read().scale(1 / case.classes)
    print(f"verdict: {report.verdict.value}, targets {list(report.target_labels)}")
    results = (report.labels[label] for label in labels)
    return [Row("whole scan", one.label, share, one.passes, one.mask_l1, one.success_rate) for one in results]


def search_as_published(case: Case, label: int, schedule: Schedule, steps: int) -> Course:
    """Run the baseline with its early stop."""
    return search(case.subject.classifier, case.known.images, label, schedule, steps=steps, seed=case.seed)


def describe_course(case: Case, course: Course) -> Row:
    """What was measured of the baseline."""
    end = "stopped early at" if course.stopped else "cut off at"
    name = f"published, {end} step {course.steps}"
    return Row(
        name,
        course.label,
        course.spent,
        course.passes,
        course.trigger.mask_l1,
        case.test(course.trigger, course.label),
    )


def extrapolate(course: Course, schedule: Schedule) -> Row:
    """What all steps of the schedule would cost at the measured seconds of a pass."""
    spent = course.spent.scale(schedule.passes / course.passes)
    return Row("published, all steps (extrapolated)", course.label, spent, schedule.passes)


def choose_labels(targets: Sequence[int | None], classes: int) -> list[int]:
    """The first true target, if one is known, and the lowest label that is none."""
    known = [target for target in targets if target is not None]
    innocent = [label for label in range(classes) if label not in known]
    return known[:1] + innocent[:1]


def format_rows(rows: Sequence[Row]) -> list[str]:
    """The rows of one label; seconds are compared with those of the first."""
    lines = []
    for row in rows:
        mask = "-" if row.mask is None else f"{row.mask:.1f}"
        success = "-" if row.success is None or row.success.value is None else f"{row.success.value:.3f}"
        times = f"{row.spent.seconds:10.2f} {row.spent.processor:9.2f} {row.passes:9}"
        ratio = row.spent.seconds / rows[0].spent.seconds
        lines.append(f"{row.label:5} {row.method:36} {times} {mask:>7} {success:>8} {ratio:9.1f}")
    return lines


def sum_up(classes: int, scan: Spent, courses: Sequence[Course], schedule: Schedule) -> list[str]:
    """The whole model: a scan against the baseline for all `classes` labels, in seconds and by how many times."""
    stopped = all(course.stopped for course in courses)
    full = [extrapolate(course, schedule).spent for course in courses]
    return [
        f"all {classes} labels: scan {scan.seconds:.1f} s, processor {scan.processor:.1f} s; the published schedule, "
        f"extrapolated from {len(courses)} label(s):",
        _weigh(
            "with its early stop", scan, [course.spent for course in courses], classes, "" if stopped else "at least "
        ),
        _weigh("all steps", scan, full, classes, ""),
    ]


def _weigh(name: str, scan: Spent, labels: Sequence[Spent], classes: int, bound: str) -> str:
    seconds = classes * mean(spent.seconds for spent in labels)
    processor = classes * mean(spent.processor for spent in labels)
    return (
        f"  {name}: {bound}{seconds:.0f} s, {bound}{seconds / scan.seconds:.0f} times the scan; "
        f"processor {bound}{processor:.0f} s, {bound}{processor / scan.processor:.0f} times"
    )


def compare(case: Case, labels: Sequence[int], schedule: Schedule, steps: int) -> list[Row]:
    """Measure everything for one model and print it; all rows."""
    scans = scan_whole(case, labels)
    firsts = look_first(case, labels)
    print(f"{'label':>5} {'method':36} {'s a label':>10} {'processor':>9} {'passes':>9} {'mask':>7} {'success':>8} "
          f"{'x seconds':>9}")  # fmt: skip
    courses, kept = [], []
    for first, scan in zip(firsts, scans, strict=True):
        course = search_as_published(case, first.label, schedule, steps)
        rows = [first, scan, describe_course(case, course), extrapolate(course, schedule)]
        print("\n".join(format_rows(rows)), flush=True)
        courses.append(course)
        kept += rows
    print("\n".join(sum_up(case.classes, scans[0].spent.scale(case.classes), courses, schedule)))
    return kept


def parse() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=MODELS / "signs-vgg-random.onnx")
    parser.add_argument(
        "--data", type=Path, default=MODELS / "samples" / "signs.npz", help="samples; with --zoo a folder"
    )
    parser.add_argument("--zoo", type=Path, help="folder with index.json, models and truth/, instead of --model")
    parser.add_argument("--only", help="the name of the model in --zoo")
    parser.add_argument("--per-class", type=int, default=10, help="clean images a class, with --zoo")
    parser.add_argument("--labels", type=int, nargs="+", help="default: the true target and an innocent label")
    parser.add_argument("--steps", type=int, default=200, help="of the published schedule, at most")
    parser.add_argument("--full", action="store_true", help="run the published schedule to its end")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    add_json_option(parser)
    options = parser.parse_args()
    if (options.zoo is None) != (options.only is None):
        parser.error("--zoo and --only go together")
    return options


def main() -> None:
    """Open, measure, print."""
    options = parse()
    torch.set_num_threads(options.threads)
    schedule = Schedule()
    with TemporaryDirectory() as scratch:
        model, data = options.model, options.data
        truth = model.with_suffix(".json")
        targets = [GroundTruth.load(truth).target] if truth.exists() else []
        if options.zoo is not None:
            entry = Zoo(options.zoo, options.data).entry(options.only)
            model, data, targets = entry.model, Path(scratch) / "clean.npz", entry.targets
            entry.write_defender_data(data, options.per_class)
        case = Case.open(model, data, options.seed)
        print(f"{model.name}: {case.classes} labels, {len(case.known)} images to optimise on, "
              f"{len(case.unseen)} unseen, {options.threads} thread(s)")  # fmt: skip
        labels = options.labels or choose_labels(targets, case.classes)
        rows = compare(case, labels, schedule, schedule.steps if options.full else options.steps)
        keep(options.json, "inversion", rows)


if __name__ == "__main__":
    main()
