"""Bring the patterns of a scan to a device: all of them, or those that are asked for."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ptychopareto.files import StoredArray, StoredPatterns, stored
from ptychopareto.files.stored import slices
from ptychopareto.physics.read_ahead import Index, ReadAhead

# Part of a GPU's free memory that the patterns of a large scan may take.
_LARGEST_SHARE = 0.25


class Streamed(ReadAhead):
    """An array in a file, whose entries are brought to a device when they are indexed.

    Parameters
    ----------
    array : (B, ...) StoredPatterns or StoredArray
        The array in a file.
    device : torch.device
        Where the entries are wanted.
    """

    def __init__(self, array: StoredPatterns | StoredArray, device: torch.device) -> None:
        super().__init__(device)
        self._array = array

    @property
    def shape(self) -> torch.Size:
        """Return B and the shape of one entry."""
        return torch.Size(self._array.shape)

    def __len__(self) -> int:
        return len(self._array)

    def _read(self, index: Index) -> Tensor:
        return torch.from_numpy(self._array[index]).to(self.device)


OnDevice = Tensor | Streamed


def on_device(
    array: NDArray[np.generic] | StoredPatterns | StoredArray, device: torch.device
) -> OnDevice:
    """Bring an array to a device; a large one is streamed from its file.

    Parameters
    ----------
    array : (B, ...) array, StoredPatterns or StoredArray
        In memory or in a file.
    device : torch.device
        Where it is wanted.

    Returns
    -------
    (B, ...) Tensor or Streamed
        An array in a file stays there, unless the device is a GPU with room for all of it.
    """
    if not isinstance(array, StoredPatterns | StoredArray):
        return torch.from_numpy(array).to(device)
    streamed = Streamed(array, device)
    first = streamed[:1]
    size = first.element_size() * first[0].numel() * len(array)
    if device.type == "cpu" or size > _LARGEST_SHARE * torch.cuda.mem_get_info(device)[0]:
        return streamed
    whole = torch.empty(streamed.shape, dtype=first.dtype, device=device)
    for part in slices(array.shape):
        whole[part] = streamed[part]
    return whole


def pieces(array: OnDevice) -> Iterator[Tensor]:
    """Yield the entries of an array piece by piece; a small array comes in one piece."""
    small = 4 * array.shape.numel() <= stored.LARGE
    for part in (slice(None),) if small else slices(tuple(array.shape)):
        yield array[part]
