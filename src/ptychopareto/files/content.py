"""Hold the arrays of an NPZ file, each to be checked when it is taken."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ptychopareto.files.errors import FileError, refusal

_Number = TypeVar("_Number", np.float32, np.float64, np.complex64, np.int64)

_OF_PICTURES = (np.float32, np.complex64)


@dataclass(frozen=True)
class Content:
    """The arrays of a file, each to be checked when it is taken.

    Attributes
    ----------
    path : Path
        The file, for messages.
    arrays : dict of array
        The arrays that have not been taken, by their names.
    """

    path: Path
    arrays: dict[str, NDArray[Any]]

    def __contains__(self, key: str) -> bool:
        """Tell whether the file has an array that has not been taken."""
        return key in self.arrays

    def refusal(self, reason: str) -> FileError:
        """Return the error of this file, with its path and a reason."""
        return refusal(self.path, reason)

    def take(self, key: str, dtype: type[_Number]) -> NDArray[_Number]:
        """Take an array of finite numbers, without its trailing axes of length 1.

        Parameters
        ----------
        key : str
            Name of the array.
        dtype : type
            The type to convert to.

        Returns
        -------
        array of `dtype`
            The converted array.

        Raises
        ------
        FileError
            There is no such array, its type does not convert, or a number is not finite.
        """
        numbers = self.numbers(key, dtype)
        if not are_finite(numbers):
            raise self.refusal(f"{key} holds NaN, infinite or too large values; finite are wanted")
        while numbers.ndim > 1 and numbers.shape[-1] == 1:
            numbers = numbers[..., 0]
        return numbers

    def numbers(self, key: str, dtype: type[_Number]) -> NDArray[_Number]:
        """Take an array of numbers, each only once: two copies are too many.

        Parameters
        ----------
        key : str
            Name of the array.
        dtype : type
            The type to convert to.

        Returns
        -------
        array of `dtype`
            The converted array, in C order.

        Raises
        ------
        FileError
            There is no such array, or its type does not convert.
        """
        if key not in self.arrays:
            raise self.refusal(f"has no {key}; it is needed")
        array, wanted = self.arrays.pop(key), np.dtype(dtype)
        kinds = {"i": "iu", "f": "iuf", "c": "iufc"}[wanted.kind]
        # A picture of bytes would take more than four times its size in memory.
        too_narrow = dtype in _OF_PICTURES and 2 * array.dtype.itemsize < wanted.itemsize
        if array.dtype.kind not in kinds or too_narrow:
            raise self.refusal(f"{key} holds {array.dtype}; {wanted} is wanted")
        with np.errstate(over="ignore"):  # an infinite result is refused later
            return np.ascontiguousarray(array, dtype=dtype)


_CHUNK = 2**18  # numbers, which a processor's cache holds


def are_finite(numbers: NDArray[Any]) -> bool:
    """Tell whether all numbers of an array in C order are finite.

    The array is taken in pieces, so that no mask as long as the array is made.
    """
    flat = numbers.reshape(-1)
    pieces = (flat[start : start + _CHUNK] for start in range(0, flat.size, _CHUNK))
    return all(np.isfinite(piece).all() for piece in pieces)
