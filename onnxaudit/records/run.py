"""Which run of the command line a document comes from."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class RunInfo:
    """What does a run again, beside the versions and the policy that a document holds.

    Attributes:
        started: when, as `2026-11-28T09:30:00Z`.
        arguments: of `onnxaudit`, as they were given.
        whole: SHA-256 of the names of all models, of which this run had a part (`--shard`); "" where it had all.
    """

    started: str
    arguments: tuple[str, ...]
    whole: str = ""
