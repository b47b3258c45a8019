"""Rules OA2xx: no verdict."""

from onnxaudit.findings.rules.rule import Rule

_TREAT_AS_UNCHECKED = "Treat the model as unchecked: the scan neither found a backdoor nor ruled one out."
_UNKNOWN_GAIN = "Unknown: if there is a backdoor, whoever knows its trigger chooses the class."
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
