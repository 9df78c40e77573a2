"""A scan that a process writes while a test reads it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from readers.writers import Scan

WRITER = Path(__file__).with_name("swmr_writer.py")


class Detector:
    """A writer process; see `swmr_writer.py`."""

    def __init__(self, file: Path, scan: Scan, **options: Any) -> None:
        self.file = file
        given = file.with_suffix(".given.npz")
        x_y_z = np.zeros((len(scan.frames), 3))
        x_y_z[:, 1], x_y_z[:, 0] = scan.positions.T
        arrays = {"valid": scan.valid} if not scan.valid.all() else {}
        np.savez(
            given,
            frames=scan.frames,
            positions=x_y_z,
            probe=scan.probe,
            wavelength=scan.wavelength,
            distance=scan.distance,
            pixel=scan.pixel,
            **arrays,
        )
        self._process = subprocess.Popen(
            [sys.executable, str(WRITER), str(file), str(given), json.dumps(options)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._answer()

    def write(self, patterns: int) -> None:
        """Write patterns and flush them."""
        self._say(str(patterns))

    def make_place(self, patterns: int) -> None:
        """Let the dataset of frames grow, and write nothing into it."""
        self._say(f"place {patterns}")

    def close(self) -> None:
        """Close the file."""
        self._say("close")
        self._process.wait(60)

    def kill(self) -> None:
        """Kill the process; nothing where it has ended."""
        self._process.kill()
        self._process.wait(60)
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()

    def __enter__(self) -> "Detector":
        return self

    def __exit__(self, *error: object) -> None:
        self.kill()

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        self._answer()

    def _answer(self) -> None:
        assert self._process.stdout is not None
        answer = self._process.stdout.readline()
        assert answer, "the writer has died"
