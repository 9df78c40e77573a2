"""The sample of a scan that grows."""

import numpy as np
import pytest

from ptychopareto.following.sample import Sample
from ptychopareto.preparation.patterns import Patterns


@pytest.mark.parametrize("block", [1, 7, 32, 700])
def test_the_sample_is_each_kth_pattern(block: int) -> None:
    sample = Sample()
    for first in range(0, 2100, block):
        numbers = np.arange(first, min(first + block, 2100), dtype=np.float32)
        amplitudes = np.broadcast_to(numbers[:, None, None], (len(numbers), 8, 8))
        sample.add(Patterns(amplitudes, np.ones((1, 8, 8), bool)), numbers[:, None] + [0.0, 1.0])
    patterns, positions = sample.patterns()
    assert 256 <= len(sample) <= 512
    np.testing.assert_array_equal(patterns.amplitudes[:, 0, 0], np.arange(0, 2100, 8))
    np.testing.assert_array_equal(positions[:, 1], np.arange(1, 2101, 8))
    assert patterns.valid.shape == patterns.amplitudes.shape


def test_large_patterns_are_few() -> None:
    sample = Sample()
    pattern = np.ones((1, 1024, 1024), np.float32)
    for _ in range(40):
        sample.add(Patterns(pattern, np.ones((1, 1024, 1024), bool)), np.zeros((1, 2)))
    assert len(sample) <= 32
