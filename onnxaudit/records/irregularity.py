"""What a model file tries beyond classifying: a finding about the file itself, not about one class."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Irregularity:
    """One way in which a file works against its audit.

    Attributes:
        rule: identifier of the rule it falls under, `OA4xx`.
        place: the output, tensor or node.
        says: what the file does, one sentence for people.
    """

    rule: str
    place: str
    says: str


OTHER_ANSWERS = "OA401"  # what is deployed is not what is audited
BATCH_DEPENDENT = "OA402"  # answers depend on the other images
AMBIGUOUS = "OA403"  # readers come to different models
DORMANT_GATE = "OA404"  # a part that sleeps on clean images answers in the model's place
READS_ELSEWHERE = "OA410"  # names files that are none of its own
