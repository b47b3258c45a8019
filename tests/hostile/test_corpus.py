"""Every file of the corpus gets the answer that is right, in time; no failure is "clean"."""

from pathlib import Path

import numpy as np
import pytest

from onnxaudit.errors import ModelError, RejectedError
from onnxaudit.findings.finding import find_all
from onnxaudit.pipeline.inspection import inspect
from onnxaudit.pipeline.scans import scan
from onnxaudit.pipeline.subject import Subject, open_subject
from onnxaudit.records import Verdict
from tests.hostile.corpus import CASES, Case
from tests.hostile.networks import make_samples


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clean samples for every file of the corpus."""
    path = tmp_path_factory.mktemp("samples") / "clean.npz"
    images, labels = make_samples()
    np.savez(path, x=images, y=labels)
    return path


def write(case: Case, folder: Path) -> Path:
    """The file of a case."""
    path = folder / "model.onnx"
    path.write_bytes(case.content())
    return path


def open_file(path: Path, samples: Path) -> Subject:
    return open_subject(path, samples, seed=0, on_event=lambda _: None)


def by_answer(answer: str) -> list[str]:
    return [name for name, case in CASES.items() if case.answer == answer]


@pytest.mark.parametrize("name", by_answer("rejected"))
def test_a_file_that_works_against_its_audit_is_rejected_by_rule(name: str, tmp_path: Path, samples: Path) -> None:
    case = CASES[name]
    report = scan(write(case, tmp_path), samples, device="cpu")
    assert report.verdict is Verdict.REJECTED
    assert case.says in {one.rule for one in report.irregularities} | {""}
    assert {finding.rule.id for finding in find_all(report)} == {one.rule for one in report.irregularities}
    told = inspect(tmp_path / "model.onnx")
    assert not told.scannable
    assert told.irregularities
    assert all(one.place and one.says.endswith(".") for one in report.irregularities)


@pytest.mark.parametrize("name", by_answer("refused"))
def test_a_file_that_cannot_be_audited_is_refused_in_one_line(name: str, tmp_path: Path, samples: Path) -> None:
    case = CASES[name]
    with pytest.raises(ModelError, match=case.says) as caught:
        open_file(write(case, tmp_path), samples)
    assert not isinstance(caught.value, RejectedError)
    assert "\n" not in str(caught.value)
    try:
        told = inspect(tmp_path / "model.onnx")
    except ModelError:  # of bytes that nobody parses there is nothing more to tell
        return
    assert not told.scannable
    assert not told.irregularities


@pytest.mark.parametrize("name", by_answer("opened"))
def test_an_honest_unusual_file_is_opened_without_an_alarm(name: str, tmp_path: Path, samples: Path) -> None:
    subject = open_file(write(CASES[name], tmp_path), samples)
    assert inspect(tmp_path / "model.onnx").scannable
    assert bool(subject.doubts) is CASES[name].doubted
