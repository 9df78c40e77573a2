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

# The least weight of a patch in a merge, as a fraction of the brightest |P|²: a pixel that no probe
# reaches would be divided by 0.
DARK = 1e-6


@dataclass(frozen=True)
class Groups:
    """G groups of C patterns of a scan, on the device of their indices.

    Attributes
    ----------
    members : (G, C) int
        Indices of the patterns in the scan, in reading order; a pattern may be in several groups.
    starts : (G, C) int
        Where each patch begins on the canvas of its group, counted row by row [px].
    side : int
        Side of all canvases [px].
    fractions : (G, C, 2) float, optional
        How far each patch lies beyond its first pixel [px]; None for positions on whole pixels.
    """

    members: Tensor
    starts: Tensor
    side: int
    fractions: Tensor | None = None

    def __len__(self) -> int:
        """Return G, the number of groups."""
        return len(self.members)

    @property
    def size(self) -> int:
        """C, the number of patterns in a group."""
        return self.members.shape[1]

    def first(self, count: int) -> "Groups":
        """Return the first `count` groups only."""
        fractions = None if self.fractions is None else self.fractions[:count]
        return Groups(self.members[:count], self.starts[:count], self.side, fractions)

    def merge(self, patches: Tensor, probe: Tensor, which: Tensor) -> Tensor:
        """Let the patches of each group agree where they overlap.

        Parameters
        ----------
        patches : (g, C, N, N) complex
            The patches of the groups `which`.
        probe : (N, N) complex, or (M, N, N) of M modes
            The illumination, whose |P|² weights the patches.
        which : (g,) int
            Indices of the groups.

        Returns
        -------
        (g, C, N, N) complex
            Patches that are equal where they overlap: each pixel is the mean over the patches of
            its group, weighted by |P|² as in `reconstruction.stitch`.
        """
        if self.size == 1:
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


def single_patterns(count: int, device: torch.device) -> Groups:
    """Make a group of its own from each pattern.

    Parameters
    ----------
    count : int
        The number of patterns.
    device : torch.device
        Where the indices are kept.

    Returns
    -------
    Groups
        `count` groups of one pattern.
    """
    members = torch.arange(count, device=device)[:, None]
    return Groups(members, torch.zeros_like(members), side=0)


def neighbours(
    corners: NDArray[np.int64], object_index: NDArray[np.integer], gridsize: int
) -> NDArray[np.int64]:
    """Group each position with its neighbours to the right and below.

    Parameters
    ----------
    corners : (B, 2) int
        Top-left corners of the patches [px].
    object_index : (B,) int
        The object that each position belongs to; a group never mixes objects.
    gridsize : int
        Positions of a group on each axis.

    Returns
    -------
    (G, gridsize²) int
        Indices of the positions of each group, in reading order. Each position is in at least one
        group, and no group is there twice.

    Raises
    ------
    ConfigError
        An object has too few positions for a group.

    Notes
    -----
    On a grid the groups are all squares of gridsize × gridsize neighbours. Off a grid a group
    consists of the positions of one object that are nearest to the centre of such a square; its
    step is the median distance of nearest neighbours.
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
    """Return the groups (G, gridsize²) of one object, as indices of its positions (n, 2)."""
    # Imported here: it takes 0.2 s, and most trainings have groups of one pattern.
    from scipy.spatial import cKDTree

    tree = cKDTree(positions)
    step = np.median(tree.query(positions, k=2)[0][:, 1])
    half = step * (gridsize - 1) / 2
    # Positions at the lower and right edge belong to a square that ends there.
    low, high = positions.min(axis=0) + half, positions.max(axis=0) - half
    centres = np.clip(positions + half, low, np.maximum(low, high))
    near = tree.query(centres, k=gridsize**2)[1]
    alone = ~(near == np.arange(len(near))[:, None]).any(axis=1)
    near[alone, -1] = np.flatnonzero(alone)
    return np.unique([_in_reading_order(group, positions, gridsize) for group in near], axis=0)


def _in_reading_order(
    group: NDArray[np.int64], positions: NDArray[np.float64], gridsize: int
) -> NDArray[np.int64]:
    """Order a group row by row, each from left to right; rows need not be quite straight."""
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
    """Form the groups of a scan, and lay out the canvas of each.

    Parameters
    ----------
    corners : (B, 2) int
        Top-left corners of the patches [px].
    object_index : (B,) int
        The object that each position belongs to.
    N : int
        Side of a patch [px].
    gridsize : int
        Patterns of a group on each axis; with 1 each pattern is a group of its own.
    device : torch.device
        Where the indices are kept.
    fractions : (B, 2) float32, optional
        How far the patches lie beyond their corners [px]; None for positions on whole pixels.

    Returns
    -------
    Groups
        The groups that `neighbours` finds.

    Raises
    ------
    ConfigError
        An object has too few positions for a group.
    """
    if gridsize == 1:
        return single_patterns(len(corners), device)
    members = neighbours(corners, object_index, gridsize)
    places = corners[members]
    offsets = places - places.min(axis=1, keepdims=True)
    side = N + int(offsets.max())
    starts = offsets[..., 0] * side + offsets[..., 1]
    beyond = None if fractions is None else torch.from_numpy(fractions[members]).to(device)
    return Groups(
        torch.from_numpy(members).to(device), torch.from_numpy(starts).to(device), side, beyond
    )
