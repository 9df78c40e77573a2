"""Simulate a scan: objects, positions, probe, diffraction, Poisson counts."""

import platform
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from ptychopareto import __version__
from ptychopareto.config import ConfigError, NpzObject, SimulatedDataset
from ptychopareto.files import Dataset
from ptychopareto.physics import objects, scan
from ptychopareto.physics.forward import diffraction_amplitude
from ptychopareto.physics.probe import make_probe

# Patterns propagated at once: bounds the memory, whatever the scan's size.
CHUNK = 1024


def simulate(config: SimulatedDataset) -> tuple[Dataset, Dataset]:
    """Simulate the training and the test split of a study.

    The test objects use other random numbers than the training objects. Both splits share the
    probe, the amplitude normalisation and the intensity scale s. The training split fixes them: the
    mean over its patterns of the expected Σ counts is `photons`.

    Parameters
    ----------
    config : SimulatedDataset
        The section `dataset` of a study.

    Returns
    -------
    tuple of Dataset
        The training split, and the test split with the object patch of each pattern as its truth.

    Raises
    ------
    ConfigError
        An object is 0 wherever it is scanned, or the probe has no light.
    FileError
        A file of objects or of the probe will not do.
    """
    test_seed, train_seed, train_noise, test_noise = np.random.SeedSequence(config.seed).spawn(4)
    probe = make_probe(config.probe, config.N)
    train = _Split(config, "train", train_seed)
    test = _Split(config, "test", test_seed)

    brightest = [cut.max(axis=(1, 2)) for cut in train.patches(np.abs(train.objects))]
    norm = float(np.concatenate(brightest).mean())
    if not norm > 0:
        raise ConfigError("dataset.object: the training objects are 0 wherever they are scanned")
    train.objects, test.objects = train.objects / norm, test.objects / norm
    amplitude = train.expected_amplitude(probe)
    power = (amplitude.astype(np.float64) ** 2).sum(axis=(1, 2)).mean()
    scale = float(np.sqrt(config.photons / power))
    metadata = {
        "config": config.model_dump(mode="json"),
        "seed": config.seed,
        "versions": {
            "ptychopareto": __version__,
            "python": platform.python_version(),
            "numpy": np.__version__,
            "torch": torch.__version__,
        },
    }
    made = train.measure(amplitude, probe, scale, norm, metadata, train_noise)
    amplitude = test.expected_amplitude(probe)
    scored = test.measure(amplitude, probe, scale, norm, metadata, test_noise)
    return made, replace(scored, ground_truth=scored.truth)


class _Split:
    """The objects of one split, (n, size, size) complex128, all scanned at the same corners."""

    def __init__(
        self,
        config: SimulatedDataset,
        split: Literal["train", "test"],
        seed: np.random.SeedSequence,
    ) -> None:
        count, step = (getattr(config, f"{name}_{split}") for name in ("images", "scan_step"))
        # Streams of their own: neither an independent phase nor a jitter changes the amplitudes.
        rng, rng_of_phase, rng_of_scan = map(np.random.default_rng, (seed, *seed.spawn(2)))
        self.N = config.N
        self.objects = (
            objects.from_file(config.object, split, count, config.size)
            if isinstance(config.object, NpzObject)
            else objects.generate(config.object, count, config.size, rng, rng_of_phase)
        )
        grid = scan.grid(config.size, config.N, step)
        self.corners = scan.with_jitter(
            grid, config.scan_jitter, config.size - config.N, rng_of_scan
        )

    def patches(self, images: NDArray[Any]) -> Iterator[NDArray[Any]]:
        """Yield the patches (B, N, N) of each image (n, size, size), objects or moduli."""
        return (scan.patches(image, self.corners, self.N) for image in images)

    def expected_amplitude(self, probe: NDArray[np.complex64]) -> NDArray[np.float32]:
        """Return the noiseless √I (n·B, N, N) of every pattern of the split."""
        return expected_amplitude(self.patches(self.objects.astype(np.complex64)), probe)

    def measure(
        self,
        amplitude: NDArray[np.float32],
        probe: NDArray[np.complex64],
        scale: float,
        norm: float,
        metadata: dict[str, Any],
        noise: np.random.SeedSequence,
    ) -> Dataset:
        """Return the dataset with Poisson counts around the expected `amplitude` √I (n·B, N, N).

        diffraction = √counts / scale.
        """
        stored = self.objects.astype(np.complex64)
        return Dataset(
            diffraction=counted_amplitude(amplitude, scale, np.random.default_rng(noise)),
            probe=probe,
            corners=np.tile(self.corners, (len(self.objects), 1)),
            object_index=np.repeat(np.arange(len(self.objects)), len(self.corners)).astype(
                np.int32
            ),
            objects=stored,
            patches=np.concatenate(list(self.patches(stored))),
            intensity_scale=scale,
            norm_Y_I=norm,
            metadata=metadata,
        )


def expected_amplitude(
    patches: Iterable[NDArray[Any]], probe: NDArray[np.complex64]
) -> NDArray[np.float32]:
    """Compute the noiseless √I of object patches.

    Parameters
    ----------
    patches : iterable of (b, N, N) complex64 arrays
        The patches of all patterns, in portions of any size b.
    probe : (N, N) complex64
        The illumination; the amplitude has its units.

    Returns
    -------
    (B, N, N) float32
        √I of all patterns, in the order of the portions, with DC at pixel N // 2.
    """
    light = torch.from_numpy(probe)
    chunks = (chunk for cut in patches for chunk in torch.from_numpy(cut).split(CHUNK))
    return torch.cat([diffraction_amplitude(chunk, light) for chunk in chunks]).numpy()


def counted_amplitude(
    amplitude: NDArray[np.float32], scale: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Draw Poisson counts around an expected amplitude.

    Parameters
    ----------
    amplitude : (B, N, N) float32
        Expected √I, in the units of the probe.
    scale : float
        Intensity scale s: the counts of a pixel have the mean (s·√I)².
    rng : Generator
        The source of the counts.

    Returns
    -------
    (B, N, N) float32
        √counts / s, in the units of `amplitude`.
    """
    # In place: at these sizes new memory takes longer than the arithmetic.
    expected = amplitude.astype(np.float64)
    expected *= scale
    np.square(expected, out=expected)
    counts = rng.poisson(expected)
    counted = np.sqrt(counts, out=expected)
    counted /= scale
    return counted.astype(np.float32)
