"""Reads scans and reconstructions in a process of its own: `python read_apart.py MOST_BYTES`.

A line of JSON says what to read, from which file and with which `keys:`; a line in answer, how it
ended and what was said. A crash or a hang ends this process and not the tests.
"""

import gc
import json
import resource
import sys
from pathlib import Path

import numpy as np

from ptychopareto.files import FileError
from ptychopareto.readers import MeasuredScan, read_scan
from ptychopareto.readers.finished import read_reconstruction_of
from ptychopareto.readers.finished_reconstruction import FinishedReconstruction


def holds_together(scan: MeasuredScan) -> None:
    """Fail unless frames can be read and every part has the shape that it promises."""
    count, *frame = scan.frames.shape
    for piece in (slice(0, min(2, count)), slice(max(count - 2, 0), count)):
        frames = scan.frames[piece]
        assert frames.shape[1:] == tuple(frame)
        assert frames.dtype == scan.frames.dtype
        assert frames.dtype.kind in "biuf"
    for positions in (scan.positions, scan.corners_on_object):
        assert positions is None or positions.shape == (count, 2)
        assert positions is None or np.isfinite(positions).all()
    assert scan.valid is None or scan.valid.shape in (scan.frames.shape, tuple(frame))
    for image in (scan.probe, scan.object):
        assert image is None or (image.dtype == np.complex64 and np.isfinite(image).all())
    lengths = [scan.wavelength, scan.distance, *(scan.detector_pixel or ())]
    assert all(length is None or (np.isfinite(length) and length > 0) for length in lengths)
    assert all(isinstance(said, str) for said in scan.origins.values())


def reconstruction_holds_together(found: FinishedReconstruction) -> None:
    """Fail unless every part of a finished reconstruction has the shape that it promises."""
    for image, axes in ((found.probe, 3), (found.object, 2)):
        assert image is None or (image.dtype == np.complex64 and image.ndim == axes)
        assert image is None or np.isfinite(image).all()
    for positions in (found.positions, found.corners_on_object):
        assert positions is None or (positions.ndim == 2 and positions.shape[1] == 2)
        assert positions is None or (positions.dtype == np.float64 and np.isfinite(positions).all())
    if found.indexes is not None:
        assert found.positions is not None
        assert found.indexes.shape == found.positions.shape[:1]
    lengths = (*(found.object_pixel or ()), found.wavelength, found.distance)
    assert all(length is None or (np.isfinite(length) and length > 0) for length in lengths)
    assert all(isinstance(text, str) for text in (*found.origins.values(), *found.remarks))


def main(most_bytes: int) -> None:
    """Answer until the input ends."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + most_bytes, used + most_bytes))
    gc.freeze()  # so that collecting looks at what reading made
    for line in sys.stdin:
        what, path, keys = json.loads(line)
        try:
            if what == "scan":
                holds_together(read_scan(Path(path), keys=keys))
            else:
                reconstruction_holds_together(read_reconstruction_of(Path(path)))
            answer = ["accepted", ""]
        except FileError as error:
            answer = ["refused", str(error)]
        except BaseException as error:
            answer = ["wrong", repr(error)]
        gc.collect()  # a file that stays open would be met again under its old contents
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
