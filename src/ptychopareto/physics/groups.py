"""Groups of neighbouring patterns that enter a network together, and their common canvas.

A pattern does not fix the global phase of its patch. Patches that are merged where they overlap,
before the forward model is applied, have to agree there, in phase too.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ptychopareto.config import ConfigError
from ptychopareto.physics.forward import intensity
from ptychopareto.physics.subpixel import interpolated

# The weight of a patch where its probe has no light, and no say, as part of the brightest pixel.
DARK = 1e-6


@dataclass(frozen=True)
class Groups:
    """G groups of C patterns of a scan, on the device of their indices.

    members : (G, C) indices of the patterns, in reading order; a pattern is in several groups
    starts : (G, C) where each patch begins on the canvas of its group, counted row by row
    side : side [px] of all canvases
    fractions : (G, C, 2) how far each patch lies beyond its first pixel [px]; None for nothing
    """

    members: Tensor
    starts: Tensor
    side: int
    fractions: Tensor | None = None

    def __len__(self) -> int:
        return len(self.members)

    @property
    def patterns(self) -> int:
        """C, the number of patterns in a group."""
        return self.members.shape[1]

    def first(self, count: int) -> "Groups":
        """The first groups only."""
        fractions = None if self.fractions is None else self.fractions[:count]
        return Groups(self.members[:count], self.starts[:count], self.side, fractions)

    def merge(self, patches: Tensor, probe: Tensor, which: Tensor) -> Tensor:
        """Let the patches (g, C, N, N) of the groups `which` (g,) agree where they overlap.

        Each pixel becomes the mean of what the patches of its group say, weighted by |P|² as in
        `reconstruction.stitch`; the result has the shape of `patches`. `probe` is (N, N), or
        (M, N, N) of M modes.
        """
        if self.patterns == 1:
            return patches
        count, N = len(patches), probe.shape[-1]
        axis = torch.arange(N, device=probe.device)
        canvas = torch.arange(count, device=probe.device)[:, None] * self.side**2
        corner = (canvas + self.starts[which])[..., None, None]
        index = corner + axis[:, None] * self.side + axis
        light = intensity(probe)
        weight = (light + DARK * light.max()).expand(patches.shape)
        by = None if self.fractions is None else self.fractions[which]
        if by is not None:  # patches of a group begin at different parts of a pixel
            weight = interpolated(weight, by).clamp(min=DARK * float(light.max()))
            patches = interpolated(patches, by)
        total = patches.new_zeros(count * self.side**2)
        total = total.index_add(0, index.flatten(), (weight * patches).flatten())
        norm = weight.new_zeros(count * self.side**2)
        norm.index_add_(0, index.flatten(), weight.flatten())
        merged = total[index] / norm[index]
        return merged if by is None else interpolated(merged, -by)


def alone(count: int, device: torch.device) -> Groups:
    """`count` patterns, each a group of its own."""
    members = torch.arange(count, device=device)[:, None]
    return Groups(members, torch.zeros_like(members), side=0)


def neighbours(
    corners: NDArray[np.int64], object_index: NDArray[np.integer], gridsize: int
) -> NDArray[np.int64]:
    """Group each position with its neighbours to the right and below: (G, gridsize²) indices.

    On a grid these are all squares of gridsize × gridsize neighbours. Off a grid a group are the
    positions of the same object nearest to where the centre of such a square would be, with a step
    that is the median distance of nearest neighbours. Each position is in a group, no group is
    there twice.

    Raises ConfigError if an object has too few positions for a group.
    """
    found = []
    for number in np.unique(object_index):
        own = np.flatnonzero(object_index == number)
        if len(own) < gridsize**2:
            raise ConfigError(
                f"dataset.gridsize: {gridsize} is too large for a scan of {len(own)} positions; "
                f"at least {gridsize**2} are needed"
            )
        found.append(own[_squares(corners[own].astype(np.float64), gridsize)])
    return np.concatenate(found)


def _squares(positions: NDArray[np.float64], gridsize: int) -> NDArray[np.int64]:
    """The groups of one object."""
    # Here, since the import takes 0.2 s, and most trainings have groups of one pattern.
    from scipy.spatial import cKDTree

    tree = cKDTree(positions)
    step = np.median(tree.query(positions, k=2)[0][:, 1])
    half = step * (gridsize - 1) / 2
    # Those at the lower and right edge belong to a square that ends there.
    low, high = positions.min(axis=0) + half, positions.max(axis=0) - half
    centres = np.clip(positions + half, low, np.maximum(low, high))
    near = tree.query(centres, k=gridsize**2)[1]
    alone = ~(near == np.arange(len(near))[:, None]).any(axis=1)
    near[alone, -1] = np.flatnonzero(alone)
    return np.unique([_in_reading_order(group, positions, gridsize) for group in near], axis=0)


def _in_reading_order(
    group: NDArray[np.int64], positions: NDArray[np.float64], gridsize: int
) -> NDArray[np.int64]:
    """Row by row, each from left to right, though positions of a row may not be quite in line."""
    rows = group[np.argsort(positions[group, 0], kind="stable")].reshape(gridsize, gridsize)
    order = np.argsort(positions[rows, 1], axis=1, kind="stable")
    return np.take_along_axis(rows, order, axis=1).ravel()


def group(
    corners: NDArray[np.int64],
    object_index: NDArray[np.integer],
    N: int,
    gridsize: int,
    device: torch.device,
    fractions: NDArray[np.float32] | None = None,
) -> Groups:
    """The groups of a scan at `corners` (B, 2) [px] with patches of N×N; see `neighbours`.

    The patches lie `fractions` (B, 2) of a pixel beyond their corners, if there are any.
    """
    if gridsize == 1:
        return alone(len(corners), device)
    members = neighbours(corners, object_index, gridsize)
    places = corners[members]
    offsets = places - places.min(axis=1, keepdims=True)
    side = N + int(offsets.max())
    starts = offsets[..., 0] * side + offsets[..., 1]
    beyond = None if fractions is None else torch.from_numpy(fractions[members]).to(device)
    return Groups(
        torch.from_numpy(members).to(device), torch.from_numpy(starts).to(device), side, beyond
    )
