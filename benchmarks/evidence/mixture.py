"""Objects of several kinds to train on: lines, a Gaussian random field, a Siemens star.

A study names one kind of object. So the mixture is written as files, from the library's own objects
and from seeds that no study uses.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ptychopareto.config import GrfObject, LinesObject, SiemensObject
from ptychopareto.files import write_npz
from ptychopareto.physics.objects import DrawnObject, generate
from ptychopareto.physics.scan import grid, patches

KINDS: tuple[DrawnObject, ...] = (LinesObject(), GrfObject(), SiemensObject())
SIZE, N, STEP = 392, 64, 14  # px, those of studies/transfer_mixture.yaml
SEEDS = {"train": 1001, "test": 1002}


def write_mixture(folder: Path) -> None:
    """Write `mixture_train.npz` and `mixture_test.npz`, unless they are there."""
    for split, seed in SEEDS.items():
        path = folder / f"mixture_{split}.npz"
        if not path.exists():
            write_npz(path, object=mixture(seed))


def mixture(seed: int) -> NDArray[np.complex64]:
    """One object (size, size) of each kind.

    All are equally bright, as objects of studies are: the mean over the patches of a scan of their
    largest amplitude is 1.
    """
    corners = grid(SIZE, N, STEP)
    objects = []
    for kind, sequence in zip(KINDS, np.random.SeedSequence(seed).spawn(len(KINDS)), strict=True):
        rng, rng_of_phase = map(np.random.default_rng, sequence.spawn(2))
        [image] = generate(kind, 1, SIZE, rng, rng_of_phase)
        objects.append(image / patches(np.abs(image), corners, N).max(axis=(1, 2)).mean())
    return np.stack(objects).astype(np.complex64)
