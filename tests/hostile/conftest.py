"""Whoever runs a stranger's graph here for the first time does so in a fork: the same limits, a tenth of the time."""

import os

import pytest

from onnxaudit import trial
from tools.testbed.forked_trials import SECONDS, run_forked


@pytest.fixture
def forked_trials(monkeypatch: pytest.MonkeyPatch) -> None:
    """First runs in forks of this process, under a shorter limit of processor time."""
    if hasattr(os, "fork"):
        monkeypatch.setattr(trial, "_run", run_forked)
        monkeypatch.setattr(trial, "SECONDS", SECONDS)
