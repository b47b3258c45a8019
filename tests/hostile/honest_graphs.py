"""Honest graphs with gates, choices and side paths: what exporters and architectures put there for good reasons."""

from tests.hostile import honest_blocks, honest_entries  # noqa: F401 - each fills the list
from tests.hostile.honest_parts import HONEST

__all__ = ["HONEST"]
