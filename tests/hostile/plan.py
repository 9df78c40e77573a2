"""Plan studies with the real Snakemake, all in one process: `python plan.py CONFIG...`.

To be called in a copy of the project. Prints a line of JSON for each: what was said when it was
refused, null where it was planned, and the seconds it took.
"""

import contextlib
import io
import json
import sys
import time
from pathlib import Path

from snakemake.api import SnakemakeApi
from snakemake.settings.types import (
    ConfigSettings,
    DAGSettings,
    OutputSettings,
    Quietness,
    ResourceSettings,
    StorageSettings,
    WorkflowSettings,
)


def plan(config: Path) -> None:
    """Build the graph of all jobs, as `snakemake -n` does."""
    with SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
        workflow = api.workflow(
            resource_settings=ResourceSettings(cores=1),
            config_settings=ConfigSettings(configfiles=[config]),
            storage_settings=StorageSettings(),
            workflow_settings=WorkflowSettings(),
            snakefile=Path("Snakefile"),
        )
        workflow.dag(dag_settings=DAGSettings()).summary()


def main(*configs: str) -> None:
    for config in configs:
        began, said = time.monotonic(), None
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                plan(Path(config))
        except SystemExit as error:  # how the workflow refuses a config
            said = str(error.code)
        print(json.dumps({"said": said, "seconds": time.monotonic() - began}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
