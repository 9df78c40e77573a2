"""How a process deals with memory it has freed."""

import ctypes

# Constants of malloc.h.
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4


def keep_freed_memory() -> None:
    """Let this process keep the memory that arrays and tensors free, for later ones.

    The C library of Linux, glibc, otherwise returns large blocks to the system at once, and a
    training step, which frees and asks for the same blocks again, spends up to a fifth of its time
    getting its pages back. Does nothing where there is another C library.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, -1)
