"""Each suspect's trigger: pictures, figures, and how it acts on clean images."""

from collections.abc import Iterator
from dataclasses import dataclass

from onnxaudit.records import LabelResult, ScanReport, Trigger, TriggerFinding, UniversalTrigger
from onnxaudit.report.detectors import list_detectors
from onnxaudit.report.html import pictures
from onnxaudit.report.html.detail import Detail
from onnxaudit.report.html.pictures import Picture
from onnxaudit.report.html.views.parts import RateCell, make_rate
from onnxaudit.report.html.wording import shorten
from onnxaudit.report.terminal import list_places
from onnxaudit.text import format_share, name_label

COMPARED = 4  # clean images beside each other


@dataclass(frozen=True)
class Captioned:
    """A picture with its caption."""

    picture: Picture
    caption: str


@dataclass(frozen=True)
class Comparison:
    """One clean image beside its triggered twin and what differs, each with the model's answer.

    `works` tells whether the triggered one goes to the label.
    """

    works: bool
    clean: Captioned
    triggered: Captioned
    difference: Captioned


@dataclass(frozen=True)
class Suspect:
    """A label's trigger.

    Attributes:
        name: of the label.
        is_target: whether the verdict names it.
        size: of the trigger, with its share of the input.
        success: on clean images that the search did not use.
        pictures: mask, pattern, stamp on gray.
        comparisons: on the samples that the report holds, of other classes where there are such.
        natural: samples that the model assigns to the label by themselves, to compare the trigger with.
        places: where it lies, where the input is no picture.
        ratios: how it differs from what is normal.
        digest: SHA-256.
    """

    name: str
    is_target: bool
    size: str
    success: RateCell
    pictures: tuple[Captioned, ...]
    comparisons: tuple[Comparison, ...]
    natural: tuple[Captioned, ...]
    places: str
    ratios: tuple[str, ...]
    digest: str


@dataclass(frozen=True)
class Universal:
    """The trigger of an all-to-all backdoor, and where each class goes."""

    size: str
    followers: RateCell
    pictures: tuple[Captioned, ...]
    ways: tuple[tuple[str, str], ...]


def list_suspects(report: ScanReport, detail: Detail) -> tuple[Suspect, ...]:
    """Targets first, in the order of the verdict."""
    order = {label: rank for rank, label in enumerate(report.target_labels)}
    found = sorted(report.triggers, key=lambda finding: order.get(finding.label, len(order)))
    return tuple(_make_suspect(report, finding, detail) for finding in found[: detail.suspects])


def describe_universal(report: ScanReport, found: UniversalTrigger | None, detail: Detail) -> Universal | None:
    """The all-to-all trigger, if there is one."""
    if found is None:
        return None
    shown = _list_pictures(found.trigger, "that moves all classes") if _has_pictures(report, detail) else ()
    ways = (
        (name_label(label, report.class_names), "stays" if to is None else name_label(to, report.class_names))
        for label, to in enumerate(found.destinations)
    )
    return Universal(_measure(report, found.trigger), make_rate(found.followers), tuple(shown), tuple(ways))


def _make_suspect(report: ScanReport, finding: TriggerFinding, detail: Detail) -> Suspect:
    name = shorten(name_label(finding.label, report.class_names), 80)
    is_target, with_pictures = finding.label in report.target_labels, _has_pictures(report, detail)
    row = next((row for row in report.labels if row.label == finding.label), None)
    return Suspect(
        name=name,
        is_target=is_target,
        size=_measure(report, finding.trigger),
        success=make_rate(finding.success_rate),
        pictures=tuple(_list_pictures(finding.trigger, f"to class {name}")) if with_pictures else (),
        comparisons=tuple(_compare(report, finding)) if with_pictures and is_target else (),
        natural=tuple(_show_natural(report, finding.label)) if with_pictures and is_target else (),
        places="" if report.model.input.layout.is_image else list_places(report, finding),
        ratios=() if row is None else _describe_ratios(report, row),
        digest=finding.digest,
    )


def _describe_ratios(report: ScanReport, row: LabelResult) -> tuple[str, ...]:
    known = [info for info in list_detectors(report) if info.id in row.ratios]
    told = ((info, row.ratios[info.id]) for info in known)
    return tuple(
        shorten(info.describe(ratio) + ("" if info.speaks_for(ratio) else " (speaks against)"), 140)
        for info, ratio in told
    )


def _has_pictures(report: ScanReport, detail: Detail) -> bool:
    return detail.pictures and report.model.input.layout.is_image


def _measure(report: ScanReport, trigger: Trigger) -> str:
    share = format_share(min(1.0, trigger.mask_l1 / trigger.mask.size))
    return f"{trigger.mask_l1:.1f} {report.model.input.layout.unit}, {share} of the input"


def _list_pictures(trigger: Trigger, which: str) -> Iterator[Captioned]:
    yield Captioned(
        pictures.draw_mask(trigger, f"Mask of the trigger {which}: white where it covers the image"), "Mask: where"
    )
    yield Captioned(pictures.draw_pattern(trigger, f"Pattern of the trigger {which}"), "Pattern: what")
    yield Captioned(pictures.draw_triggered(trigger, f"The trigger {which} on neutral gray"), "Both, on gray")


def _show_natural(report: ScanReport, label: int) -> Iterator[Captioned]:
    embedded = report.embedded
    if embedded is None:
        return
    name = shorten(name_label(label, report.class_names), 40)
    for image, before in zip(embedded.images, embedded.predictions, strict=True):
        if before == label:
            yield Captioned(pictures.draw_image(image, f"A clean image, which the model calls {name}"), name)


def _compare(report: ScanReport, finding: TriggerFinding) -> Iterator[Comparison]:
    embedded = report.embedded
    if embedded is None:
        return
    answers = embedded.triggered.get(finding.label, (None,) * len(embedded.predictions))
    told = list(zip(embedded.images, embedded.predictions, answers, strict=True))
    others = [one for one in told if one[1] not in report.target_labels]
    for image, before, after in (others or told)[:COMPARED]:
        was = shorten(name_label(before, report.class_names), 40)
        now = "not asked" if after is None else shorten(name_label(after, report.class_names), 40)
        yield Comparison(
            after == finding.label,
            Captioned(pictures.draw_image(image, f"A clean image, which the model calls {was}"), was),
            Captioned(
                pictures.draw_triggered(finding.trigger, f"The same image with the trigger, called {now}", image), now
            ),
            Captioned(pictures.draw_difference(finding.trigger, image, "What the trigger changes in it"), ""),
        )
