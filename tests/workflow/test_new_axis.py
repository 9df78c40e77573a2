"""A new axis of the grid is a line in each of three files, for a user of Snakemake."""

import pandas as pd
import pytest

from tiny_study import AXES, FNO, Project

pytestmark = pytest.mark.xdist_group("workflow_new_axis")

CHANGES = {
    "src/ptychopareto/config/axes.py": (
        '    GridAxis(\n        *("head", "network"',
        "    GridAxis(\n"
        '        *("refined", "network", bool, "boolean", lambda value: "unrefined"),\n'
        '        description="list of whether the refiner is there; true is the default",\n'
        "        default=True,\n"
        "        silent=True,\n"
        "        missing=True,\n"
        "        late=True,\n"
        "    ),\n"
        '    GridAxis(\n        *("head", "network"',
    ),
    "src/ptychopareto/config/architectures.py": (
        '"blocks"]\n\nARCHITECTURES: dict[str, tuple[Key, ...]] = {\n    "fno": ("modes",',
        '"blocks", "refined"]\n\nARCHITECTURES: dict[str, tuple[Key, ...]] = {\n'
        '    "fno": ("refined", "modes",',
    ),
    "src/ptychopareto/models/fno.py": (
        "        blocks: int = BLOCKS,\n    ) -> None:\n        super().__init__()\n",
        "        refined: bool,\n        blocks: int = BLOCKS,\n    ) -> None:\n"
        "        super().__init__()\n        self.refined = refined\n",
    ),
}
FORWARD = "self.head(self.refiner(self.project(self.blocks(self.lifter(x)))))"
CHANGED_FORWARD = (
    "self.head((self.refiner if self.refined else lambda y: y)"
    "(self.project(self.blocks(self.lifter(x)))))"
)


def test_new_axis_is_three_files(project: Project) -> None:
    """In a finished study: only the runs of the architecture that was changed are trained."""
    for path, (line, more) in CHANGES.items():
        text = project[path].read_text()
        assert line in text, path
        project[path].write_text(text.replace(line, more, 1).replace(FORWARD, CHANGED_FORWARD))
    block = {"architecture": ["fno"], "supervision": ["teacher"], **AXES, "refined": [True, False]}
    other = {"architecture": ["hybrid"], "supervision": ["teacher"], **AXES}
    project.configure(sweep=[block, other])
    unrefined = FNO.replace("_teacher", "_unrefined_teacher")

    done = project.build("results/index.html")

    assert {job for job in done if job.startswith("train/")} == {
        f"train/{FNO}",
        f"train/{unrefined}",
    }
    table = pd.read_csv(project["results/study_results.csv"]).set_index("run")
    assert list(table.index)[:2] == [FNO, unrefined]
    assert (table["status"] == "ok").all()
    assert table.loc[FNO, "refined"]
    assert not table.loc[unrefined, "refined"]
    assert pd.isna(table["refined"].iloc[2])
    assert table.loc[FNO, "ssim_phase"] != table.loc[unrefined, "ssim_phase"]
    assert "refined" in pd.read_csv(project["results/configurations.csv"])
    assert "unrefined" in project["results/pareto_plot.svg"].read_text()
    assert "refined" in project["results/index.html"].read_text()
