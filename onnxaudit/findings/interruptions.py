"""Reasons of work that ended before it was done: the time budget was used up, or the process came to an end.

As in `findings.reasons`, whose catalog holds them.
"""

from onnxaudit.findings.cause import MORE_TIME, Cause
from onnxaudit.findings.structure_reasons import STRUCTURE_UNFINISHED

UNFINISHED = Cause(
    code="unfinished-labels",
    effect="no verdict",
    title="the search for triggers ended before every class was finished",
    seen="The inversion of {unfinished} of {labels} labels was not finished.",
    meaning="Classes can only be compared after equal effort, and one that was not begun was not tested.",
    advice=f"{MORE_TIME} If no budget was set, give clean images of more classes.",
)
OUT_OF_TIME = Cause(
    code="out-of-time",
    effect="no verdict",
    title="the time budget was used up within a step that everything rests on",
    seen="The time was up while {doing}.",
    meaning=(
        "The budget holds in every step: reading, finding the value range, comparing, asking. What the step was to "
        "show is not known, and what comes after it was not begun."
    ),
    advice=f"{MORE_TIME} Naming the value range (`--range`) and giving fewer clean images save time before the search.",
)
OUT_OF_TIME_ALL_TO_ALL = Cause(
    code="out-of-time-all-to-all",
    effect="never clean",
    title="the time was up before an all-to-all trigger could be searched for",
    seen="The time was up before a trigger that moves all classes could be searched for.",
    meaning="A backdoor that moves each class to another has no single target and shows in no other evidence.",
    advice=MORE_TIME,
)
_WORKER_SEEN = "The worker process {words}; what it had found until then is kept."
WORKER_CRASHED = Cause(
    code="worker-crashed",
    effect="no verdict",
    title="the process that did the work crashed",
    seen=_WORKER_SEEN,
    meaning=(
        "A file can bring down the libraries that compute with it, by accident or on purpose. What was not finished "
        "was not tested."
    ),
    advice="Scan again. Should it crash again, ask the vendor for another export, and report the crash to us.",
)
WORKER_LIMIT = Cause(
    code="worker-limit",
    effect="no verdict",
    title="the process that did the work came to a limit",
    seen=_WORKER_SEEN,
    meaning="The work is held to limits of memory, processor time and files. What was not finished was not tested.",
    advice="Scan again with fewer clean images, or with more memory (`--memory-limit`) on a larger machine.",
)
WORKER_TIMEOUT = Cause(
    code="worker-timeout",
    effect="no verdict",
    title="the process that did the work did not stop in time",
    seen=_WORKER_SEEN,
    meaning="A step took far longer than the time budget and could only be stopped from outside.",
    advice=MORE_TIME,
)
INTERRUPTED = Cause(
    code="interrupted",
    effect="no verdict",
    title="the run was interrupted",
    seen=_WORKER_SEEN,
    meaning="Somebody ended the run, from the keyboard for instance. What was not finished was not tested.",
    advice="Scan again: what was finished is kept in the cache, unless that was off, and the scan goes on from there.",
)
WORKER_ENDS = {
    "crashed": WORKER_CRASHED,
    "limit": WORKER_LIMIT,
    "time": WORKER_TIMEOUT,
    "interrupted": INTERRUPTED,
}
# What is missing for one of these may be there after another scan, so that such an answer is not kept for good.
UNTIMELY = (UNFINISHED, OUT_OF_TIME, OUT_OF_TIME_ALL_TO_ALL, STRUCTURE_UNFINISHED, *WORKER_ENDS.values())
