"""Reading probes, objects and reconstructions from NPZ files."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ptychopareto.files.content import Content
from ptychopareto.files.npz import read_npz


def read_probe(path: Path) -> NDArray[np.complex64]:
    """Read a probe, (N0, N0) complex64, from the key `probeGuess`.

    Raises
    ------
    FileError
        The file is damaged, or the probe is missing, not square, or dark.
    """
    return probe_of(Content(path, read_npz(path, ("probeGuess",))))


def read_further_modes(path: Path) -> NDArray[np.complex64] | None:
    """Read the modes beside the first one of a probe, (modes, N0, N0), from `further_modes`.

    Raises
    ------
    FileError
        The file is damaged, or the modes are not as large as `probeGuess`.
    """
    content = Content(path, read_npz(path, ("probeGuess", "further_modes")))
    return further_modes_of(content, probe_of(content).shape[-1])


def read_given_objects(path: Path, count: int, size: int) -> NDArray[np.complex64]:
    """Read the centres of objects from the key `object`, complex (H, W) or (n, H, W).

    Parameters
    ----------
    path : Path
        The NPZ file.
    count : int
        The number of objects to take, from the first on.
    size : int
        Side of the centres [px].

    Returns
    -------
    (count, size, size) complex64
        The centres.

    Raises
    ------
    FileError
        The file is damaged, or its objects are not complex, not finite, too few, too small, or
        dark.
    """
    content = Content(path, read_npz(path, ("object",)))
    if "object" in content and not np.iscomplexobj(content.arrays["object"]):
        given = content.arrays["object"].dtype
        raise content.refusal(f"object holds {given}; complex numbers are wanted")
    objects = content.take("object", np.complex64)
    if objects.ndim == 2:
        objects = objects[None]
    if objects.ndim != 3 or len(objects) < count or min(objects.shape[1:]) < size:
        raise content.refusal(
            f"object has shape {objects.shape}; ({count}, {size}, {size}) or larger is wanted"
        )
    top, left = ((side - size) // 2 for side in objects.shape[1:])
    centres = objects[:count, top : top + size, left : left + size]
    if not centres.any(axis=(1, 2)).all():
        raise content.refusal(f"object is 0 on all of its central {size}² px; light is wanted")
    return np.ascontiguousarray(centres)


def read_objects(path: Path, shape: tuple[int, int] | None = None) -> NDArray[np.complex64]:
    """Read the key `objects`: the results of rPIE for n objects, or after n numbers of epochs.

    Parameters
    ----------
    path : Path
        The NPZ file.
    shape : tuple of int, optional
        Rows and columns that are wanted; None for any.

    Returns
    -------
    (n, rows, columns) complex64
        The objects.

    Raises
    ------
    FileError
        The file is damaged, or its objects are not finite or not of the wanted shape.
    """
    content = Content(path, read_npz(path, ("objects",)))
    objects = content.numbers("objects", np.complex64)
    if objects.ndim != 3 or 0 in objects.shape or shape not in (None, objects.shape[1:]):
        wanted = "(n, rows, columns)" if shape is None else f"(n, {shape[0]}, {shape[1]})"
        raise content.refusal(f"objects has shape {objects.shape}; {wanted} is wanted")
    if not np.isfinite(objects).all():
        raise content.refusal("objects holds NaN or infinite values; finite are wanted")
    return objects


def read_reconstruction(path: Path) -> NDArray[np.complex64]:
    """Read the key `object`, (rows, columns) complex64: finite, or NaN throughout (a failed run).

    Raises
    ------
    FileError
        The file is damaged, or its object is no such image.
    """
    content = Content(path, read_npz(path, ("object",)))
    image = content.numbers("object", np.complex64)
    if image.ndim != 2 or image.size == 0:
        raise content.refusal(f"object has shape {image.shape}; (rows, columns) is wanted")
    if not (np.isfinite(image).all() or np.isnan(image).all()):
        raise content.refusal("object holds NaN or infinite values; finite are wanted")
    return image


def probe_of(content: Content, n: int | None = None) -> NDArray[np.complex64]:
    """Take the probe of a dataset, `probeGuess`.

    Parameters
    ----------
    content : Content
        The arrays of the file.
    n : int, optional
        The side that is wanted [px]; None for any.

    Returns
    -------
    (N, N) complex64
        The probe, square and not dark.

    Raises
    ------
    FileError
        There is no such probe.
    """
    probe = np.squeeze(content.take("probeGuess", np.complex64))
    if probe.ndim != 2 or probe.shape[0] != probe.shape[1]:
        raise content.refusal(f"probeGuess has shape {probe.shape}; (N, N), square, is wanted")
    if n is not None and probe.shape != (n, n):
        raise content.refusal(
            f"probeGuess has shape {probe.shape}; that of the patterns, ({n}, {n}), is wanted"
        )
    if not probe.any():
        raise content.refusal("probeGuess is 0 everywhere; a probe with light in it is wanted")
    return probe


def further_modes_of(content: Content, n: int) -> NDArray[np.complex64] | None:
    """Take the modes beside the first one of a dataset's probe, `further_modes`.

    Parameters
    ----------
    content : Content
        The arrays of the file.
    n : int
        The side of the probe [px].

    Returns
    -------
    (modes, N, N) complex64 or None
        None if the probe has one mode.

    Raises
    ------
    FileError
        The modes are not as large as the probe.
    """
    if "further_modes" not in content:
        return None
    modes = content.take("further_modes", np.complex64)
    if modes.ndim != 3 or modes.shape[1:] != (n, n):
        raise content.refusal(f"further_modes has shape {modes.shape}; (modes, {n}, {n}) is wanted")
    return modes
