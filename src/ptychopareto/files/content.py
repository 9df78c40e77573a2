"""Hold the arrays of an NPZ file, each to be checked when it is taken."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ptychopareto.files.errors import FileError, refusal
from ptychopareto.files.npz import Member

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
        The arrays in memory that have not been taken, by their names.
    large : mapping of str to Member
        The arrays that stay in the file.
    held : float
        Patterns that take no more bytes than this are to be in memory.
    """

    path: Path
    arrays: dict[str, NDArray[Any]]
    large: Mapping[str, Member] = field(default_factory=dict)
    held: float = math.inf

    def __contains__(self, key: str) -> bool:
        """Tell whether the file has an array that has not been taken."""
        return key in self.arrays or key in self.large

    def refusal(self, reason: str) -> FileError:
        """Return the error of this file, with its path and a reason."""
        return refusal(self.path, reason)

    def not_finite(self, key: str) -> FileError:
        """Return the error of an array that holds other than finite numbers."""
        return self.refusal(f"{key} holds NaN, infinite or too large values; finite are wanted")

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
            raise self.not_finite(key)
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
        array = self.arrays.pop(key)
        self.check_type(key, array.dtype, dtype)
        with np.errstate(over="ignore"):  # an infinite result is refused later
            return np.ascontiguousarray(array, dtype=dtype)

    def check_type(self, key: str, has: np.dtype[Any], dtype: type[_Number]) -> None:
        """Refuse an array of another type than those that are converted.

        Parameters
        ----------
        key : str
            Name of the array.
        has : dtype
            Its type.
        dtype : type
            The type that is wanted.

        Raises
        ------
        FileError
            Its numbers are not converted to this type.
        """
        wanted = np.dtype(dtype)
        kinds = {"i": "iu", "f": "iuf", "c": "iufc"}[wanted.kind]
        # A picture of bytes would take more than four times its size in memory.
        too_narrow = dtype in _OF_PICTURES and 2 * has.itemsize < wanted.itemsize
        if has.kind not in kinds or too_narrow:
            raise self.refusal(f"{key} holds {has}; {wanted} is wanted")

    def scale(self, key: str) -> float | None:
        """Take one number.

        Parameters
        ----------
        key : str
            Its name.

        Returns
        -------
        float or None
            None where it is missing.

        Raises
        ------
        FileError
            It is not one number above 0.
        """
        if key not in self:
            return None
        scale = self.take(key, np.float64)
        if scale.size != 1 or scale.item() <= 0:
            raise self.refusal(f"{key} is not one number above 0; that is wanted")
        return float(scale.item())

    def flags(self, key: str, *shapes: tuple[int, ...]) -> NDArray[np.bool_] | None:
        """Take an array of true and false.

        Parameters
        ----------
        key : str
            Its name.
        *shapes : tuple of int
            The shapes that are allowed.

        Returns
        -------
        array of bool or None
            None where it is missing.

        Raises
        ------
        FileError
            It is of another type or shape.
        """
        if key not in self:
            return None
        flags = self.arrays.pop(key)
        self.check_flags(key, flags.dtype, flags.shape, *shapes)
        return flags

    def check_flags(
        self, key: str, dtype: np.dtype[Any], shape: tuple[int, ...], *shapes: tuple[int, ...]
    ) -> None:
        """Refuse what is not true and false, or has none of the shapes.

        Parameters
        ----------
        key : str
            Name of the array.
        dtype : dtype
            Its type.
        shape : tuple of int
            Its shape.
        *shapes : tuple of int
            The shapes that are allowed.

        Raises
        ------
        FileError
            It is of another type or shape.
        """
        if dtype != np.bool_ or shape not in shapes:
            wanted = " or ".join(map(str, shapes))
            raise self.refusal(f"{key} is {dtype} {shape}; bool {wanted} is wanted")


_CHUNK = 2**18  # numbers, which a processor's cache holds


def are_finite(numbers: NDArray[Any]) -> bool:
    """Tell whether all numbers of an array in C order are finite.

    The array is taken in pieces, so that no mask as long as the array is made.
    """
    flat = numbers.reshape(-1)
    pieces = (flat[start : start + _CHUNK] for start in range(0, flat.size, _CHUNK))
    return all(np.isfinite(piece).all() for piece in pieces)
