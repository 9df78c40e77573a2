"""The look before the flight, as text, as a picture, and as an exit status."""

import json
import logging
import tempfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from ptychopareto.command.inspect import FAILED_CHECK
from ptychopareto.command.main import main
from ptychopareto.files import stored
from ptychopareto.preparation.spool import Spool
from readers import writers
from readers.writers import a_scan


def test_a_good_scan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "scan.cxi"
    writers.write_cxi(path, a_scan(rows=10, columns=20))
    outputs = ["--picture", str(tmp_path / "look.png"), "--json", str(tmp_path / "look.json")]
    status = main(["inspect", str(path), *outputs])
    said = capsys.readouterr().out
    record = json.loads((tmp_path / "look.json").read_text())
    failed = [check["name"] for check in record["checks"] if check["passed"] is False]
    assert status == (FAILED_CHECK if failed else 0)
    assert said.startswith(f"{path}: cxi, 200 patterns of 32 px\n")
    for check in record["checks"]:
        assert check["said"] in said
    assert (tmp_path / "look.png").stat().st_size > 10_000
    # Its log is quiet only while it inspects: who calls it from Python keeps its warnings.
    assert logging.getLogger("ptychopareto.preparation").level == logging.NOTSET


def test_dark_frames_fail_a_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "scan.cxi"
    writers.write_cxi(path, a_scan(rows=10, columns=20))
    with h5py.File(path, "a") as file:
        file["entry_1/data_1/data"][:20] = 0
    assert main(["inspect", str(path)]) == FAILED_CHECK
    assert "FAIL  dark frames" in capsys.readouterr().out


def test_a_file_that_will_not_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "scan.npz"
    np.savez(path, nothing=np.ones(3))
    assert main(["inspect", str(path)]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"ptycho-pareto inspect: {path}: ")
    assert len(said.err.splitlines()) == 1


def test_a_large_scan_waits_beside_what_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system's own folder is not used: often it is memory."""
    path = tmp_path / "scan.cxi"
    writers.write_cxi(path, a_scan(rows=10, columns=20))
    monkeypatch.setattr(stored, "LARGE", 1)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "not" / "there"))
    out = tmp_path / "looks"
    assert main(["inspect", str(path), "--json", str(out / "look.json")]) in (0, FAILED_CHECK)
    assert [one.name for one in out.iterdir()] == ["look.json"]
    with pytest.raises(FileNotFoundError):  # the check of this test
        Spool(None, (2, 2), np.dtype(np.uint8))
