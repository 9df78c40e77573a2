"""The subcommand `reconstruct --follow`: a scan is reconstructed while it is measured."""

import sys
import time
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ptychopareto.command.subcommand import CommandError

if TYPE_CHECKING:
    from ptychopareto.command.networks import LoadedNetwork
    from ptychopareto.command.scans import LoadedScan
    from ptychopareto.command.work import Outcome
    from ptychopareto.config import MeasuredDataset
    from ptychopareto.following.follow import Followed
    from ptychopareto.following.live_object import LiveObject
    from ptychopareto.readers.measured_scan import MeasuredScan

STOPPED = 1  # exit status: patterns may be missing


def check_options(options: Namespace) -> None:
    """Refuse what needs all patterns of a scan.

    Parameters
    ----------
    options : Namespace
        The arguments of `reconstruct`, `--follow` among them.

    Raises
    ------
    CommandError
        Several scans are named, or an option has no meaning while a scan is measured.
    """
    if len(options.scan) > 1:
        raise CommandError(f"--follow: {len(options.scan)} scans are named; one is allowed")
    whole = {
        "--refine": options.refine != 0,
        "--free": options.free,
        "--find-probe": options.find_probe,
    }
    for name, given in whole.items():
        if given:
            raise CommandError(
                f"--follow: {name} wants all patterns; `reconstruct` with it once the scan is "
                "complete"
            )


def follow_scan(options: Namespace, output: Path, network: "LoadedNetwork") -> int:
    """Reconstruct a scan while it is measured, and write the object when it ends.

    Parameters
    ----------
    options : Namespace
        The arguments of `reconstruct`.
    output : Path
        The file to write; the picture is the PNG of the same name.
    network : LoadedNetwork
        The network.

    Returns
    -------
    int
        The exit status: 0 if the writer closed the file, `STOPPED` if it wrote nothing for too
        long. What came is written in both cases.

    Raises
    ------
    CommandError
        The network takes groups of patterns.
    FileError
        The file cannot be read, or its scan cannot be used.
    """
    from ptychopareto.command.outputs import draw_picture, naming, result_of
    from ptychopareto.command.scan_options import settings_of
    from ptychopareto.command.scans import sha256_of
    from ptychopareto.following.follow import follow
    from ptychopareto.following.view import View
    from ptychopareto.following.watch import Watch
    from ptychopareto.readers.registry import read_growing_scan
    from ptychopareto.writers.registry import write_result

    if network.predictor.gridsize > 1:
        raise CommandError(
            f"{network.path}: takes groups of {network.predictor.gridsize**2} neighbouring "
            "patterns, which are known when a scan is complete; --follow wants one of single ones"
        )
    path, began = options.scan[0], time.perf_counter()
    settings = settings_of(options, path)
    picture = None if options.no_picture else output.with_suffix(".png")
    view = View(picture, None if options.quiet else sys.stderr)
    beginning = _Beginning(options, output, network, settings)
    watch = Watch(
        path, lambda file: read_growing_scan(file, settings.format, settings.keys), options.timeout
    )
    try:
        end = follow(watch, beginning, view)
    finally:
        view.end()
    remarks = [*beginning.remarks, *_remarks(end)]
    for remark in _remarks(end):
        print(f"{path}: {remark}", file=sys.stderr)
    loaded, outcome = _finished(path, end, remarks)
    complete = end.look.complete
    more = {"scan": str(path), "scan_format": loaded.format, "followed": "to its end"}
    more |= {"scan_sha256": sha256_of(path)} if complete else {"followed": str(end.look.stopped)}
    pixel = (options.object_pixel,) * 2 if options.object_pixel else loaded.pixel
    with naming(output):
        write_result(output, result_of(loaded, network, outcome, pixel, more), options.write)
    if picture is not None:
        with naming(picture):
            title = f"{path.name}, {network.config.architecture}"
            draw_picture(picture, outcome, title, pixel)
    if not options.quiet:
        seconds = time.perf_counter() - began
        print(
            f"{output}: r_work {outcome.figures['r_work']:.4f}, {len(loaded.frames)} patterns, "
            f"{seconds:.1f} s"
        )
    if complete:
        return 0
    print(
        f"ptycho-pareto reconstruct: {end.look.stopped}; {output} holds what came", file=sys.stderr
    )
    return STOPPED


class _Beginning:
    """Begins the object with the first patterns, and says how they differ from the training's."""

    def __init__(
        self,
        options: Namespace,
        output: Path,
        network: "LoadedNetwork",
        settings: "MeasuredDataset",
    ) -> None:
        self._options, self._output = options, output
        self._network, self._settings = network, settings
        self.remarks: list[str] = []

    def __call__(self, first: "MeasuredScan") -> "LiveObject":
        from ptychopareto.command.fitness import check_size, say_beam
        from ptychopareto.following.live_object import LiveObject
        from ptychopareto.preparation.whole import prepare_whole
        from ptychopareto.reconstruction.adaptation import adaptation_to
        from ptychopareto.writers.registry import check_writable

        path, network = self._options.scan[0], self._network
        whole = prepare_whole(first, self._settings, 0.0, self._output.parent)
        pixel = self._options.object_pixel or whole.surveyed.grid.pixel
        check_writable(self._output, self._options.write, pixel)
        check_size(path, whole.dataset, network.config)
        adaptation = adaptation_to(
            whole.dataset, network.config, self._options.register, network.trained_on
        )
        self.remarks = [*first.remarks, *say_beam(adaptation)]
        for remark in self.remarks:
            print(f"{path}: {remark}", file=sys.stderr)
        return LiveObject(whole, self._settings, adaptation.of(network.predictor))


def _remarks(end: "Followed") -> list[str]:
    """Collect what the user should know of the end of a scan, a line each."""
    found = []
    if end.late:
        found.append(f"{end.late} patterns were written after later ones, and stitched last")
    dark = end.live.done - len(end.live.frames)
    if dark:
        found.append(f"{dark} of {end.live.done} frames are dark and left out")
    if end.look.scan is not None and end.look.scan.unplaced:
        found.append(f"{end.look.scan.unplaced} frames have no position and are left out")
    return found


def _finished(path: Path, end: "Followed", remarks: list[str]) -> tuple["LoadedScan", "Outcome"]:
    """Put the object of a scan that was followed into the form of one that was read whole."""
    import torch

    from ptychopareto.command.scans import LoadedScan
    from ptychopareto.command.work import Outcome
    from ptychopareto.files import Dataset
    from ptychopareto.physics.subpixel import split_positions

    live = end.live
    image = live.object()
    corners, fractions = split_positions(live.corners)
    first = live.first
    dataset = Dataset(
        diffraction=np.empty((0, *first.dataset.probe.shape), np.float32),  # they are not kept
        probe=first.dataset.probe,
        further_modes=first.dataset.further_modes,
        corners=corners,
        fractions=fractions,
        object_index=np.zeros(len(corners), np.int32),
        free=np.zeros(len(corners), bool),
        shape=(image.shape[0], image.shape[1]),
    )
    used = first.surveyed.scan
    loaded = LoadedScan(
        *(path, used.format, dataset, live.frames, first.surveyed.grid.pixel),
        *(used.detector_pixel, used.wavelength, used.distance),
        remarks=tuple(remarks),
        record=first.record,
    )
    figures = {"r_work": live.r_factor()}
    return loaded, Outcome(dataset, torch.from_numpy(image), figures, remarks)
