"""Rules OA1xx: a backdoor."""

from onnxaudit.findings.rules.rule import Rule

_REPAIR = (
    "Do not use the model as it is. `onnxaudit repair` removes such a backdoor and returns the same graph with other "
    "weights; or have the model trained again from data and code that you trust. Ask the vendor where the "
    "training data came from."
)
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
    short="An unusually short latent shift reaches one class, and no trigger was found",
    seen=(
        "The shortest shift of inner features that sends images of the other classes to this class, found by latent "
        "inversion or solved exactly at the last layer (exact shift), is far shorter than is normal for this model, "
        "but no change of the image was found that makes it."
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
SOURCE_SPECIFIC = Rule(
    id="OA107",
    name="source-specific-trigger",
    short="A small trigger sends images of some classes to one class",
    seen=(
        "A trigger sends images of a single class to this class that is far smaller than both classes lead to "
        "expect, and no such trigger leads back. Several classes, each with a target of its own, are an all-to-all "
        "backdoor."
    ),
    gain=(
        "Whoever knows the trigger makes images of the classes that it was made for pass as this class; on others it "
        "does nothing, which is why tests of any image at random hardly find it."
    ),
    certainty=(
        "Less sure than a trigger that works on all classes: few images of each class are there to search with. The "
        "ratios are in the report."
    ),
    advice=(
        "Compare both classes: alike ones (a shirt and a coat) are near by nature. Otherwise take it for a backdoor. "
        + _REPAIR
    ),
)
