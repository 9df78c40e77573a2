"""Patterns of ptychodus (1.7.0) as NPZ; their positions are in a product beside them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptychopareto.files.content import Content
from ptychopareto.readers.finished_reconstruction import (
    FinishedReconstruction,
    check_reconstruction,
)
from ptychopareto.readers.format import Contents, Format
from ptychopareto.readers.frames import SelectedFrames
from ptychopareto.readers.measured_scan import Frames, MeasuredScan
from ptychopareto.readers.npz_arrays import content_of, frames_of, valid_of
from ptychopareto.readers.ptychodus_product import as_indexes, is_product, product_of, read_product


def read(path: Path, keys: Mapping[str, str]) -> MeasuredScan:
    """Read patterns, and the product in the same file or in `product.h5` or `.npz` beside it.

    Parameters
    ----------
    path : Path
        The file of patterns.
    keys : dict of str
        Not used: the format has fixed names.

    Returns
    -------
    MeasuredScan
        The patterns that have a position, with what the product says; all patterns without a
        product.

    Raises
    ------
    FileError
        A file is damaged, something in it cannot be right, or no pattern has a position.

    Notes
    -----
    Patterns and positions belong together by the value of `indexes` and `probe_position_indexes`,
    not by their order. `bad_pixels` is true where a pixel is bad. Patterns are counts, with the
    zero frequency at N // 2.
    """
    content = content_of(path, ("patterns", "indexes", "bad_pixels"))
    frames: Frames = frames_of(content, "patterns")
    shape = frames.shape
    origins = {
        "frames": "patterns",
        "values": "the format: counts",
        "zero_frequency": "the format: at N // 2",
    }
    found: dict[str, Any] = {"remarks": ()}
    if "bad_pixels" in content:
        found["valid"] = valid_of(content, "bad_pixels", shape, marks="bad")
        origins["valid"] = "bad_pixels, where true marks a bad pixel"
    place = product_of(path)
    if place is None:
        found["remarks"] = (
            "No positions: ptychodus keeps them in a product (product.h5 or product.npz beside "
            "the patterns), which is not there.",
        )
    else:
        product = check_reconstruction(read_product(place))
        which, rows = _pairs(content, product, shape[0])
        found |= _of_product(product, rows)
        origins |= {name: f"{text} of {place.name}" for name, text in product.origins.items()}
        origins["position_unit"] = "the format: metres"
        if len(which) < shape[0]:
            left_out = shape[0] - len(which)
            found["remarks"] += (f"{left_out} of {shape[0]} patterns have no position: left out.",)
        if not np.array_equal(which, np.arange(shape[0])):
            frames = SelectedFrames(frames, which)
            if "valid" in found and found["valid"].ndim == 3:
                found["valid"] = found["valid"][which]
    return MeasuredScan(
        str(path),
        "ptychodus_npz",
        frames,
        values="intensity",
        zero_frequency="centre",
        origins={key: text for key, text in origins.items() if key != "indexes"},
        **found,
    )


def _pairs(
    content: Content, product: FinishedReconstruction, count: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return which patterns have a position, in the file's order, and the row of each position."""
    indexes = as_indexes(content, "indexes") if "indexes" in content else np.arange(count)
    if len(indexes) != count:
        raise content.refusal(
            f"has {len(indexes)} indexes for {count} patterns; one each is wanted"
        )
    assert product.indexes is not None
    row_of = {int(index): row for row, index in enumerate(product.indexes)}
    pairs = [(at, row_of[int(i)]) for at, i in enumerate(indexes) if int(i) in row_of]
    if not pairs:
        raise content.refusal(
            f"none of its {count} indexes is one of the {len(row_of)} positions' in {product.path}"
        )
    which, rows = np.array(pairs, np.int64).T
    return which, rows


def _of_product(product: FinishedReconstruction, rows: NDArray[np.int64]) -> dict[str, Any]:
    assert product.positions is not None
    corners = product.corners_on_object
    return {
        "positions": product.positions[rows],
        "position_unit": product.position_unit,
        "probe": product.probe,
        "object": product.object,
        "corners_on_object": None if corners is None else corners[rows],
        "wavelength": product.wavelength,
        "distance": product.distance,
        "object_pixel": product.object_pixel,
        "remarks": product.remarks,
    }


def _recognises(contents: Contents) -> bool:
    paired = "indexes" in contents or is_product(contents)
    return contents.container == "npz" and "patterns" in contents and paired


FORMAT = Format(
    "ptychodus_npz",
    "NPZ files of ptychodus: patterns, and a product beside them",
    _recognises,
    read,
)
