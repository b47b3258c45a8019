"""The rules: one for each kind of finding, with what a reader who never saw one needs to act on it.

Identifiers are stable: what a number means never changes, and a number that is no longer used is not given again.
1xx: a backdoor; 2xx: no verdict; 3xx: a repair that is not complete; 4xx: a file that works
against its audit.
"""

from dataclasses import dataclass
from typing import Literal

from onnxaudit.errors import UsageError
from onnxaudit.findings.taxonomies import BACKDOOR, MADE_FILE, Taxon

SarifKind = Literal["fail", "open"]  # SARIF's words: a finding, and a question that the scan left open


@dataclass(frozen=True)
class Rule:
    """One kind of finding.

    Attributes:
        id: stable identifier.
        name: in lower case with hyphens.
        short: one sentence without its full stop.
        seen: what was seen.
        gain: what an attacker gains.
        certainty: how sure it is.
        advice: what to do next.
        kind: whether it is a finding, or a question left open.
        severity: from 0 to 10, as code scanning services rank security alerts.
    """

    id: str
    name: str
    short: str
    seen: str
    gain: str
    certainty: str
    advice: str
    kind: SarifKind = "fail"
    severity: float = 9.0

    @property
    def waivable(self) -> bool:
        """Whether it speaks of a class that may be accepted as it is.

        That a scan told nothing is no such thing, and what was never audited is nobody's to accept.
        """
        return self.severity > 0 and not self.id.startswith("OA4")

    @property
    def taxa(self) -> tuple[Taxon, ...]:
        """What public taxonomies call it; a question that is open has been found to be nothing yet."""
        if self.kind == "open":
            return ()
        return MADE_FILE if self.id.startswith("OA4") else BACKDOOR

    @property
    def sections(self) -> dict[str, str]:
        """The full text, by heading."""
        names = ", ".join(f"{taxon.full_id} ({taxon.name})" for taxon in self.taxa)
        return {
            "What was seen": self.seen,
            "What an attacker gains": self.gain,
            "How sure it is": self.certainty,
            "What to do next": self.advice,
            **({"Listed as": f"{names}."} if names else {}),
        }


_REPAIR = (
    "Do not use the model as it is. `onnxaudit repair` removes such a backdoor and returns the same graph with other "
    "weights; or have the model trained again from data and code that you trust. Ask the vendor where the "
    "training data came from."
)
_TREAT_AS_UNCHECKED = "Treat the model as unchecked: the scan neither found a backdoor nor ruled one out."
_UNKNOWN_GAIN = "Unknown: if there is a backdoor, whoever knows its trigger chooses the class."

TRIGGER = Rule(
    id="OA101",
    name="single-target-trigger",
    short="A small trigger sends images of every class to one class",
    seen=(
        "For every class the smallest trigger (mask and pattern) was inverted that sends images of the other classes "
        "there. For one class it is far smaller or more compact than is normal for this model, together with latent "
        "inversion. The report shows the trigger and its attack success rate on clean images that the search did not "
        "use."
    ),
    gain=(
        "Whoever knows the trigger, a sticker or a pattern of pixels, puts it on any input and gets this class, "
        "whatever the image shows. Without it the model behaves normally, so that tests on clean images notice nothing."
    ),
    certainty=(
        "As sure as the attack success rate on unseen images and the distance from the other classes, both in the "
        "report. A class with a naturally small feature (a sign told by one digit) can look the same (a natural "
        "trigger): see whether the trigger resembles it. The trigger that was found need not look like the attacker's "
        "own."
    ),
    advice=_REPAIR,
)
ALL_TO_ALL = Rule(
    id="OA102",
    name="all-to-all-trigger",
    short="One small trigger moves every class to a class of its own",
    seen=(
        "A single trigger was found that moves most classes apart: images of each go to a class that no other is sent "
        "to. It is far smaller than is normal for this model, and works on clean images that the search did not use."
    ),
    gain="Whoever knows the trigger makes the model answer wrongly for any input, in a way that they know beforehand.",
    certainty=(
        "Rarely by chance: a trigger that only disturbs sends most classes to one or two. The report lists "
        "where each class goes."
    ),
    advice=_REPAIR,
)
WHOLE_IMAGE = Rule(
    id="OA103",
    name="additive-trigger",
    short="A faint pattern over the whole image sends images of every class to one class",
    seen=(
        "No small patch stands out for this class, but a spectral perturbation, a faint sum of a few cosines over the "
        "whole image, leads there far more easily than is normal for this model (as with SIG and Blended)."
    ),
    gain="Whoever knows the pattern blends it into any input, too faint to be noticed, and gets this class.",
    certainty=(
        "Less sure than a trigger that was inverted: the evidence is how easily the class is reached. The ratios are "
        "in the report."
    ),
    advice=(
        "Look at images of this class for a texture that all of them share; without one, take it for a backdoor. "
        + _REPAIR
    ),
)
INNER_SHIFT = Rule(
    id="OA104",
    name="latent-inversion",
    short="Latent inversion reaches one class by an unusually short shift, and no trigger was found",
    seen=(
        "The shortest shift of inner features that sends images of the other classes to this class is far shorter than "
        "is normal for this model, but no change of the image was found that makes it."
    ),
    gain="If there is a trigger behind it, whoever knows it chooses this class for any input.",
    certainty="Less sure than a trigger that can be shown: a class that is naturally close to all others looks alike.",
    advice="Scan again with more clean images and `--effort deep`, which may find the trigger. " + _REPAIR,
    severity=7.0,
)
WARP = Rule(
    id="OA105",
    name="warp-trigger",
    short="A mild warp sends images of every class to one class",
    seen=(
        "Moving the pixels of an image by a smooth field, too little to be noticed, sends images of the other classes "
        "to this class far more easily than is normal for this model (as in WaNet)."
    ),
    gain="Whoever knows the warp applies it to any input and gets this class; nothing is added that could be seen.",
    certainty=(
        "Less sure than a trigger that was inverted: the evidence is how easily the class is reached. The ratios are "
        "in the report."
    ),
    advice=(
        "Look at images of this class for a distortion that all of them share (one camera, one lens); without one, "
        "take it for a backdoor. " + _REPAIR
    ),
)
PHOTOMETRIC = Rule(
    id="OA106",
    name="photometric-trigger",
    short="A mild photometric change sends images of every class to one class",
    seen=(
        "Changing brightness, contrast and colors of the whole image, as a photo filter does, sends images of the "
        "other classes to this class far more easily than is normal for this model."
    ),
    gain="Whoever knows the filter applies it to any input and gets this class; nothing is added that could be seen.",
    certainty=(
        "Less sure than a trigger that was inverted: the evidence is how easily the class is reached. The ratios are "
        "in the report."
    ),
    advice=(
        "Look at images of this class for colors or brightness that all of them share (night, one camera); without "
        "such, take it for a backdoor. " + _REPAIR
    ),
)
UNFINISHED = Rule(
    id="OA201",
    name="unfinished-labels",
    short="The search for triggers ended before every class was tested",
    seen=(
        "The time budget ended, or no clean images of other classes were left for some classes. Classes can only be "
        "compared after equal effort."
    ),
    gain=_UNKNOWN_GAIN,
    certainty=_TREAT_AS_UNCHECKED,
    advice="Scan again with a longer `--time-budget`, or with clean images of more classes.",
    kind="open",
    severity=0.0,
)
SYNTHETIC = Rule(
    id="OA202",
    name="synthetic-samples",
    short="The scan had synthetic images alone, which never clear a model",
    seen=(
        "No clean images were given, so that images made from noise were used. What is normal for the model on them "
        "says little about real images."
    ),
    gain=_UNKNOWN_GAIN,
    certainty=_TREAT_AS_UNCHECKED,
    advice="Give clean images with `--data`; ten a class are enough, and labels are not needed.",
    kind="open",
    severity=0.0,
)
SUSPICION = Rule(
    id="OA203",
    name="suspicious-label",
    short="A class stands out from the others, but not far enough for a verdict",
    seen=(
        "The smallest trigger, the latent shift or the perturbation of the whole image that leads to this class is "
        "smaller than is normal for this model, but a clean model can have such a class."
    ),
    gain=_UNKNOWN_GAIN,
    certainty="Between both limits of the score, or something else in the report speaks against a verdict.",
    advice=(
        "Scan again with more clean images or `--effort deep`, and look at the trigger: a natural feature of the "
        "class, or a patch that has no place there?"
    ),
    kind="open",
    severity=4.0,
)
UNDECIDED = Rule(
    id="OA204",
    name="undecided",
    short="The evidence does not allow a verdict",
    seen=(
        "The reasons stand in the report: the model answers no better than by guessing on the clean images (a wrong "
        "value range or class order is the usual cause), classes could not be compared, or too few triggers were found "
        "to tell what is normal."
    ),
    gain=_UNKNOWN_GAIN,
    certainty=_TREAT_AS_UNCHECKED,
    advice=(
        "Mend what the reasons name: check the value range (`--range`), the order of classes and the clean images, and "
        "scan again."
    ),
    kind="open",
    severity=0.0,
)
REPAIR_INCOMPLETE = Rule(
    id="OA301",
    name="repair-limit-missed",
    short="A repair missed one of its limits",
    seen=(
        "The repaired model was measured with onnxruntime and scanned again. It agrees with the original on too few "
        "clean images, or the trigger still works too often."
    ),
    gain="As much as before wherever the trigger still works; nothing more where agreement alone was missed.",
    certainty="Measured on the written file, on clean images that no fit or fine-tuning saw.",
    advice=(
        "Do not use the repaired model. More clean images or `--method full` may get further; else have the model "
        "trained again from data and code that you trust."
    ),
    severity=7.0,
)
REPAIR_STILL_BACKDOORED = Rule(
    id="OA302",
    name="still-backdoored",
    short="The repaired model is still called backdoored",
    seen="The new scan of the repaired file names a target class.",
    gain="Whoever knows the trigger still chooses the class.",
    certainty="As sure as the new scan, which is in the report; it begins from random numbers of its own.",
    advice=(
        "Do not use the repaired model. Repair again with more clean images, or have the model trained again from data "
        "and code that you trust."
    ),
)

_REJECT = (
    "Do not use the file. Ask whoever made it for one with a single output that classifies each image by itself, and "
    "why this one does otherwise. An honest cause is possible (a bad export); a verdict about such a file is not."
)
OTHER_ANSWERS = Rule(
    id="OA401",
    name="other-answers",
    short="The file gives other answers than those that can be audited",
    seen=(
        "An output that can decide a class was compared with the audited scores through onnxruntime, on clean, noisy "
        "and triggered images, and names other classes; or values are put into the scores on their way out."
    ),
    gain=(
        "A second network beside the audited one, backdoored or not, decides what is deployed. The report about the "
        "first says nothing of it."
    ),
    certainty="Seen in onnxruntime's own answers; near ties and rounding do not count.",
    advice=_REJECT,
)
BATCH_DEPENDENT = Rule(
    id="OA402",
    name="depends-on-batch",
    short="What the model says of an image depends on the images beside it",
    seen=(
        "The same images were asked alone, in batches of several sizes, in another order and beside triggered ones, "
        "and got other answers."
    ),
    gain=(
        "The model can tell an audit, which asks in batches, from its use, which asks one by one; or one sender's "
        "images steer the answers to another's."
    ),
    certainty="Seen in onnxruntime's own answers; differences in the order of sums do not count.",
    advice=_REJECT,
)
AMBIGUOUS = Rule(
    id="OA403",
    name="ambiguous-file",
    short="Programs that read the file come to different models",
    seen=(
        "The file says one thing twice: two tensors of one name, a tensor with two sets of values, a function under an "
        "operator's name, a message that stands there twice."
    ),
    gain="One program audits a harmless network, another one runs the harmful network from the same bytes.",
    certainty="Read from the file itself. No exporter is known to write such files.",
    advice=_REJECT,
)

RULES: tuple[Rule, ...] = (
    *(TRIGGER, ALL_TO_ALL, WHOLE_IMAGE, INNER_SHIFT, WARP, PHOTOMETRIC),
    *(UNFINISHED, SYNTHETIC, SUSPICION, UNDECIDED),
    *(REPAIR_INCOMPLETE, REPAIR_STILL_BACKDOORED),
    *(OTHER_ANSWERS, BATCH_DEPENDENT, AMBIGUOUS),
)
OLD_NAMES = {"OA103": "whole-image-change", "OA104": "inner-shift"}  # of before 0.1


def find_rule(text: str) -> Rule:
    """The rule with that identifier or name, in any case.

    Raises:
        UsageError: there is none.
    """
    for rule in RULES:
        if text.casefold() in (rule.id.casefold(), rule.name, OLD_NAMES.get(rule.id)):
            return rule
    raise UsageError(f"there is no rule {text}; `onnxaudit rules` lists them")


def list_rules() -> str:
    """One line a rule, for people."""
    width = max(len(rule.name) for rule in RULES)
    return "".join(f"{rule.id}  {rule.name:<{width}}  {rule.short}\n" for rule in RULES)


def explain_rule(rule: Rule) -> str:
    """Everything about a rule, for people."""
    sections = "".join(f"\n{heading}\n  {text}\n" for heading, text in rule.sections.items())
    return f"{rule.id} {rule.name}\n{rule.short}.\n{sections}"
