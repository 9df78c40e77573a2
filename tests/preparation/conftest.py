"""A scan as a beamline would write it: an asymmetric object, fractional positions, counts."""

from typing import Any

import numpy as np
import pytest
import torch

from ptychopareto.config import LinesObject, MeasuredDataset, ProbeZonePlate
from ptychopareto.physics.forward import diffraction_amplitude
from ptychopareto.physics.objects import generate
from ptychopareto.physics.probe import make_probe
from ptychopareto.physics.scan import patches_at
from ptychopareto.physics.subpixel import split_positions
from ptychopareto.readers import MeasuredScan

N = 32
COUNTS = 1e5  # mean of a pattern
WAVELENGTH, DISTANCE, PITCH = 1e-10, 1.0, 5e-5
PIXEL = WAVELENGTH * DISTANCE / (N * PITCH)


def settings(**given: Any) -> MeasuredDataset:
    """The config's section with a few keys."""
    return MeasuredDataset.model_validate({"scan": "scan.h5", **given})


@pytest.fixture(scope="session")
def measured() -> MeasuredScan:
    """240 frames of uint16 counts: 20 rows of 12 positions, taken row by row from above."""
    rng = np.random.default_rng(5)
    image = generate(LinesObject(segments=120), 1, 128, rng, rng)[0]
    image = (image / np.abs(image).max()).astype(np.complex64)
    image[20:32, 30:36] *= np.exp(1j)  # a mark off the axes
    rows, columns = np.meshgrid(np.arange(20) * 4.3, np.arange(12) * 4.7, indexing="ij")
    nominal = np.stack([rows.ravel(), columns.ravel()], axis=1)
    positions = nominal + rng.uniform(0, 1.4, nominal.shape)
    corners, fractions = split_positions(positions)
    probe = make_probe(ProbeZonePlate(beam_radius=0.3), N)
    patches = torch.from_numpy(patches_at(image, corners, fractions, N))
    amplitude = diffraction_amplitude(patches, torch.from_numpy(probe)).double().numpy()
    scale = COUNTS / (amplitude**2).sum(axis=(1, 2)).mean()
    return MeasuredScan(
        path="scan.h5",
        format="test",
        frames=rng.poisson(scale * amplitude**2).astype(np.uint16),
        positions=positions * PIXEL,
        position_unit="m",
        values="intensity",
        zero_frequency="centre",
        probe=7 * probe[None],
        wavelength=WAVELENGTH,
        distance=DISTANCE,
        detector_pixel=(PITCH, PITCH),
    )
