"""Reasons why the graph itself leaves a verdict open."""

from onnxaudit.findings.cause import MORE_TIME, Cause

DORMANT_GATE = Cause(
    code="dormant-gate",
    effect="never clean",
    title="a part of the graph does nothing on clean images, and would change the answers",
    seen=(
        "Tensor {place} is the same on all clean images, and changes {changed:share} of the answers once it is set to "
        "something else; no image was found that does so."
    ),
    meaning="Whoever built it may know the image that wakes it: a test of many exact values cannot be solved here.",
    advice="Look at the named tensor, and ask the vendor what it is for, or for an export without it.",
)
UNEXPLORED_BRANCH = Cause(
    code="unexplored-branch",
    effect="never clean",
    title="the graph has a branch that no image was found to take",
    seen="At {place} the graph chooses between two computations, and all clean images take the same one.",
    meaning="The other branch has weights of its own. A backdoor in these would be missed.",
    advice="Give clean images of every kind that the model is for, or ask the vendor for a file without the branch.",
)
LIVE_BYPASS = Cause(
    code="live-bypass",
    effect="never clean",
    title="a way around the network decides by itself",
    seen="Tensor {place} joins the scores beside the network, and images were found on which it alone decides.",
    meaning=(
        "With the tensor held these images get the answer of the clean ones that they were made of, else one class. A "
        "small part beside the network that knows a trigger looks like this, and so may an honest shallow one."
    ),
    advice="Look at the named tensor, and ask the vendor what it is for, or for an export without it.",
)
STRUCTURE_UNREAD = Cause(
    code="structure-not-examined",
    effect="never clean",
    title="the graph could not be taken apart",
    seen="The graph holds a choice between computations that cannot both be computed, and was not taken apart.",
    meaning="A backdoor in the graph itself, rather than in its weights, would be missed.",
    advice="Ask the vendor for a file without control flow that depends on the image.",
)
STRUCTURE_UNFINISHED = Cause(
    code="structure-unfinished",
    effect="never clean",
    title="the time was up before all parts of the graph had been examined",
    seen="The time was up before every part of the graph that does nothing on clean images had been examined.",
    meaning="A backdoor in the graph itself, rather than in its weights, would be missed.",
    advice=MORE_TIME,
)
