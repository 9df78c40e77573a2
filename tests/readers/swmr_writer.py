"""A detector in a process of its own: it writes a scan as CXI in SWMR mode, a burst at a time.

    python swmr_writer.py FILE SCAN.npz OPTIONS

SCAN.npz holds frames (B, N, N), positions (B, 3) [m], probe, and the lengths of a CXI file. OPTIONS
are a JSON object: `planned` (all positions are written first), `chunk` (frames in one), `packing`.
Each line of the standard input is a number of patterns to write, "place N" makes place for N
patterns and writes nothing, "close" ends; each is answered by the number of patterns so far.
"""

import json
import sys

import h5py
import numpy as np


def main(file: str, scan: str, options: str) -> None:
    """Write a scan at the pace of the standard input."""
    settings = {"planned": False, "chunk": 1, "packing": None, **json.loads(options)}
    given = np.load(scan)
    frames, positions = given["frames"], given["positions"]
    with h5py.File(file, "w", libver="latest") as cxi:
        cxi["cxi_version"] = 160
        entry = cxi.create_group("entry_1")
        source = entry.create_group("instrument_1/source_1")
        source["wavelength"], source["illumination"] = given["wavelength"], given["probe"]
        detector = entry.create_group("instrument_1/detector_1")
        detector["distance"] = given["distance"]
        detector["x_pixel_size"] = detector["y_pixel_size"] = given["pixel"]
        if "valid" in given:
            detector["mask"] = np.where(given["valid"], 0, 1).astype(np.uint32)
        sides = frames.shape[1:]
        data = entry.create_dataset(
            "data_1/data",
            (0, *sides),
            frames.dtype,
            maxshape=(None, *sides),
            chunks=(settings["chunk"], *sides),
            compression=settings["packing"],
        )
        places = entry.create_dataset(
            "sample_1/geometry_1/translation", (0, 3), float, maxshape=(None, 3), chunks=(64, 3)
        )
        cxi.swmr_mode = True
        if settings["planned"]:
            places.resize(len(positions), axis=0)
            places[...] = positions
            places.flush()
        count = 0
        print(count, flush=True)
        for line in sys.stdin:
            if line.strip() == "close":
                break
            number = int(line.split()[-1])
            last = count + number
            if line.startswith("place"):
                data.resize(last, axis=0)
                data.flush()
                print(count, flush=True)
                continue
            data.resize(last, axis=0)
            data[count:last] = frames[count:last]
            data.flush()
            if not settings["planned"]:
                places.resize(last, axis=0)
                places[count:last] = positions[count:last]
                places.flush()
            count = last
            print(count, flush=True)
    print(count, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
