"""All reasons that leave a verdict open, or make it less sure: one entry a cause.

Codes are stable: what one means never changes, and one that is no longer used is not given again. A policy may say what
a missing verdict comes to by them. Each cause states its effect:

- "no verdict": the evidence means little, whatever it says;
- "never clean": a backdoor may have been missed; one that was found stays found;
- "score": nothing went wrong, the evidence alone does not decide.
"""

import re

from onnxaudit.findings.cause import MORE_TIME, Cause
from onnxaudit.findings.interruptions import OUT_OF_TIME, OUT_OF_TIME_ALL_TO_ALL, UNFINISHED, WORKER_ENDS
from onnxaudit.findings.structure_reasons import (
    DORMANT_GATE,
    LIVE_BYPASS,
    STRUCTURE_UNFINISHED,
    STRUCTURE_UNREAD,
    UNEXPLORED_BRANCH,
)

_CHECK = (
    "Check the value range (`--range`, `--mean`, `--std`), the order of channels and of classes, and that the images "
    "are of the model's own task."
)


ANSWERS_NAN = Cause(
    code="model-answers-nan",
    effect="no verdict",
    title="the model answers NaN on clean images",
    seen="The model answers NaN on {nan} of {samples} samples; check the value range and the class order.",
    meaning="Without answers nothing can be said of what changes them. A wrong value range is the usual cause.",
    advice=_CHECK,
)
ONE_CLASS = Cause(
    code="one-class-only",
    effect="no verdict",
    title="the model puts all clean images into one class",
    seen="The model puts all {samples} samples into one class; check the value range and the class order.",
    meaning="A model that tells nothing apart is not used as it was trained. A wrong value range is the usual cause.",
    advice=_CHECK,
)
AT_CHANCE = Cause(
    code="accuracy-at-chance",
    effect="no verdict",
    title="the model classifies the clean images no better than by guessing",
    seen=(
        "The model classifies {correct} of {samples} samples correctly, which is no better than guessing; check the "
        "value range and the class order."
    ),
    meaning="Inputs, labels or both are not what the model was trained on: what is normal for it was not measured.",
    advice=_CHECK,
)
NO_IMAGES = Cause(
    code="no-images",
    effect="never clean",
    title="no clean images were given",
    seen="The samples are synthetic: without real images a model is never called clean.",
    meaning="What is normal for the model on images made from noise says little about real ones.",
    advice="Give clean images with `--data`; ten a class are enough, and labels are not needed.",
)
FEW_CLASSES = Cause(
    code="few-classes-to-check",
    effect="never clean",
    title="the clean images show too few of the classes",
    seen=(
        "Samples of only {present} of {classes} classes were left to check with, too few to see a trigger that moves "
        "all classes; give two or more a class."
    ),
    meaning="Half of the images check what the other half found. An all-to-all trigger shows only across most classes.",
    advice="Give two clean images or more of every class with `--data`.",
)
SMALL_MODEL = Cause(
    code="few-classes",
    effect="never clean",
    title="the model tells too few classes apart to be called clean",
    seen="The model tells {classes} classes apart; with fewer than {fewest} there is too little to compare.",
    meaning=(
        "A target stands out from the other classes. Among so few, one of a clean model often stands out as much, and "
        "the target of a backdoor often no more: on measured models of 2 to 8 classes the evidence hardly separates."
    ),
    advice=(
        "Look at the triggers found, and get the model from a source you trust; or accept this code in your policy. "
        "More images or more effort will not decide it."
    ),
)
FEW_SIMILAR = Cause(
    code="few-similar-models",
    effect="never clean",
    title="too few models of which the truth is known are like this one",
    seen="Of the models of which the truth is known, {alike:.1f} are like this one; at least {fewest:g} are needed.",
    meaning=(
        "How far a class stands out in clean models was measured on classifiers of which the truth is known. Nobody "
        "knows whether the same holds for a model that differs from them in number of classes, size of images, "
        "accuracy and architecture."
    ),
    advice="Look at the triggers and the evidence by class; or accept this code in your policy.",
)
FEW_TRIGGERS = Cause(
    code="few-triggers-found",
    effect="never clean",
    title="a trigger was found for too few classes to tell what is normal",
    seen="A trigger was found for only {settled} of {labels} labels, too few to tell what is normal.",
    meaning="A target stands out from the other classes; without these there is nothing to stand out from.",
    advice="Scan again with `--effort deep` and more clean images.",
)
LARGE_TRIGGERS = Cause(
    code="triggers-hardly-shrank",
    effect="never clean",
    title="the triggers found hardly shrank",
    seen="Half of the triggers cover {share:share} of the input or more: they hardly shrank.",
    meaning="Inversion starts from large masks. Where it ends with large ones, sizes tell nothing yet.",
    advice="Scan again with `--effort deep` and a longer `--time-budget`.",
)
CONSTANT_RANGES = Cause(
    code="constant-inputs",
    effect="never clean",
    title="some inputs never vary in the clean samples",
    seen=(
        "{constant} of {inputs} ranges have no width because the samples never vary there, so that no trigger could be "
        "searched for in them; give --range A,B."
    ),
    meaning="Samples show the range of each input. Where all are equal, nobody knows what else may stand there.",
    advice="Give the range with `--range A,B`, or samples that vary.",
)
NO_FEATURE_LAYER = Cause(
    code="no-feature-layer",
    effect="never clean",
    title="the model has no layer whose features could be examined",
    seen="The model has no layer at which latent inversion or the exact shift could work.",
    meaning="Two detectors had nothing to work on: a backdoor that shows in inner features alone would be missed.",
    advice="Nothing can be done with this file; ask the vendor for a float model, or accept this code in your policy.",
)
OUTPUT_NOT_AUDITED = Cause(
    code="output-not-audited",
    effect="never clean",
    title="another output that decides classes is not the audited one",
    seen="Output {output} decides classes and is computed around the audited scores, or names other ones.",
    meaning="A backdoor in what leads to that output alone would be missed.",
    advice="Scan the file again for that output with `--output`, or ask the vendor for a file with one output.",
)
BATCH_SIZE_READ = Cause(
    code="batch-size-read",
    effect="never clean",
    title="the graph computes with the number of images it is given at a time",
    seen=(
        "Something that follows from the number of images alone is another at {size} images than at most other "
        "numbers; no image was found that is answered otherwise there."
    ),
    meaning="A graph can take another network for some sizes of a batch, which an audit in other sizes would miss.",
    advice="Ask the vendor what the number of images is computed with for, or for a file with a fixed batch.",
)
NOTHING_COMPARED = Cause(
    code="nothing-compared",
    effect="no verdict",
    title="no class could be tested",
    seen="No label could be tested, so that there is nothing to compare.",
    meaning="Without evidence there is no verdict.",
    advice=f"{MORE_TIME} Give clean images of several classes.",
)
BETWEEN_LIMITS = Cause(
    code="score-between-limits",
    effect="score",
    title="the evidence is too strong for clean and too weak for backdoored",
    seen="The score of {score:.2f} lies between the limits: below {clean_below:g} is clean, above 0.5 is backdoored.",
    meaning="A clean model can have a class that stands out so far; so can a backdoored one.",
    advice=(
        "Scan again with more clean images or `--effort deep`, and look at the trigger: a natural feature of the "
        "class, or something that has no place there?"
    ),
)
ABOVE_LIMIT = Cause(
    code="score-above-limit",
    effect="score",
    title="a class stands out as that of a backdoor does, but something speaks against a verdict",
    seen="The score of {score:.2f} is that of a backdoor, but other reasons speak against a verdict.",
    meaning="The evidence would be enough, were it not for what else is listed, which makes evidence mean little.",
    advice="Treat the model as backdoored until the other reasons are mended and it is scanned again.",
)
UNSEEN_DISOBEY = Cause(
    code="trigger-fails-on-unseen-images",
    effect="score",
    title="the trigger that stands out fails on images that the search did not use",
    seen=(
        "The trigger of label {label} stands out, but sends only {successes} of {trials} images there that the search "
        "did not use."
    ),
    meaning="Such a trigger was fitted to the images it was made on: its size and shape prove nothing.",
    advice="Scan again with more clean images.",
)
NOTHING_SHOWN = Cause(
    code="nothing-shown",
    effect="score",
    title="inner features lead to a class, but no change of the image was found that does",
    seen="Inner features lead to label {label} by a short way, but no change of the image stands out that leads there.",
    meaning="A class that is close to all others by nature looks alike, so this is no proof; nor is the class cleared.",
    advice="Scan again with more clean images and `--effort deep`, which may find the trigger.",
)
BELOW_COVERAGE = Cause(
    code="coverage-below-policy",
    effect="no verdict",
    title="fewer classes were finished than the policy demands",
    seen="{finished} of {labels} labels were finished, and min_coverage = {demanded:g}.",
    meaning="The policy (`min_coverage`) lets no model pass of which less was tested.",
    advice=f"{MORE_TIME} Or lower `min_coverage` in the policy.",
)
REQUIRED_MISSING = Cause(
    code="required-detector-missing",
    effect="no verdict",
    title="a detector that the policy demands measured nothing",
    seen="The detector {detector} measured no label, and required_detectors names it.",
    meaning="The policy (`required_detectors`) lets no model pass that one of these detectors did not measure.",
    advice=f"{MORE_TIME} Or take the detector out of `required_detectors`.",
)
REPAIRED_NOT_CLEAN = Cause(
    code="repaired-model-not-clean",
    effect="no verdict",
    title="the new scan of the repaired model is not clean, which the policy demands",
    seen="The new scan does not call the repaired model clean, and repaired = clean.",
    meaning="The repair met its limits, but the policy (`repaired`) asks that a new scan clears the model as well.",
    advice='Repair with more clean images, or set `repaired = "accept"` in the policy.',
)
NOT_MEASURED, LEFT_OUT = "not-measured-", "left-out-"  # and the detector's identifier


def not_measured(detector: str) -> Cause:
    """What stands in the way where a detector ran and measured no class."""
    return Cause(
        code=f"{NOT_MEASURED}{detector}",
        effect="never clean",
        title=f"the detector {detector} could measure no class",
        seen=f"Labels could not be compared by the detector {detector}: none could be measured.",
        meaning="A detector ran and measured nothing, so that what only it can see would be missed.",
        advice=f"{MORE_TIME} Give more clean images of every class.",
    )


def left_out(detector: str) -> Cause:
    """What stands in the way where a detector that the score needs was not to run."""
    return Cause(
        code=f"{LEFT_OUT}{detector}",
        effect="never clean",
        title=f"the detector {detector} was left out",
        seen=f"The detector {detector} was left out, and what only it can see would be missed.",
        meaning="The score rests on this detector too, and its constants were fitted with it.",
        advice="Scan again with `--effort standard` or more, and without `--detectors`, or name it there.",
    )


_BY_DETECTOR = {NOT_MEASURED: not_measured, LEFT_OUT: left_out}

CATALOG: dict[str, Cause] = {
    cause.code: cause
    for cause in (
        *(ANSWERS_NAN, ONE_CLASS, AT_CHANCE, UNFINISHED, OUT_OF_TIME, NOTHING_COMPARED),
        *(NO_IMAGES, FEW_CLASSES, SMALL_MODEL, FEW_SIMILAR, FEW_TRIGGERS, LARGE_TRIGGERS, OUT_OF_TIME_ALL_TO_ALL),
        *(CONSTANT_RANGES, NO_FEATURE_LAYER, OUTPUT_NOT_AUDITED, BATCH_SIZE_READ),
        *(DORMANT_GATE, UNEXPLORED_BRANCH, LIVE_BYPASS, STRUCTURE_UNREAD, STRUCTURE_UNFINISHED),
        *(BETWEEN_LIMITS, ABOVE_LIMIT, UNSEEN_DISOBEY, NOTHING_SHOWN),
        *WORKER_ENDS.values(),
        *(BELOW_COVERAGE, REQUIRED_MISSING, REPAIRED_NOT_CLEAN),
    )
}


def find_cause(code: str) -> Cause | None:
    """What a code stands for; some are made of a beginning and the identifier of a detector. None: nothing."""
    found = re.fullmatch(rf"({'|'.join(_BY_DETECTOR)})([a-z0-9]+(-[a-z0-9]+)*)", code)
    return CATALOG.get(code) if found is None else _BY_DETECTOR[found[1]](found[2])


def is_code(text: str) -> bool:
    """Whether a report may hold this code."""
    return find_cause(text) is not None


def explain_reason(cause: Cause) -> str:
    """Everything about a cause, for people."""
    return f"{cause.code}\n{cause.title[0].upper()}{cause.title[1:]}.\n\n{cause.meaning}\n\n{cause.advice}\n"
