import numpy as np
import pytest
import torch

from ptychopareto.files import Dataset
from ptychopareto.reconstruction.object_scan import ObjectScan

CPU = torch.device("cpu")


def test_the_true_object_predicts_all_patterns(measured_scan: tuple[Dataset, np.ndarray]) -> None:
    """Between pixels, with two modes, and whatever dead pixels hold."""
    data, image = measured_scan
    assert ObjectScan.of(data, CPU).r_factor(torch.from_numpy(image)) < 1e-5


@pytest.mark.parametrize("part", ["scored", "left_out"])
def test_parts_are_predicted_too(measured_scan: tuple[Dataset, np.ndarray], part: str) -> None:
    data, image = measured_scan
    own = getattr(data, part)()
    assert len(own.corners) == {"scored": 78, "left_out": 3}[part]
    assert ObjectScan.of(own, CPU).r_factor(torch.from_numpy(image)) < 1e-5
