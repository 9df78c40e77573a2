"""A scan is read in pieces: at no time does it fill the memory twice."""

import tracemalloc
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ptychopareto.preparation import frames as frames_module
from ptychopareto.preparation.prepare import prepare
from ptychopareto.readers import MeasuredScan

from .conftest import settings


class Counted:
    """Frames that surround those of a small scan with dark pixels, made where they are read."""

    def __init__(self, inner: np.ndarray, side: int) -> None:
        self.inner, self.side, self.longest = inner, side, 0
        self.shape, self.dtype = (len(inner), side, side), inner.dtype

    def __getitem__(self, which: slice) -> np.ndarray[Any, Any]:
        part = self.inner[which]
        self.longest = max(self.longest, len(part))
        out = np.zeros((len(part), self.side, self.side), self.dtype)
        start, n = (self.side - part.shape[-1]) // 2, part.shape[-1]
        out[:, start : start + n, start : start + n] = part
        return out


def test_frames_are_read_in_pieces(measured: MeasuredScan, monkeypatch: pytest.MonkeyPatch) -> None:
    side = 256
    monkeypatch.setattr(frames_module, "_PIECE", 4 * 8 * side**2)
    frames = Counted(measured.frames[:], side)
    pixel = measured.detector_pixel
    assert pixel is not None
    scan = replace(measured, frames=frames, detector_pixel=pixel)
    whole = 8 * len(measured.frames[:]) * side**2  # bytes as float64
    tracemalloc.start()
    try:
        found = prepare([scan], settings(N=32))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert frames.longest == 4
    assert peak < whole / 4
    np.testing.assert_array_equal(
        found.train.diffraction,
        np.sqrt(measured.frames[:][found.train_frames].astype(np.float64)).astype(np.float32),
    )
