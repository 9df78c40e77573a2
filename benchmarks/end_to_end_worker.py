"""From the file of a scan to its object, in a process of its own: `python end_to_end_worker.py
SOURCE SCAN MODEL WAY OBJECT`.

SOURCE is the `src` of the build that is measured, WAY one of `WAYS`. After each line of its
standard input it reads the scan, reconstructs it, and answers with one line of JSON: the seconds of
all, of reading and of predicting. The object of the first time is written to OBJECT.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Reconstruct = Callable[[Any], Any]


def as_documented(model: Path, keep: bool) -> Reconstruct:
    """The three lines of the README; with `keep` freed memory is kept, as in jobs of a study."""
    from ptychopareto.memory import keep_freed_memory
    from ptychopareto.models.registry import load_model
    from ptychopareto.reconstruction.reconstruct import reconstruct

    if keep:
        keep_freed_memory()
    network = load_model(model)[0]
    return lambda scan: reconstruct(network, scan)


def in_bfloat16(model: Path) -> Reconstruct:
    """Convolutions in bfloat16, all else as it is."""
    import torch

    plain = as_documented(model, keep=True)

    def reconstruct(scan: Any) -> Any:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return plain(scan)

    return reconstruct


def onnxruntime(model: Path, share: str, pixels: int) -> Reconstruct:
    """The exported network; threads share patterns, or each layer as is onnxruntime's default."""
    import torch

    from ptychopareto.memory import keep_freed_memory
    from ptychopareto.reconstruction import onnx_predictor

    keep_freed_memory()
    onnx_predictor.PIXELS_AT_ONCE = pixels
    path, threads = model.with_suffix(".onnx"), torch.get_num_threads()
    predictor = onnx_predictor.load_onnx(path, threads if share == "patterns" else 1)
    if share == "layers":
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        predictor._session = ort.InferenceSession(path, options)
    return streamed(predictor)


def openvino(model: Path, precision: Any) -> Reconstruct:
    """The exported network in OpenVINO, each thread its own patterns."""
    from ptychopareto.memory import keep_freed_memory
    from ptychopareto.reconstruction.openvino_predictor import load_openvino

    keep_freed_memory()
    return streamed(load_openvino(model.with_suffix(".onnx"), precision))


def streamed(predictor: Any) -> Reconstruct:
    """As the command does: patterns are read and stitched while others are predicted."""
    from ptychopareto.reconstruction.stream import ObjectStream

    def reconstruct(scan: Any) -> Any:
        stream = ObjectStream(predictor, scan.modes, scan.object_shape)
        for _ in stream.add_scan(scan.diffraction, scan.corners, scan.fractions):
            pass
        return stream.object()

    return reconstruct


WAYS: dict[str, Callable[[Path], Reconstruct]] = {
    "documented": lambda model: as_documented(model, keep=False),
    "kept": lambda model: as_documented(model, keep=True),
    "bfloat16": in_bfloat16,
    "layers": lambda model: onnxruntime(model, "layers", 32 * 64**2),
    "one": lambda model: onnxruntime(model, "patterns", 1),
    "many": lambda model: onnxruntime(model, "patterns", 32 * 64**2),
    "patterns": lambda model: onnxruntime(model, "patterns", 8 * 64**2),
    "openvino": lambda model: openvino(model, "float32"),
    "openvino_bfloat16": lambda model: openvino(model, "bfloat16"),
}


def main(source: str, scan: str, model: str, way: str, image: str) -> None:
    sys.path.insert(0, source)
    from ptychopareto.files import read_dataset

    reconstruct = WAYS[way](Path(model))
    print("ready", flush=True)
    for _ in sys.stdin:
        began = time.perf_counter()
        given = read_dataset(Path(scan))
        read = time.perf_counter()
        found = reconstruct(given)
        ended = time.perf_counter()
        if not Path(image).exists():
            np.save(image, found)
        print(json.dumps({"all": ended - began, "reading": read - began}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
