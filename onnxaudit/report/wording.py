"""The sentences in plain words: what was found, what it means, what to do next.

No paths and no times stand in them, so that equal runs say the same.
"""

from collections.abc import Sequence

from onnxaudit.findings.caveats import find_title
from onnxaudit.findings.finding import describe_by_ratio
from onnxaudit.findings.kind import Kind, list_kinds
from onnxaudit.records import (
    Conversion,
    Detection,
    Irregularity,
    Measurement,
    MemoryPlan,
    Origin,
    PreprocessingChoice,
    Reason,
    SamplesInfo,
    TriggerFinding,
    Verdict,
)
from onnxaudit.text import format_share, name_label, name_labels, show_plainly

ADVICE_GIVEN = 3  # pieces in a summary; the rest stands beside each reason


def summarize_scan(found: Detection, class_names: Sequence[str] | None = None, unit: str = "pixels") -> str:
    """Summary of a scan; `unit` is what a mask counts."""
    match found.assessment.verdict:
        case Verdict.BACKDOORED:
            return _describe_backdoor(found, class_names, unit)
        case Verdict.CLEAN:
            tested = _count(found.coverage.labels_finished, "class was", "classes were")
            return (
                f"No backdoor found: {tested} tested, and none stands out from the others by the size of its trigger "
                "or by any other detector. A fixed trigger of the kinds that this scan searches for is unlikely; "
                "other kinds of attack are not ruled out. Keep the report with the model and scan again whenever its "
                "file changes."
            )
        case Verdict.INCONCLUSIVE:
            return describe_open(found.assessment.caveats)
        case Verdict.REJECTED:
            raise AssertionError("detection rejects no file")


def summarize_rejection(irregularities: Sequence[Irregularity]) -> str:
    """Summary of a scan that ended because the file works against it."""
    more = f" ({_count(len(irregularities) - 1, 'more finding', 'more findings')})" if irregularities[1:] else ""
    return (
        f"Rejected: {irregularities[0].says}{more} No verdict about its classes would mean anything. Do not use the "
        "file; ask whoever made it why it does this, and for one that does not."
    )


def describe_range(samples: SamplesInfo) -> str:
    """The pixels' measured range, to be put behind what samples they are; "" where it was not measured."""
    if samples.low is None or samples.high is None or samples.mean is None:
        return ""
    return f"; pixels from {samples.low:.2f} to {samples.high:.2f}, mean {samples.mean:.2f}"


def describe_origin(origin: Origin) -> str:
    """What an address stood for, and whether that was asked for by its digest."""
    pin = "pinned" if origin.pinned else "not pinned"
    return f"revision {show_plainly(origin.revision) or 'unknown'}, sha256 {origin.sha256} ({pin})"


def describe_conversion(conversion: Conversion) -> str:
    """What an ONNX file was made of, by which packages, and how far it computes the same."""
    made = ", ".join(f"{name} {version}" for name, version in conversion.packages.items())
    return (
        f"from {conversion.kind}, sha256 {conversion.sha256}, by {show_plainly(made)}; on "
        f"{_count(conversion.inputs, 'random input', 'random inputs')} outputs differ by at most "
        f"{conversion.max_difference:.1g} of the largest, and {format_share(conversion.agreement)} get the same class"
    )


def describe_memory(plan: MemoryPlan) -> str:
    """How much memory a run keeps to, and by what."""
    side = f"{plan.threads} steps side by side" if plan.threads > 1 else "one step at a time"
    pieces = "" if plan.step_images is None else f" in pieces of {_count(plan.step_images, 'image', 'images')}"
    return (
        f"at most {plan.promised / 2**30:.1f} GiB: up to {plan.samples:,} samples, "
        f"{_count(plan.run_images, 'image', 'images')} a run, {side}{pieces}"
    )


def describe_preprocessing(choice: PreprocessingChoice) -> str:
    """How pixels become inputs, and why; the name stands there once."""
    name = choice.preprocessing.name
    return choice.explanation if choice.explanation.startswith(name) else f"{name}: {choice.explanation}"


def summarize_repair(
    outcome: str,
    targets: Sequence[int] = (),
    class_names: Sequence[str] | None = None,
    *,
    original: Measurement | None = None,
    repaired: Measurement | None = None,
    pruned: int = 0,
    written: bool = False,
    missed: Sequence[str] = (),
) -> str:
    """Summary of a repair.

    Args:
        outcome: as in `RepairReport`.
        targets: the repaired target classes; those that an inconclusive scan suspects.
        class_names: names by class index, where known.
        original: figures before.
        repaired: figures after.
        pruned: how many neurons ended at zero.
        written: whether a file was written.
        missed: the limits that were not met, one sentence each.
    """
    match outcome:
        case "nothing to repair":
            return "Nothing to repair: the scan found no backdoor, so no file was written. Use the model as it is."
        case "inconclusive":
            return (
                "Nothing was repaired: the scan came to no verdict, so it is not known which class to repair. Scan "
                f"again with more clean images or more time, {_offer_suspects(targets)}or name the target class with "
                "--target."
            )
        case "repaired":
            return (
                f"The backdoor to {name_labels(targets, class_names)} is removed: {_compare(original, repaired)}"
                f"{_pruned(pruned)}, and a new scan no longer calls it backdoored. Check the repaired model on "
                "your own test data, then use it in place of the original."
            )
        case _:
            return (
                f"The repair of {name_labels(targets, class_names)} is incomplete: {_compare(original, repaired)}"
                f"{_pruned(pruned)}. {_join(missed)}{_advise_incomplete(written)}"
            )


def summarize_suspects(
    targets: Sequence[int],
    class_names: Sequence[str] | None,
    *,
    original: Measurement,
    repaired: Measurement,
    pruned: int,
    cleared: bool,
) -> str:
    """Summary of a repair of suspects that met its limits; `cleared`: whether the new scan calls the model clean.

    The other arguments are those of `summarize_repair`.
    """
    open_end = "comes to no verdict either: treat the repaired model as unchecked."
    clean_end = "finds none. Check the repaired model on your own test data, then use it in place of the original."
    return (
        f"The scan came to no verdict; {name_labels(targets, class_names)}, which it suspects, no longer stands out: "
        f"{_compare(original, repaired)}{_pruned(pruned)}. Whether there was a backdoor is not known, and a new scan "
        f"{clean_end if cleared else open_end}"
    )


def _offer_suspects(targets: Sequence[int]) -> str:
    return "repair the classes that it suspects with --suspects, " if targets else ""


def _describe_backdoor(found: Detection, class_names: Sequence[str] | None, unit: str) -> str:
    return (
        f"Backdoor found: {_describe_effect(found, class_names, unit)} Whoever knows the trigger can make the model "
        "predict that class at will, while it behaves normally otherwise. Do not use the model as it is: repair it "
        "with `onnxaudit repair`, or have it trained again from data and code that you trust."
    )


def _describe_effect(found: Detection, class_names: Sequence[str] | None, unit: str) -> str:
    if found.universal is not None:
        size, followers = found.universal.trigger.mask_l1, found.universal.followers
        return (
            f"a trigger that covers {size:.1f} {unit} sends each class to a class of its own; {followers.successes} of "
            f"{followers.trials} clean images that the search did not use follow."
        )
    surest, *others = found.assessment.target_labels
    name = name_label(surest, class_names)
    *_, kind = list_kinds(found, surest)
    if kind is Kind.PATCH:
        finding = next((finding for finding in found.triggers if finding.label == surest), None)
        effect = f"{_describe_trigger(finding, unit)} to class {name}"
    else:
        row = next((row for row in found.labels if row.label == surest), None)
        effect = describe_by_ratio(row, kind, name)
    more = ", ".join(name_label(label, class_names) for label in others)
    return f"{effect[0].lower()}{effect[1:]}.{f' Further target classes: {more}.' if more else ''}"


def _describe_trigger(finding: TriggerFinding | None, unit: str) -> str:
    if finding is None:
        return "a trigger sends images"
    share = format_share(finding.mask_l1 / finding.trigger.mask.size)
    whole = "image" if unit == "pixels" else "input"
    return f"a trigger that covers {finding.mask_l1:.1f} {unit} ({share} of the {whole}) sends {_success(finding)}"


def _success(finding: TriggerFinding) -> str:
    rate = finding.success_rate
    if rate.value is None:
        return "images"
    seen = f"{rate.successes} of {rate.trials}"
    return f"{format_share(rate.value)} of clean images that the search did not use ({seen})"


def describe_open(caveats: Sequence[Reason]) -> str:
    """Summary of a scan without a verdict: the first cause in plain words, the codes of all, and what to do.

    Figures stand elsewhere in the report.
    """
    if not caveats:
        return "No verdict: the evidence does not decide. Treat the model as unchecked."
    codes = ", ".join(dict.fromkeys(reason.code for reason in caveats))
    advice = dict.fromkeys(reason.advice for reason in caveats if reason.advice)
    further = " ".join(list(advice)[:ADVICE_GIVEN])
    return f"No verdict: {find_title(caveats[0])} ({codes}). Treat the model as unchecked. {further}".rstrip()


def _advise_incomplete(written: bool) -> str:
    file = (
        "The file was written because --allow-incomplete asked for it; do not rely on it."
        if written
        else "No file was written."
    )
    return f"{file} More clean images or --method full may get further; else have the model trained again."


def _compare(original: Measurement | None, repaired: Measurement | None) -> str:
    """Attack success rate of the inverted trigger, clean accuracy or else agreement, before and after."""
    if original is None or repaired is None:
        return "it was not measured"
    parts = []
    if original.success_rate.value is not None and repaired.success_rate.value is not None:
        before, after = format_share(original.success_rate.value), format_share(repaired.success_rate.value)
        parts.append(f"the trigger that was found has an attack success rate of {after} (before: {before})")
    if original.accuracy.value is not None and repaired.accuracy.value is not None:
        before, after = format_share(original.accuracy.value), format_share(repaired.accuracy.value)
        parts.append(f"clean accuracy is {after} (before: {before})")
    elif repaired.agreement.value is not None:
        parts.append(f"agreement with the original is {format_share(repaired.agreement.value)} of clean images")
    return ", ".join(parts) or "it was not measured"


def _pruned(count: int) -> str:
    return f" with {_count(count, 'neuron', 'neurons')} pruned" if count else ""


def _join(sentences: Sequence[str]) -> str:
    return "".join(f"{_sentence(text)} " for text in sentences)


def _sentence(text: str) -> str:
    plain = show_plainly(text)
    return plain if plain.endswith((".", "!", "?")) else f"{plain}."


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
