"""Pictures of a study, made small enough for pages."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from ptychopareto.files import FileError, atomic, read_json

MOST_BYTES = 200 * 1024
COLOURS = 256  # of a PNG with a palette
_WIDTHS = (1440, 1200, 1000, 900, 800, 700, 600)  # px
_WHITE = 244  # levels from which on a colour is paper, which stays white
_BIN = 8  # of 256 levels: colours that differ by less count as one


def source_of(name: str, results: Path) -> Path:
    """The file of the results that a picture is made from."""
    if "{recommended}" in name:
        run = read_json(results / "recommendation.json").get("run")
        name = name.format(recommended=run)
    if not (results / name).is_file():
        raise FileError(f"{results / name}: there is no such picture; a finished study is wanted")
    return results / name


def write_small(source: Path, target: Path) -> None:
    """Write a picture as a PNG with a palette that stays below the limit."""
    with Image.open(source) as image:
        small = compact(image.convert("RGB"))
    with atomic(target) as temporary:
        temporary.write_bytes(small)


def compact(image: Image.Image) -> bytes:
    """Encode a picture: a drawing as it is, an image with as many pixels as the limit allows."""
    encoded = _png(image.quantize(COLOURS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE))
    for width in _WIDTHS:
        if len(encoded) <= MOST_BYTES:
            break
        size = width, round(image.height * width / image.width)
        pixels = image.resize(size, Image.Resampling.LANCZOS) if width < image.width else image
        encoded = _png(pixels.quantize(palette=_even_palette(pixels), dither=Image.Dither.NONE))
    return encoded


def _even_palette(image: Image.Image) -> Image.Image:
    """A palette in which each colour of the picture counts alike, however few pixels have it.

    So the ends of colour bars keep their colours, and the noise of an image takes few bytes.
    """
    pixels = np.asarray(image).reshape(-1, 3)
    bins = (pixels // _BIN).astype(np.int64) @ (1, 2**8, 2**16)
    _, number, count = np.unique(bins, return_inverse=True, return_counts=True)
    means = [np.bincount(number, pixels[:, channel]) / count for channel in range(3)]
    colours = np.rint(np.stack(means, axis=1)).astype(np.uint8)
    palette = Image.fromarray(colours[None]).quantize(COLOURS, Image.Quantize.MEDIANCUT)
    entries = np.asarray(palette.getpalette()).reshape(-1, 3)
    entries[entries.min(axis=1).argmax()] = 255  # the paper
    entries[(entries >= _WHITE).all(axis=1)] = 255
    palette.putpalette(entries.ravel().tolist())
    return palette


def _png(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG", optimize=True)
    return stream.getvalue()
