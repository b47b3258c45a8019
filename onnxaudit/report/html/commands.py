"""The command line that does a run again, as far as the report knows it."""

import shlex
from collections.abc import Iterator

from onnxaudit.records import PreprocessingChoice, RepairReport, ScanReport, name_original
from onnxaudit.report.html.settings import find_number, find_setting


def write_scan_command(report: ScanReport) -> tuple[str, ...]:
    """`onnxaudit scan ...`, one line an option."""
    copies = [] if report.quantization is None else ["--quantize", "int8"]
    options = (*_list_data(report), *_list_effort(report), *copies, *_list_computing(report, report))
    return _join(["onnxaudit", "scan", _name_model(report), *options])


def write_repair_command(report: RepairReport) -> tuple[str, ...]:
    """`onnxaudit repair ...`, likewise."""
    scan, config = report.scan, report.config
    limits = {name: find_number(config, "pruning", name) for name in ("min_agreement", "max_success")}
    options = [
        *("--output", report.output or "fixed.onnx"),
        *_list_targets(report),
        *(["--suspects"] if report.suspected else []),
        *_pair("--method", find_setting(config, "method")),
        *_pair("--criterion", find_setting(config, "pruning", "criterion")),
        *(part for name, limit in limits.items() for part in _pair(f"--{name.replace('_', '-')}", limit)),
        *(["--remove"] if report.removal is not None else []),
        *_list_computing(scan, report),
    ]
    return _join(["onnxaudit", "repair", _name_model(scan), *_list_data(scan), *options])


def _name_model(report: ScanReport) -> str:
    """The file; of one that was fetched the address, with the digest of what was there."""
    pin = "" if report.origin is None else f"#sha256={report.origin.sha256}"
    return f"{name_original(report.model.path)}{pin}"


def list_gaps(report: ScanReport | RepairReport) -> tuple[str, ...]:
    """What the command cannot know, one sentence each."""
    gaps = ["A time budget, a policy and files are not known; add them where they were given."]
    if isinstance(report, RepairReport):
        if report.original is not None and report.original.known_success_rate is not None:
            gaps.append("The known trigger's file is to be named with --known-trigger.")
        if report.output is None:
            gaps.append("No file was written; fixed.onnx stands for any name.")
    return tuple(gaps)


def _list_targets(report: RepairReport) -> Iterator[str]:
    """A target class that no scan named was named by the caller."""
    if len(report.targets) == 1 and report.targets[0] not in report.scan.target_labels:
        yield from ("--target", str(report.targets[0]))


def _list_effort(report: ScanReport) -> Iterator[str]:
    yield from _pair("--effort", find_setting(report.config, "detection", "effort"))


def _list_data(report: ScanReport) -> Iterator[str]:
    if not report.samples.synthetic:
        yield from ("--data", report.samples.source)


def _list_computing(scan: ScanReport, report: ScanReport | RepairReport) -> Iterator[str]:
    yield from ("--seed", str(report.seed), "--device", report.device)
    if scan.preprocessing.source == "given":
        yield from _list_preprocessing(scan.preprocessing)
    if scan.embedded is not None:
        yield "--embed-samples"


def _list_preprocessing(choice: PreprocessingChoice) -> Iterator[str]:
    given = choice.preprocessing
    if given.bounds:
        yield f"--range={_list_numbers(given.bounds[0])}"
        return
    yield f"--range={_list_numbers((given.low, given.high))}"
    yield f"--mean={_list_numbers(given.mean)}"
    yield f"--std={_list_numbers(given.std)}"
    yield from ("--channel-order", given.channel_order.value)


def _list_numbers(numbers: tuple[float, ...]) -> str:
    return ",".join(f"{number:g}" for number in numbers)


def _pair(option: str, value: object) -> list[str]:
    return [] if value is None else [option, f"{value:g}" if isinstance(value, float) else str(value)]


def _join(parts: list[str]) -> tuple[str, ...]:
    """Quoted for a shell, an option a line; a path that begins with a dash is kept from being an option."""
    lines: list[str] = []
    for place, part in enumerate(parts):
        word = shlex.quote(f"./{part}" if place == 2 and part.startswith("-") else part)
        if not lines or (place > 2 and part.startswith("--")):
            lines.append(word)
        else:
            lines[-1] += f" {word}"
    first, *others = lines
    indented = [first, *(f"    {line}" for line in others)]
    return (*(f"{line} \\" for line in indented[:-1]), indented[-1])
