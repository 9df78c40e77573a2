"""The subcommand `reconstruct` for one scan, from its patterns to a result."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ptychopareto.command.fitness import check_size, say_beam, say_worse_than_rpie
from ptychopareto.command.subcommand import CommandError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from ptychopareto.command.networks import LoadedNetwork
    from ptychopareto.command.progress import Progress
    from ptychopareto.command.scans import LoadedScan
    from ptychopareto.files import Dataset
    from ptychopareto.reconstruction.adaptation import Register

ALPHA = 1.0  # of rPIE on measured scans; those with a truth have no noise to fit
ALPHA_OF_TRUTH = 0.1


@dataclass(frozen=True)
class Wishes:
    """How a scan is to be reconstructed.

    Attributes
    ----------
    epochs : int, optional
        Epochs of rPIE after the network; None where free patterns decide.
    alpha : float, optional
        Regularisation of rPIE; None for the usual one.
    register : {"auto", "none"}
        Whether the input is registered by the scan's own probe.
    modes : int
        How many modes of the probe are found first; 0 where the file's is used.
    """

    epochs: int | None = 0
    alpha: float | None = None
    register: "Register" = "auto"
    modes: int = 0


@dataclass(frozen=True, eq=False)
class Outcome:
    """What came out.

    Attributes
    ----------
    scan : Dataset
        The scan, with the probe that was used.
    image : (rows, columns) complex64
        The object.
    figures : dict of float
        R-factors, and measures where there is a truth.
    remarks : list of str
        What the user should know, a line each.
    refined_epochs : int
        Epochs of rPIE in `image`.
    """

    scan: "Dataset"
    image: "Tensor"
    figures: dict[str, float]
    remarks: list[str] = field(default_factory=list)
    refined_epochs: int = 0


def reconstruct_scan(
    loaded: "LoadedScan",
    network: "LoadedNetwork",
    wishes: Wishes,
    device: "torch.device",
    progress: "Progress",
) -> Outcome:
    """Reconstruct a scan with a network, and continue by rPIE where that is wished.

    Parameters
    ----------
    loaded : LoadedScan
        The scan.
    network : LoadedNetwork
        The network.
    wishes : Wishes
        How the scan is to be reconstructed.
    device : torch.device
        Where stitching and rPIE run.
    progress : Progress
        Takes what is done.

    Returns
    -------
    Outcome
        The object, its figures, and what the user should know.

    Raises
    ------
    FileError
        The patterns have another size than the network's.
    CommandError
        Free patterns are to decide, and there are none.
    """
    import torch

    from ptychopareto.reconstruction.adaptation import adaptation_to
    from ptychopareto.reconstruction.stream import ObjectStream

    scan = loaded.dataset
    check_size(loaded.path, scan, network.config)
    if wishes.epochs is None and (scan.free is None or not scan.free.any()):
        raise CommandError("--refine auto: no pattern is free to decide; --free 0.05 leaves some")
    if wishes.modes:
        scan = _with_found_probe(scan, wishes.modes, device, progress)
    adaptation = adaptation_to(scan, network.config, wishes.register, network.trained_on)
    remarks = [*loaded.remarks, *say_beam(adaptation)]
    used = np.arange(len(scan.corners)) if scan.free is None else np.flatnonzero(~scan.free)
    stream = ObjectStream(adaptation.of(network.predictor), scan.modes, scan.object_shape)
    done = stream.add_scan(scan.diffraction, scan.corners, scan.fractions, used)
    for _ in progress.counting(done, len(used), loaded.path.name, "patterns"):
        pass
    image = torch.from_numpy(stream.object()).to(device)
    alpha = wishes.alpha or (ALPHA if scan.truth is None else ALPHA_OF_TRUTH)
    if scan.truth is None:
        remarks += say_worse_than_rpie(image, scan, alpha, device)
    figures: dict[str, float] = {}
    epochs = 0
    if wishes.epochs != 0:
        image, epochs = _refined(image, scan, wishes.epochs, alpha, device, progress)
    figures = _figures(image, scan, device)
    return Outcome(scan, image, figures, remarks, epochs)


def _with_found_probe(
    scan: "Dataset", modes: int, device: "torch.device", progress: "Progress"
) -> "Dataset":
    """Let the joint reconstruction find the probe from the patterns that are not free."""
    from ptychopareto.config import Joint
    from ptychopareto.reconstruction.found_probe import find_probe, with_probe

    progress.say("finding the probe")
    found = find_probe(scan.scored(), Joint(modes=modes), device)
    progress.clear()
    return with_probe(scan, found)


def _refined(
    image: "Tensor",
    scan: "Dataset",
    epochs: int | None,
    alpha: float,
    device: "torch.device",
    progress: "Progress",
) -> tuple["Tensor", int]:
    """Continue the object by rPIE; return it, and how many epochs made it."""
    from ptychopareto.reconstruction import refining
    from ptychopareto.reconstruction.object_scan import ObjectScan

    used = ObjectScan.of(scan.scored(), device)
    if epochs is None:
        left_out = ObjectScan.of(scan.left_out(), device)
        steps = refining.refine_until_free_patterns_object(used, left_out, image, alpha)
        most = refining.MOST_EPOCHS
    else:
        steps, most = refining.refine(used, image, epochs, alpha), epochs
    last: list[refining.Refined] = []

    def numbered() -> Iterator[int]:
        for number, step in enumerate(steps, start=1):
            last[:] = [step]
            yield number

    for _ in progress.counting(numbered(), most, "rPIE", "passes"):
        pass
    return last[0].image, last[0].epochs


def _figures(image: "Tensor", scan: "Dataset", device: "torch.device") -> dict[str, float]:
    """R-factors of used and free patterns, and the measures where there is a truth."""
    import torch

    from ptychopareto.assessment.comparison import similarity
    from ptychopareto.reconstruction.object_scan import ObjectScan

    figures: dict[str, Any] = {"r_work": ObjectScan.of(scan.scored(), device).r_factor(image)}
    if scan.free is not None and scan.free.any():
        left_out = ObjectScan.of(scan.left_out(), device)
        figures["r_free"] = left_out.r_factor(image)
        figures["r_free_flat"] = left_out.r_factor(torch.ones_like(image))
    if scan.truth is not None:
        figures |= similarity(image[scan.scored_region()].cpu().numpy(), scan)
    return figures
