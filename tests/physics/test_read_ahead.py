"""Entries that are read before they are asked for are those that were asked for."""

import threading

import numpy as np
import pytest
import torch
from torch import Tensor

from ptychopareto.physics.read_ahead import Index, ReadAhead


class Noted(ReadAhead):
    """Twice the index, and a note of who read it."""

    def __init__(self) -> None:
        super().__init__(torch.device("cpu"))
        self.read: list[tuple[list[int], bool]] = []

    def _read(self, index: Index) -> Tensor:
        numbers = np.arange(100)[index]
        if 99 in numbers:
            raise ValueError("no such entry")
        here = threading.current_thread() is threading.main_thread()
        self.read.append((numbers.tolist(), here))
        return torch.from_numpy(2 * numbers)


def index(*numbers: int) -> Tensor:
    return torch.tensor(numbers)


def test_what_is_expected_is_read_by_another_thread_and_once() -> None:
    array = Noted()
    array[index(0, 1)]
    array.expect(index(3, 2))
    array.expect(index(5, 4))  # the step after: what is expected before it is kept
    for _ in range(2):
        assert array[index(3, 2)].tolist() == [6, 4]
        assert array[index(5, 4)].tolist() == [10, 8]
    assert array.read == [([0, 1], True), ([3, 2], False), ([5, 4], False)]


def test_what_was_not_expected_is_read_all_the_same() -> None:
    array = Noted()
    array[index(0)]
    array.expect(index(1, 2))
    assert array[index(2, 1)].tolist() == [4, 2]
    assert array[5:8].tolist() == [10, 12, 14]
    assert array[index(1, 2).view(2, 1)].tolist() == [[2], [4]]
    assert all(here for numbers, here in array.read if numbers != [1, 2])


def test_nothing_is_read_of_what_nobody_asks_for() -> None:
    array = Noted()
    array.expect(index(1))
    array[2:3]
    array.expect(index(2))
    assert array.read == [([2], True)]


def test_an_error_is_raised_where_the_entries_are_asked_for() -> None:
    array = Noted()
    array[index(0)]
    array.expect(index(99))
    with pytest.raises(ValueError, match="no such entry"):
        array[index(99)]
