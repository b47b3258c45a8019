"""All reasons for which a statement about a model does not let it through, in the form of `findings.reasons`."""

from onnxaudit.findings.cause import Cause

_SCAN_AGAIN = "Scan the file that is to be used, and take the statement that this scan writes (`--attest`)."
_ASK_AGAIN = "Ask whoever made the statement for a new one, or scan the file yourself."


def _cause(code: str, title: str, meaning: str, advice: str, seen: str = "") -> Cause:
    sentence = seen or f"{title[0].upper()}{title[1:]}."
    return Cause(code=code, effect="no verdict", title=title, seen=sentence, meaning=meaning, advice=advice)


BACKDOORED = _cause(
    "statement-backdoored",
    "the statement says that the model is backdoored",
    "No signature or age makes up for that; a policy does where its waivers accept every finding of this very model.",
    "Do not use the model. Where it is a false positive, name the policy that waives it with `--policy`.",
)
REJECTED = _cause(
    "statement-rejected",
    "the statement says that the file works against its audit",
    "A file that says one thing to an audit and another where it is used was never audited.",
    "Do not use the file; ask whoever made it for one that does not.",
)
OTHER_MODEL = _cause(
    "statement-about-another-model",
    "the statement is about another model",
    "The file's SHA-256 is not the one that was scanned: the file was changed, or the statement belongs to another.",
    _SCAN_AGAIN,
)
OTHER_DATA = _cause(
    "statement-about-other-external-data",
    "the model's external data are not those that were scanned",
    "Weights outside of the model's own file have another SHA-256 than those that were scanned.",
    _SCAN_AGAIN,
)
NO_VERDICT = _cause(
    "statement-without-verdict",
    "the scan came to no verdict",
    "The statement tells of an open verdict, which lets nothing through but where a policy says so.",
    "See the report of that scan for its reasons, mend these and scan again.",
)
POLICY_NOT_MET = _cause(
    "statement-policy-not-met",
    "the model did not meet the policy that it was scanned under",
    "The verdict alone would have let it through, the policy of that scan did not.",
    "See the report of that scan for what was missed.",
)
BELOW_POLICY = _cause(
    "statement-below-policy",
    "what the statement tells does not meet the policy",
    "The policy of this gate, or the defaults without one, decided on what the statement tells of the scan.",
    "See the report of that scan for what was missed. A policy that accepts it is named with `--policy`.",
    "What the statement tells does not meet the policy: {why}",
)
FROM_FUTURE = _cause(
    "statement-from-the-future",
    "the statement is of the future",
    "Its date lies more than five minutes ahead of this machine's clock: one of both is wrong.",
    "Set the clocks of both machines.",
    "The statement is of the future: {created}.",
)
TOO_OLD = _cause(
    "statement-too-old",
    "the statement is too old",
    "It is older than the policy (`max_age`) accepts; detectors have learned since.",
    _SCAN_AGAIN,
    "The statement is too old: {created}.",
)
OTHER_POLICY = _cause(
    "statement-under-another-policy",
    "the model was scanned under another policy",
    "What that policy demanded may be less than what yours does, and the statement does not tell enough to decide "
    "anew: it is one of version 0.1.0, or a detector that yours names did not run.",
    "Scan the file under the policy of this gate.",
)
KEY_NOT_ACCEPTED = _cause(
    "signature-not-accepted",
    "no accepted key made the statement's signature",
    "Somebody signed it whom you did not name.",
    f"Give the signer's public key with `--key`, if you trust them. {_ASK_AGAIN}",
)
NO_KEY = _cause(
    "no-accepted-key",
    "the statement is signed, but no key is accepted",
    "A signature says something only to who knows the signer's key.",
    "Give the signer's public key with `--key`, or in the policy as `accepted_keys`.",
)
UNSIGNED = _cause(
    "statement-unsigned",
    "the statement is unsigned",
    "Anybody can have written it.",
    f"{_ASK_AGAIN} `--allow-unsigned` accepts it as it is.",
)

STATEMENT_CATALOG: dict[str, Cause] = {
    cause.code: cause
    for cause in (
        *(
            BACKDOORED,
            REJECTED,
            OTHER_MODEL,
            OTHER_DATA,
            NO_VERDICT,
            POLICY_NOT_MET,
            BELOW_POLICY,
            FROM_FUTURE,
            TOO_OLD,
            OTHER_POLICY,
        ),
        *(KEY_NOT_ACCEPTED, NO_KEY, UNSIGNED),
    )
}
