"""Batches are predicted in order, by as many threads as a predictor allows."""

import threading
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from ptychopareto.reconstruction.predictor import predict_each

PATIENCE = 60  # seconds


class Stand:
    """A predictor that turns a batch into complex numbers, when it is told to."""

    N, gridsize, batch, device = 4, 1, 1, torch.device("cpu")

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self.done = threading.Semaphore(0)
        self.together = threading.Barrier(threads)

    def __call__(self, amplitudes: Tensor) -> Tensor:
        number = int(amplitudes)
        if number < 0:
            raise ValueError("a bad pattern")
        if number < self.threads:
            self.together.wait(PATIENCE)  # broken unless all threads are in calls at once
        self.done.release()
        return amplitudes.to(torch.complex64)


def numbered(count: int, asked: list[int]) -> Iterator[Tensor]:
    for number in range(count):
        asked.append(number)
        yield torch.tensor(float(number))


@pytest.mark.parametrize("threads", [1, 3])
def test_all_batches_in_their_order(threads: int) -> None:
    found = predict_each(Stand(threads), numbered(50, []))
    assert [int(one.real) for one in found] == [*range(50)]


def test_one_thread_is_given_a_batch_when_it_is_wanted() -> None:
    asked: list[int] = []
    found = predict_each(Stand(1), numbered(50, asked))
    assert int(next(found).real) == 0
    assert asked == [0]


def test_threads_go_on_while_a_batch_is_used() -> None:
    stand, asked = Stand(2), []
    found = predict_each(stand, numbered(50, asked))
    next(found)
    for _ in range(5):  # nobody asks for another one, and these are finished all the same
        assert stand.done.acquire(timeout=PATIENCE)
    assert 5 < len(asked) < 20  # but not all are read: they may be larger than memory
    found.close()
    assert len(asked) < 20


def test_an_error_of_a_thread_is_raised() -> None:
    found = predict_each(Stand(2), map(torch.tensor, [0.0, 1.0, -1.0, 3.0]))
    assert int(next(found).real) == 0
    assert int(next(found).real) == 1
    with pytest.raises(ValueError, match="a bad pattern"):
        next(found)
