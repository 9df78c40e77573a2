"""Object, probe and positions that a joint reconstruction changes."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ptychopareto.physics.on_device import OnDevice
from ptychopareto.physics.subpixel import outer, ramp_axes
from ptychopareto.reconstruction.modes import orthogonal
from ptychopareto.reconstruction.modulus import Measured, modulus_change, squared, sum_modes
from ptychopareto.reconstruction.patches import windows
from ptychopareto.reconstruction.positions import better_positions

# Patterns at once that stay in a CPU's cache, or fill a GPU.
CPU_CHUNK, GPU_CHUNK = 16, 256
SCALED_BY = 64  # patterns that say how bright the probe is


@dataclass(frozen=True, eq=False)
class JointState:
    """The state at the end of an epoch of a joint reconstruction.

    Attributes
    ----------
    image : (rows, columns) complex
        The object.
    probe : (M, N, N) complex
        Orthogonal modes, the strongest first.
    corners : (B, 2) int64
        Whole corners of the patches [px].
    fractions : (B, 2) float32
        Steps from the corners to the positions [px].
    misfit : float
        R-factor of all patterns, each before its update.
    """

    image: Tensor
    probe: Tensor
    corners: NDArray[np.int64]
    fractions: NDArray[np.float32]
    misfit: float


class JointModel:
    """Object, probe and positions of a scan, and how patterns change them.

    Parameters
    ----------
    diffraction : (B, N, N) real
        Measured √I, DC at pixel N // 2.
    probe : (M, N, N) complex
        The modes.
    corners, fractions : (B, 2) int64
        Whole corners [px], and the steps from them to the positions [px].
    start : (rows, columns) complex
        The start object.
    valid : (1, N, N) or (B, N, N) bool or None
        The pixels to believe; None for all.

    Attributes
    ----------
    image, probe : Tensor
        Object and modes of the model's own, which updates change in place.
    """

    def __init__(
        self,
        diffraction: OnDevice,
        probe: Tensor,
        corners: NDArray[np.int64],
        fractions: NDArray[np.floating],
        start: Tensor,
        valid: OnDevice | None,
    ) -> None:
        self.N = probe.shape[-1]
        self.measured = Measured(diffraction, valid)
        self.image = start.clone(memory_format=torch.contiguous_format)
        self.probe = probe.clone(memory_format=torch.contiguous_format)
        self._chunk = CPU_CHUNK if start.device.type == "cpu" else GPU_CHUNK
        self._light = torch.zeros_like(self.image.real)  # between two updates all zero
        self._pending = torch.zeros_like(self.image)
        self.place(corners, fractions)

    def state(self, misfit: Tensor) -> JointState:
        """Return the state at the end of an epoch, which the next epoch changes in place.

        Parameters
        ----------
        misfit : Tensor
            The sum of the misfits of all patterns, each before its update.
        """
        return JointState(
            self.image,
            orthogonal(self.probe),
            self.corners,
            self.fractions,
            float(misfit) / self.measured.total,
        )

    def place(self, corners: NDArray[np.int64], fractions: NDArray[np.floating]) -> None:
        """Set the positions of all patterns.

        Parameters
        ----------
        corners : (B, 2) int64
            Whole corners [px].
        fractions : (B, 2) float
            Steps from the corners to the positions [px].
        """
        self.corners, self.fractions = corners, fractions.astype(np.float32)
        moves = torch.from_numpy(self.fractions).to(self.probe.device, self.probe.real.dtype)
        self._axes = ramp_axes(moves, self.N)

    def search_positions(self, radius: float) -> None:
        """Move all patterns to where they fit better, at most `radius` [px] away."""
        self.place(
            *better_positions(
                self.image, self.probe, self.corners, self.fractions, self.measured, radius
            )
        )

    def scale_probe(self) -> None:
        """Give the probe the power with which the object has the measured counts."""
        count = len(self.corners)
        members = np.unique(np.linspace(0, count - 1, min(count, SCALED_BY)).astype(np.intp))
        target, mask = self.measured.batch(members)
        patches = windows(self.image, self.corners[members], self.N).read().unsqueeze(1)
        power = sum_modes(squared(torch.fft.fft2(self.probe * patches, norm="ortho")))
        seen = power if mask is None else power * mask
        self.probe *= (target.square().sum() / seen.sum()).sqrt()
        self._power = squared(self.probe).sum()

    def keep_power(self) -> None:
        """Move a factor from the object to the probe, which has its first power again."""
        factor = (self._power / squared(self.probe).sum()).sqrt()
        self.probe *= factor
        self.image /= factor

    def average(self, members: NDArray[np.intp], step: float, damping: float) -> Tensor:
        """Update object and probe by the average of the patterns' wishes.

        A pixel of the object weighs at least as much as under one pattern's brightest pixel, and at
        least `damping` of the best lit one: otherwise hardly lit pixels would take up noise.

        Parameters
        ----------
        members : (b,) int
            Indices of the patterns.
        step : float
            Step of the update; 1 for the least-squares solution.
        damping : float
            Least weight of a pixel, as a part of the best lit one's.

        Returns
        -------
        scalar Tensor
            Σ|√I_model − √I| before the update.
        """
        intensity = squared(self.probe).sum(0)
        lit = windows(self._light, self.corners[members], self.N)
        lit.add(intensity.expand(len(members), -1, -1))
        most, least = lit.read().max(), intensity.max()
        probe_sum, cover = torch.zeros_like(self.probe), torch.zeros_like(intensity)
        misfit = torch.zeros((), dtype=intensity.dtype, device=intensity.device)
        chunks = np.array_split(members, -(-len(members) // self._chunk))
        total = self.image if len(chunks) == 1 else self._pending
        for chunk in chunks:
            change, probe_change, chunk_cover, apart = self._changes(chunk)
            places = self.corners[chunk]
            weight = windows(self._light, places, self.N).read().clamp_min_(least)
            weight = weight.mul_(1 - damping).add_(damping * most)
            windows(total, places, self.N).add(scaled(change, step / weight))
            probe_sum += probe_change
            cover += chunk_cover
            misfit += apart
        if total is self._pending:
            self.image += self._pending
            self._pending.zero_()
        lit.clear()
        cover = (1 - damping) * cover + damping * cover.max()
        self.probe += scaled(torch.fft.ifft2(probe_sum), step / cover)
        return misfit

    def one_by_one(
        self, members: NDArray[np.intp], alpha: float, beta: float, probe_too: bool
    ) -> Tensor:
        """Do one step of rPIE for patterns whose patches do not overlap.

        The probe takes the mean of the patterns' wishes, each with its own patch as it was.

        Parameters
        ----------
        members : (b,) int
            Indices of the patterns.
        alpha, beta : float
            Regularisation of object and probe, from 0 (not included) to 1.
        probe_too : bool
            Whether the probe is updated.

        Returns
        -------
        scalar Tensor
            Σ|√I_model − √I| before the step.
        """
        patches, factor, lights, change, apart = self._revised(members)
        intensity = squared(lights).sum(1)
        gain = ((1 - alpha) * intensity + alpha * intensity.amax((-2, -1), True)).reciprocal_()
        places = windows(self.image, self.corners[members], self.N)
        places.add(scaled(sum_modes(lights.conj() * change), gain))
        if probe_too:
            cover = squared(patches)
            cover = (1 - beta) * cover + beta * cover.amax((-2, -1), True)
            wish = scaled(patches.conj(), cover.reciprocal_()) * change
            self.probe += torch.fft.ifft2((torch.fft.fft2(wish) * factor.conj()).mean(0))
        return apart

    def _changes(self, members: NDArray[np.intp]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return the changes that patterns want, with χ = ψ' − ψ.

        They are Σₘ P*·χ (b, N, N) of each object patch; Σₙ F(O*·χ) (M, N, N), moved back to where
        the probe is; Σₙ |O|² (N, N) of the patches; and Σ|√I_model − √I|.
        """
        patches, factor, lights, change, apart = self._revised(members)
        object_change = sum_modes(lights.conj() * change)
        probe_change = (torch.fft.fft2(patches.conj() * change) * factor.conj()).sum(0)
        return object_change, probe_change, squared(patches).sum((0, 1)), apart

    def _revised(self, members: NDArray[np.intp]) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Compare model and measurement of some patterns.

        The result is the patches (b, 1, N, N), the factors that move the probe, the moved probes
        (b, M, N, N), the changes of the exit waves (b, M, N, N), and Σ|√I_model − √I|.
        """
        target, mask = self.measured.batch(members)
        patches = windows(self.image, self.corners[members], self.N).read().unsqueeze(1)
        factor = outer(self._axes[members]).unsqueeze(1)
        lights = torch.fft.ifft2(torch.fft.fft2(self.probe) * factor)
        far = torch.fft.fft2(lights * patches, norm="ortho")
        change, apart = modulus_change(far, target, mask)
        return patches, factor, lights, torch.fft.ifft2(change, norm="ortho"), apart


def scaled(field: Tensor, factor: Tensor) -> Tensor:
    """Multiply a complex field by a real factor: to mix the types is slow on a CPU.

    Parameters
    ----------
    field : Tensor
        Any shape, complex; the field.
    factor : Tensor
        Real, broadcasts with `field`; the factor.

    Returns
    -------
    Tensor
        Their product.
    """
    return field * torch.complex(factor, torch.zeros_like(factor))
