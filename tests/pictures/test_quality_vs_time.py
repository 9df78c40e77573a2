"""Quality against time: the time that a network saves is measured, not flattered."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ptychopareto.pictures import quality_vs_time
from ptychopareto.study.purposes import PURPOSES

FNO, HYBRID = "fno_tsqrt_m12_w8_teacher", "hybrid_tsqrt_m12_w8_teacher"
ARCHITECTURES = {FNO: "fno", HYBRID: "hybrid"}
FRONT = {"architecture": "fno", "input_transform": "sqrt", "modes": 12, "width": 8} | {
    "supervision": "teacher"
}
EPOCHS = [1, 2, 5, 20, 50, 100]
KEYS = ("configuration", "refine_epochs")


@pytest.fixture
def classical() -> pd.DataFrame:
    quality = [0.5, 0.6, 0.7, 0.87, 0.97, 0.99]
    seconds = 0.13 * np.array(EPOCHS)
    columns = {"epochs": EPOCHS, "seconds": seconds, "ssim_phase": quality}
    return pd.DataFrame(columns).assign(engine="rpie", early_stop=False)


def refinement(**quality_of: list[float]) -> pd.DataFrame:
    """Two seeds of each configuration, with its mean qualities after 0, 1 and 5 epochs."""
    rows = [
        (name, epochs, 0.05 + 0.13 * epochs, value + seed)
        for name, qualities in quality_of.items()
        for epochs, value in zip((0, 1, 5), qualities, strict=True)
        for seed in (-0.001, 0.001)
    ]
    columns = ["configuration", "refine_epochs", "total_s", "ssim_phase"]
    return pd.DataFrame(rows, columns=columns)


def chosen(**epochs_of: tuple[str, int]) -> pd.DataFrame:
    """The configuration, and passes of rPIE, of some purposes."""
    rows = [{"purpose": name} for name in PURPOSES]
    for row in rows:
        if row["purpose"] in epochs_of:
            row |= dict(zip(KEYS, epochs_of[row["purpose"]], strict=True))
    return pd.DataFrame(rows, columns=["purpose", *KEYS])


def drawn(
    folder: Path,
    classical: pd.DataFrame,
    networks: pd.DataFrame,
    front: tuple[str, ...],
    **epochs_of: tuple[str, int],
) -> str:
    settings = {name: {**FRONT, "architecture": ARCHITECTURES.get(name, "cnn")} for name in front}
    purposes, path = chosen(**epochs_of), folder / "picture.svg"
    quality_vs_time.draw(classical, networks, settings, purposes, "ssim_phase", path)
    return (folder / "picture.svg").read_text()


def test_the_title_speaks_of_the_network_to_be_refined(
    tmp_path: Path, classical: pd.DataFrame
) -> None:
    refined = refinement(**{FNO: [0.88, 0.99, 0.996], HYBRID: [0.87, 0.98, 0.995]})
    shown = (FNO, HYBRID, "not_tthere_m1_w1_yet")
    svg = drawn(tmp_path, classical, refined, shown, refined=(FNO, 1), alone=(HYBRID, 0))
    words = (
        "refined: fno + 1 pass of rPIE reaches phase SSIM 0.99, 72× sooner than rPIE from a flat"
    )
    assert words in svg  # 13 s / 0.18 s
    assert all(f">{text}<" in svg for text in ("fno", "hybrid", "+1", "+5", "20", "72× sooner"))
    assert "rPIE from a flat start: 1<" in svg
    assert "bars: range over seeds" in svg


def test_between_two_classical_points(tmp_path: Path, classical: pd.DataFrame) -> None:
    # Halfway from 0.6 to 0.7 on the scale of the axis is halfway in the logarithm of time.
    level = 1 - np.sqrt(0.4 * 0.3)
    refined = refinement(**{FNO: [level, 0.5, 0.5]})
    svg = drawn(tmp_path, classical, refined, (FNO,), alone=(FNO, 0))
    words = "alone: fno sqrt m12 w8 teacher reaches phase SSIM 0.6536, 8.2× sooner"
    assert words in svg  # 0.13 s · √10 / 0.05 s


@pytest.mark.parametrize("better", [0.0, 0.00003])
def test_what_prints_the_same_is_as_good(
    tmp_path: Path, classical: pd.DataFrame, better: float
) -> None:
    """A network ahead by less than a printed digit is compared with what has the same digits."""
    refined = refinement(**{FNO: [0.87 + better, 0.5, 0.5]})
    svg = drawn(tmp_path, classical, refined, (FNO,), alone=(FNO, 0))
    assert "reaches phase SSIM 0.87, 52× sooner" in svg  # 20 passes: 2.6 s / 0.05 s
    classical.loc[classical["epochs"] > 20, "ssim_phase"] = 0.87
    svg = drawn(tmp_path, classical, refined, (FNO,), alone=(FNO, 0))
    assert "reaches phase SSIM 0.87, 52× sooner" in svg  # though none is quite as good


def title(svg: str) -> str:
    """All words of a picture, those of a title of several lines in one."""
    words = " ".join(re.findall(r">([^<>]+)</text>", svg))
    assert (
        max(map(len, re.findall(r"(?:alone|refined): [^<>]+", svg))) <= quality_vs_time.MOST_LETTERS
    )
    return words


def test_no_two_networks_look_the_same(tmp_path: Path, classical: pd.DataFrame) -> None:
    """Colours come again after seven networks, then with another marker."""
    names = [f"fno_tsqrt_m12_w{width}_teacher" for width in range(1, 17)]
    refined = refinement(**{name: [0.5, 0.6, 0.7] for name in names})
    settings = {name: {**FRONT, "width": n} for n, name in enumerate(names, 1)}
    path = tmp_path / "picture.svg"
    quality_vs_time.draw(classical, refined, settings, chosen(), "ssim_phase", path)
    markers = re.findall(r'<path id="m\w+" d="([^"]+)" style="([^"]+)"', path.read_text())
    filled = {look for look in markers if "fill: " not in look[1]}
    assert len(filled) >= len(names), markers


def test_says_when_a_network_is_later(tmp_path: Path, classical: pd.DataFrame) -> None:
    classical["seconds"] /= 1000
    refined = refinement(**{FNO: [0.3, 0.4, 0.45]})
    svg = drawn(tmp_path, classical, refined, (FNO,), refined=(FNO, 5))
    assert "+ 5 passes of rPIE reaches phase SSIM 0.45, 5400× later" in svg


def test_says_when_rpie_never_gets_there(tmp_path: Path, classical: pd.DataFrame) -> None:
    refined = refinement(**{FNO: [0.3, 0.4, 0.996]})
    svg = drawn(tmp_path, classical, refined, (FNO,), refined=(FNO, 5))
    assert "reaches phase SSIM 0.996, and rPIE from a flat start does not" in title(svg)
    assert "sooner" not in svg


def test_without_a_purpose_there_is_no_title(tmp_path: Path, classical: pd.DataFrame) -> None:
    refined = refinement(**{FNO: [0.88, 0.99, 0.996]})
    for answers in ({}, {"refined": (HYBRID, 1)}, {"alone": (FNO, 3)}):
        assert "sooner" not in drawn(tmp_path, classical, refined, (FNO,), **answers)


def test_of_one_side_only(tmp_path: Path, classical: pd.DataFrame) -> None:
    refined = refinement(**{FNO: [0.88, np.nan, 0.996]})
    assert "sooner" not in drawn(tmp_path, classical, refined[:0], (FNO,), alone=(FNO, 0))
    svg = drawn(tmp_path, classical[:0], refined, (FNO,), alone=(FNO, 0))
    assert "sooner" not in svg
    assert ">fno sqrt m12 w8 teacher<" in svg


def test_of_nothing_says_so(tmp_path: Path, classical: pd.DataFrame) -> None:
    svg = drawn(tmp_path, classical[:0], refinement(**{FNO: [0.9] * 3}), ())
    assert "no reconstruction has been timed" in svg


def test_is_the_same_each_time(tmp_path: Path, classical: pd.DataFrame) -> None:
    refined = refinement(**{FNO: [20.0, 25.0, 30.0]}).rename(columns={"ssim_phase": "psnr_amp"})
    classical = classical.rename(columns={"ssim_phase": "psnr_amp"})
    for name in ("a.png", "b.png"):
        purposes = chosen(refined=(FNO, 1))
        quality_vs_time.draw(
            classical, refined, {FNO: FRONT}, purposes, "psnr_amp", tmp_path / name
        )
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_several_classical_engines_are_curves_of_their_own(tmp_path: Path) -> None:
    """The network is compared with the one that gets there first; the others never may."""
    columns = ["epochs", "seconds", "r_free", "engine", "early_stop"]
    rpie = [(1, 0.4, 0.204, "rpie", False), (5, 1.2, 0.197, "rpie", True)]
    lsqml = [(20, 22.0, 0.184, "lsqml", False), (100, 105.0, 0.162, "lsqml", False)]
    classical = pd.DataFrame([*rpie, *lsqml], columns=columns)
    rows = [(FNO, 0, 0.05, 0.162), (FNO, 1, 0.3, 0.163)]
    refined = pd.DataFrame(rows, columns=["configuration", "refine_epochs", "total_s", "r_free"])
    path, alone = tmp_path / "picture.svg", chosen(alone=(FNO, 0))
    quality_vs_time.draw(classical, refined, {FNO: FRONT}, alone, "r_free", path)
    svg = path.read_text()
    assert (
        "alone: fno sqrt m12 w8 teacher reaches R-factor of patterns left out (R-free) 0.162, "
        "2100× sooner than LSQML from a flat start" in title(svg)
    )
    assert all(f">{words}<" in svg for words in ("rPIE from a flat start: 1", "5", "100"))
    assert "LSQML from a flat start: 20" in svg
    assert "ring: early stopping" in svg
    assert "(smaller is better)" in svg
    # A quality that the other engine reaches sooner is compared with that one.
    refined["r_free"] = 0.2
    quality_vs_time.draw(classical, refined, {FNO: FRONT}, alone, "r_free", path)
    assert "sooner than rPIE from a flat start" in title(path.read_text())
