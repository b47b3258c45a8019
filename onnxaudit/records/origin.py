"""Where a model came from that a command fetched."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Origin:
    """A model's place elsewhere, and what was there.

    Attributes:
        uri: its address, as it was given, without the digest that was asked for.
        revision: what that stood for: a commit of the hub, a version of the registry, a version of the object or else
            its ETag.
        sha256: of the model with its external data, as in `model`.
        pinned: whether that digest was asked for.
    """

    uri: str
    revision: str
    sha256: str
    pinned: bool
