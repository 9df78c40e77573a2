"""Reconstruct the training scan classically, for networks to learn from."""

import logging
import time
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray

from ptychopareto.config import Teacher
from ptychopareto.files import Dataset
from ptychopareto.reconstruction.object_scan import ObjectScan
from ptychopareto.reconstruction.rpie import flat_start

log = logging.getLogger(__name__)

REPORT_SECONDS = 5.0


def teach(dataset: Dataset, settings: Teacher, device: torch.device) -> NDArray[np.complex64]:
    """Reconstruct every object of a scan from a flat start, by rPIE.

    A global phase is free in each object; it is chosen so that the mean over the scored region is
    real and positive, and hence is the same for objects of the same kind.

    Parameters
    ----------
    dataset : Dataset
        The training scan.
    settings : Teacher
        Epochs and regularisation of rPIE.
    device : torch.device
        Where it runs.

    Returns
    -------
    (n, rows, columns) complex64
        The objects; pixels that no pattern covers stay 1.
    """
    rows, columns = dataset.scored_region()
    found = []
    for number in range(int(dataset.object_index.max()) + 1):
        scan = ObjectScan.of(dataset.part(dataset.object_index == number), device)
        image = flat_start(scan.shape, device)
        epochs = scan.rpie(image, settings.alpha)
        report = _Reporter(number, settings.epochs)
        for epoch, (current, misfit) in enumerate(islice(epochs, settings.epochs), start=1):
            image = current
            report(epoch, misfit)
        found.append((image * torch.sgn(image[rows, columns].mean()).conj()).cpu().numpy())
    return np.stack(found)


class _Reporter:
    """A progress line every few seconds and at the end."""

    def __init__(self, number: int, epochs: int) -> None:
        self.number, self.epochs = number, epochs
        self.began = self.last = time.perf_counter()

    def __call__(self, epoch: int, misfit: float) -> None:
        now = time.perf_counter()
        if now - self.last < REPORT_SECONDS and epoch < self.epochs:
            return
        self.last = now
        left = (now - self.began) / epoch * (self.epochs - epoch)
        text = "object %d: rPIE epoch %d/%d  misfit %.3e  %.0f s left"
        log.info(text, self.number, epoch, self.epochs, misfit, left)
