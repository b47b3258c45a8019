"""A process answers one question after the other, or is told to have ended."""

import os
import time
from collections.abc import Callable

import pytest

from onnxaudit.isolation.clerk import Clerk, ClerkError
from onnxaudit.isolation.worker import can_fork, run

pytestmark = pytest.mark.skipif(not can_fork(), reason="workers are made by forking")


def open_office() -> Callable[[bytes], bytes]:
    def answer(question: bytes) -> bytes:
        if question == b"end":
            os._exit(1)
        if question == b"sleep":
            time.sleep(60.0)
        return b"%d %s" % (os.getpid(), question)

    return answer


def test_one_process_answers_all_questions() -> None:
    clerk = Clerk(open_office)
    try:
        answers = [clerk.ask(question, 60.0).split() for question in (b"a", b"b" * 2**17)]
    finally:
        clerk.close()
    assert [told for _, told in answers] == [b"a", b"b" * 2**17]
    assert len({number for number, _ in answers} - {b"%d" % os.getpid()}) == 1


@pytest.mark.parametrize(("question", "patience", "words"), [(b"end", 60.0, "has ended"), (b"sleep", 0.01, "within 0")])
def test_a_question_without_an_answer_is_told(question: bytes, patience: float, words: str) -> None:
    clerk = Clerk(open_office)
    try:
        with pytest.raises(ClerkError, match=words):
            clerk.ask(question, patience)
        if question == b"end":
            with pytest.raises(ClerkError, match="has ended"):
                clerk.ask(b"a", 60.0)
    finally:
        clerk.close()


def test_another_worker_has_no_way_to_it() -> None:
    clerk = Clerk(open_office)
    writing = clerk._questions.fileno()

    def look(_: object) -> bytes:
        try:
            os.fstat(writing)
        except OSError:
            return b"closed"
        return b"open"

    try:
        assert run(look, str, 60.0).result == b"closed"
    finally:
        clerk.close()
