"""A scan: patterns, where they were taken, the probe, and the truth where it is known."""

from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptychopareto.files.stored import StoredArray, StoredPatterns

# Part of the light at the median patch centre; where a measured scan has less, it is not scored.
LEAST_LIGHT = 0.25


@dataclass(frozen=True, eq=False)
class Dataset:
    """One scan: patterns, where they were taken, the probe, and the truth where it is known.

    Attributes
    ----------
    diffraction : (B, N, N) float32
        Measured amplitude √counts / intensity_scale, DC at N // 2. Those of a large scan stay in
        their file until they are asked for (`files.stored`).
    probe : (N, N) complex64
        The probe at the sample, or its strongest mode.
    corners : (B, 2) int64
        First pixel (row, column) of each patch in its object.
    object_index : (B,) int32
        The object that each patch was cut from.
    objects : (n, rows, columns) complex64 or None
        The whole objects.
    patches : (B, N, N) complex64 or None
        The object under each pattern, before illumination.
    ground_truth : (H, W) complex64 or None
        The truth on the scored region of object 0.
    intensity_scale : float or None
        √counts per unit of `diffraction`.
    norm_Y_I : float or None
        The factor by which the object's amplitude was divided.
    metadata : dict
        What the file says about its making.
    fractions : (B, 2) float32 or None
        How far each patch lies beyond its corner [px], from -0.5 to 0.5; None where all lie on
        whole pixels.
    valid : (1, N, N) or (B, N, N) bool or None
        False where a pixel of a pattern is not to be believed and `diffraction` holds a fill; None
        where all are good. Those of each pattern of a large scan stay in the file too.
    free : (B,) bool or None
        The patterns that no reconstruction may use. A measured scan has it, though none may be
        free; a simulated one has not.
    further_modes : (M - 1, N, N) complex64 or None
        The weaker modes of a partly coherent probe.
    shape : tuple of int or None
        Rows and columns of an object [px], where the scan covers only a part of it.
    """

    diffraction: NDArray[np.float32] | StoredPatterns
    probe: NDArray[np.complex64]
    corners: NDArray[np.int64]
    object_index: NDArray[np.int32]
    objects: NDArray[np.complex64] | None = None
    patches: NDArray[np.complex64] | None = None
    ground_truth: NDArray[np.complex64] | None = None
    intensity_scale: float | None = None
    norm_Y_I: float | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    fractions: NDArray[np.float32] | None = None
    valid: NDArray[np.bool_] | StoredArray | None = None
    free: NDArray[np.bool_] | None = None
    further_modes: NDArray[np.complex64] | None = None
    shape: tuple[int, int] | None = None

    @property
    def N(self) -> int:
        """Side of a pattern [px]."""
        return int(self.diffraction.shape[-1])

    @property
    def measured(self) -> bool:
        """Whether this is a measured scan, whose truth is not known."""
        return self.free is not None

    @property
    def modes(self) -> NDArray[np.complex64]:
        """The probe as the forward model takes it: (N, N), or (M, N, N) if it has several modes."""
        if self.further_modes is None:
            return self.probe
        return np.concatenate([self.probe[None], self.further_modes])

    @property
    def object_shape(self) -> tuple[int, int]:
        """Rows and columns of an object [px]; if it is not known, of what the scan covers."""
        if self.objects is not None:
            return self.objects.shape[1], self.objects.shape[2]
        if self.shape is not None:
            return self.shape
        rows, columns = self.corners.max(axis=0) + self.N
        return int(rows), int(columns)

    def part(self, which: NDArray[np.bool_] | NDArray[np.intp]) -> "Dataset":
        """Take some of the patterns of the scan, in the same objects, without their true patches.

        Parameters
        ----------
        which : (B,) bool or (b,) bool or (B,) bool or (b,) int
            Indices of the patterns.
        """

        def of(array: Any) -> Any:
            if isinstance(array, StoredArray | StoredPatterns):
                return array.part(which)
            return None if array is None else array[which]

        shared = self.valid is None or len(self.valid) == 1
        return replace(
            self,
            diffraction=of(self.diffraction),
            corners=of(self.corners),
            object_index=of(self.object_index),
            patches=None,
            fractions=of(self.fractions),
            valid=self.valid if shared else of(self.valid),
            free=of(self.free),
            shape=self.object_shape,
        )

    def scored(self) -> "Dataset":
        """Take the patterns from which the scored reconstruction is made: object 0, none free."""
        made_from = self.object_index == 0
        return self.part(made_from if self.free is None else made_from & ~self.free)

    def left_out(self) -> "Dataset":
        """Take the free patterns of object 0, which no reconstruction may use."""
        if self.free is None:
            return self.part(np.zeros(len(self.corners), bool))
        return self.part(self.free & (self.object_index == 0))

    def scored_region(self) -> tuple[slice, slice]:
        """Return the rows and columns of object 0 to score: the bounding box of its patch centres.

        Where a corner of the box has no patch centre, as in a round scan, all its sides move in by
        the distance from the corner to the nearest centre, the larger one of rows and columns. Then
        each corner has a patch centre diagonally beyond it, and the box lies between centres.

        For a measured scan it is the bounding box of the pixels with light enough, see `covered`.
        """
        if self.measured:
            lit = self._lit()
            rows, columns = (np.flatnonzero(lit.any(axis=axis)) for axis in (1, 0))
            return slice(int(rows[0]), int(rows[-1]) + 1), slice(
                int(columns[0]), int(columns[-1]) + 1
            )
        centres = self.corners[self.object_index == 0] + self.N // 2
        first, last = centres.min(axis=0), centres.max(axis=0)
        box_corners = np.array(list(product(*zip(first, last, strict=True))))
        distances = np.abs(box_corners[:, None] - centres).max(axis=-1)
        inset = min(distances.min(axis=1).max(), (last - first).min() // 2)
        first, last = first + inset, last - inset
        return slice(int(first[0]), int(last[0]) + 1), slice(int(first[1]), int(last[1]) + 1)

    def covered(self) -> NDArray[np.bool_] | None:
        """Tell which pixels of the scored region are scored.

        Returns
        -------
        (H, W) bool or None
            For a measured scan the pixels that got at least `LEAST_LIGHT` of the light that the
            median patch centre got, by the patterns that are not free. None: all of the region.
        """
        return self._lit()[self.scored_region()] if self.measured else None

    def _lit(self) -> NDArray[np.bool_]:
        """Tell which pixels of object 0, (rows, columns), have light enough to be scored."""
        corners = self.corners[(self.object_index == 0) & ~self.free]  # type: ignore[operator]
        intensity = (np.abs(self.modes.reshape(-1, self.N, self.N)) ** 2).sum(axis=0)
        light = np.zeros(self.object_shape, np.float32)
        for row, column in corners:
            light[row : row + self.N, column : column + self.N] += intensity
        centres = corners + self.N // 2
        return light >= LEAST_LIGHT * np.median(light[centres[:, 0], centres[:, 1]])

    @property
    def truth(self) -> NDArray[np.complex64] | None:
        """The truth (H, W) on the scored region, stored as such or cut from object 0."""
        if self.ground_truth is not None or self.objects is None:
            return self.ground_truth
        rows, columns = self.scored_region()
        return self.objects[0, rows, columns]
