"""The command as a user meets it: help, wrong arguments, files that will not do."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ptychopareto.command.main import SUBCOMMANDS, main
from ptychopareto.readers.registry import FORMATS


def ended(*arguments: str) -> int:
    """The exit status of a call that argparse ends."""
    with pytest.raises(SystemExit) as exit:
        main(arguments)
    return int(exit.value.code or 0)


def test_help_lists_the_subcommands(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended("--help") == 0
    said = capsys.readouterr().out
    assert all(name in said for name in SUBCOMMANDS)


@pytest.mark.parametrize("name", SUBCOMMANDS)
def test_help_of_a_subcommand_has_examples_that_parse(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from ptychopareto.command.main import parser

    assert ended(name, "--help") == 0
    said = capsys.readouterr().out
    examples = [line.split("#")[0] for line in said.splitlines() if "ptycho-pareto " in line]
    examples = [line for line in examples if line.startswith("  ptycho-pareto")]
    assert examples
    for line in examples:
        parser().parse_args(line.split()[1:])


@pytest.mark.parametrize("arguments", [[], ["fly"], ["formats", "--wings"]])
def test_wrong_arguments(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(*arguments) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_formats(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["formats"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in said] == list(FORMATS)


def test_formats_of_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = tmp_path / "scan.npz", tmp_path / "text.npz"
    np.savez(good, data=np.ones((4, 8, 8)), scan=np.ones((4, 2)))
    bad.write_text("no scan")
    assert main(["formats", str(good), str(bad)]) == 1
    said = capsys.readouterr()
    assert said.out == f"{good}: tike\n"
    assert said.err.startswith(f"{bad}: is neither HDF5 nor NPZ")
    assert len(said.err.splitlines()) == 1


def test_as_a_module_it_starts_without_torch() -> None:
    """What only says how it is used must not take seconds."""
    code = (
        "import sys; from ptychopareto.command.main import parser; parser(); "
        "sys.exit('torch' in sys.modules)"
    )
    environment = {"PYTHONPATH": str(Path(__file__).resolve().parents[2] / "src"), "PATH": ""}
    assert subprocess.run([sys.executable, "-c", code], env=environment).returncode == 0


def test_threads_that_wait_sleep_unless_the_user_wants_them_to_spin(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    assert main(["formats"]) == 0
    assert os.environ["OMP_WAIT_POLICY"] == "active"
    monkeypatch.delenv("OMP_WAIT_POLICY")
    assert main(["formats"]) == 0
    assert os.environ["OMP_WAIT_POLICY"] == "passive"
