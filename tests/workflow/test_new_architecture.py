"""A new architecture is one file and one line, for a user of the real Snakemake."""

import pandas as pd
import pytest

from tiny_study import FNO, TINY, Project

pytestmark = pytest.mark.xdist_group("workflow_new_architecture")

FILE = '''
"""Mine: a stack of convolutions."""

from torch import Tensor, nn

from ptychopareto.models.layers import Operator, conv3x3


class Mine(Operator):
    """conv3×3 → GELU → conv1×1 head, of `width` channels and at most `max_channels`."""

    def __init__(
        self, in_channels: int, out_channels: int, size: int, width: int, max_channels: int | None
    ) -> None:
        super().__init__()
        self.lifter = conv3x3(in_channels, min(width, max_channels or width))
        self.head = nn.Conv2d(self.lifter.out_channels, out_channels, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(nn.functional.gelu(self.lifter(x)))
'''
PLOT = "results/pareto_plot.png"
TABLE = "src/ptychopareto/config/architectures.py"
HYBRID = '    "hybrid": ("modes", "width", "max_channels", "blocks"),\n'
LINE = '    "mine": ("width", "max_channels"),\n'
BLOCK = {
    "architecture": ["mine"],
    "input_transform": ["none"],
    "width": [4],
    "max_channels": [8],
    "head": ["amp_phase"],
    "supervision": ["teacher"],
}
MINE = "mine_tnone_w4_c8_amp_phase_teacher_s0"
LOAD = """
import sys
from pathlib import Path
from ptychopareto.models.registry import load_model
network, config, _ = load_model(Path(sys.argv[1]))
print(config.architecture, config.modes, sum(p.numel() for p in network.parameters()))
"""


def with_mine(project: Project) -> Project:
    table = project[TABLE].read_text()
    assert HYBRID in table
    project[TABLE].write_text(table.replace(HYBRID, HYBRID + LINE))
    project["src/ptychopareto/models/mine.py"].write_text(FILE.lstrip())
    return project


def test_new_architecture_is_one_file_and_one_line(project: Project) -> None:
    """Beside the study that is finished already, of which nothing is trained or evaluated again."""
    with_mine(project).configure(sweep=[*TINY["sweep"], BLOCK])

    done = project.build(PLOT)

    assert {job for job in done if "/" in job} == {f"train/{MINE}", f"evaluate/{MINE}"}
    table = pd.read_csv(project["results/study_results.csv"], index_col="run")
    assert table.loc[MINE, ["status", "head"]].tolist() == ["ok", "amp_phase"]
    assert table.loc[MINE, ["width", "max_channels", "model_params"]].tolist() == [4, 8, 50]
    assert table.loc[[FNO, MINE], "modes"].isna().tolist() == [False, True]
    assert ">mine<" in project["results/pareto_plot.svg"].read_text()

    model = f"results/runs/{MINE}/model.safetensors"
    loaded = project.python("-c", LOAD, model, PYTHONPATH=str(project["src"]))
    assert loaded.stdout.split() == ["mine", "None", "50"], loaded.stderr


def test_its_keys_are_its_own(fresh: Project) -> None:
    with_mine(fresh)
    for changes, said in [
        (
            {"modes": [4]},
            "sweep[0].modes: mine has no modes; its keys are width, max_channels\n",
        ),
        (
            {"architecture": ["fno", "mine"], "max_channels": None},
            "sweep[0].modes: missing; list of numbers of kept frequencies per axis and side, "
            "zero counted, at most N/2 is wanted\n",
        ),
        (
            {"architecture": ["fno", "mine"], "max_channels": None, "modes": [4]},
            "sweep[0].modes: mine has no modes; its keys are width, max_channels "
            "(put it into a block of its own)\n",
        ),
    ]:
        fresh.configure(sweep=[{**BLOCK, **changes}])
        refused = fresh.snakemake("-n")
        assert refused.returncode != 0
        assert refused.stderr == said
