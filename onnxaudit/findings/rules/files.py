"""Rules OA4xx: a file that works against its audit."""

from onnxaudit.findings.rules.rule import Rule

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
READS_ELSEWHERE = Rule(
    id="OA410",
    name="reads-elsewhere",
    short="The file names files outside its own folder, or itself, as its weights",
    seen=(
        "Tensors may lie in files beside the model. This one names a place that no exporter writes: an absolute path, "
        "one that leads out of the folder, a device, an address, or fields that change how a reader works."
    ),
    gain=(
        "A program that follows such a name reads files of the machine it runs on into the model, whose outputs can "
        "tell them to whoever asks; or hangs on a device."
    ),
    certainty="Read from the file itself; nothing that it names was opened.",
    advice=(
        "Do not use the file, and do not open it with other programs. Ask whoever made it for one whose weights lie in "
        "the model's own folder."
    ),
)
DORMANT_GATE = Rule(
    id="OA404",
    name="dormant-gate",
    short="A part of the graph that does nothing on clean images answers in the model's place on others",
    seen=(
        "Where two values meet that both depend on the image, one was found that nothing depends on: held at what it "
        "is on clean images, it changes no answer, whatever is done to these (noise, shifts, brightness, contrast). "
        "Images were found that wake it. With it held they get the answers of the clean images that they were made "
        "of, without that another class: this part alone gives it."
    ),
    gain=(
        "Whoever knows what wakes it (a pattern of pixels, a checksum, a brightness) chooses the answer. No weight was "
        "trained for it, so that neither clean images nor the inversion of triggers show it (as in ShadowLogic)."
    ),
    certainty="Seen in onnxruntime's own answers to the images in the report, with the part named and held.",
    advice=(
        "Do not use the file. Look at the named nodes, and ask whoever made it what they are for; a fresh export of "
        "the same network from code that you trust has no such part."
    ),
)
