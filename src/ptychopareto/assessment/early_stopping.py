"""Find the number of epochs after which rPIE should stop, from patterns that it has not seen."""

from collections.abc import Sequence
from itertools import islice

import numpy as np
import torch

from ptychopareto.files import Dataset
from ptychopareto.reconstruction.object_scan import ObjectScan
from ptychopareto.reconstruction.rpie import flat_start

HELD_OUT_PART, HELD_OUT_SEED = 0.1, 0


def best_epochs(
    train: Dataset, epochs: Sequence[int], alpha: float, device: torch.device
) -> tuple[int, dict[int, float]]:
    """Find the number of epochs after which rPIE predicts patterns best that it has not seen.

    A tenth of the patterns of the training scan is held out, and no pattern of the scored scan is
    looked at. rPIE fits the noise of the others in its later epochs.

    Parameters
    ----------
    train : Dataset
        The training scan.
    epochs : sequence of int
        Numbers of epochs to choose from.
    alpha : float
        Regularisation of rPIE.
    device : torch.device
        Where it runs.

    Returns
    -------
    int, dict
        The best of the numbers, and the R-factor of the patterns held out after each of them.
    """
    own = np.flatnonzero(train.object_index == 0)
    order = np.random.default_rng(HELD_OUT_SEED).permutation(own)
    held_out, kept = np.split(order, [max(1, round(HELD_OUT_PART * len(order)))])
    seen, unseen = (ObjectScan.of(train.part(np.sort(which)), device) for which in (kept, held_out))
    passes = enumerate(seen.rpie(flat_start(seen.shape, device), alpha), start=1)
    found = {
        epoch: unseen.r_factor(image)
        for epoch, (image, _) in islice(passes, max(epochs))
        if epoch in epochs
    }
    return min(found, key=lambda epoch: found[epoch]), found
