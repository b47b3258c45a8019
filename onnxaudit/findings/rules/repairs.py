"""Rules OA3xx: a repair that is not complete."""

from onnxaudit.findings.rules.rule import Rule

REPAIR_INCOMPLETE = Rule(
    id="OA301",
    name="repair-limit-missed",
    short="A repair missed one of its limits",
    seen=(
        "The repaired model was measured with onnxruntime and scanned again. It agrees with the original on too few "
        "clean images, the trigger still works too often, or changes of the whole image still lead to a target too "
        "easily."
    ),
    gain="As much as before wherever the trigger still works; nothing more where agreement alone was missed.",
    certainty="Measured on the written file, on clean images that no fit or fine-tuning saw.",
    advice=(
        "Do not use the repaired model. More clean images or `--method full` may get further; else have the model "
        "trained again from data and code that you trust."
    ),
    severity=7.0,
)
REPAIR_REMEMBERED = Rule(
    id="OA303",
    name="backdoor-remembered",
    short="A repaired backdoor comes back too quickly",
    seen=(
        "The repaired model was fine-tuned for some steps on clean images and a few with the trigger, once towards the "
        "target class and once towards other classes. It learns the old target sooner than the others, by more than "
        "the policy allows."
    ),
    gain=(
        "Nothing at once. Whoever can have the model fine-tuned on data of theirs wins the backdoor back with little."
    ),
    certainty=(
        "Measured with the trigger that was found, on clean images that no fit or fine-tuning saw; a few points are "
        "chance."
    ),
    advice=(
        "Do not fine-tune the repaired model on data that you do not trust, or raise `max_reactivation`; more clean "
        "images may get further. Else have the model trained again from data and code that you trust."
    ),
    severity=5.0,
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
