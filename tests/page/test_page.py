"""The document: what stands in it, that nothing in it is mistaken for markup, and odd studies."""

import base64
import gzip
import hashlib
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib import colormaps
from PIL import Image
from plotly.offline import get_plotlyjs
from scipy.ndimage import gaussian_filter

from ptychopareto.config.columns import MEASURES as COLUMNS
from ptychopareto.files import FileError, write_npz
from ptychopareto.page import build, columns, write
from ptychopareto.page.embedded import data_uri
from ptychopareto.page.study import provenance
from ptychopareto.page.tables import filters
from ptychopareto.page.thumbnail import SIDE, thumbnails
from ptychopareto.study.break_even import in_words
from ptychopareto.study.configurations import configurations
from ptychopareto.study.purposes import named
from ptychopareto.study.results import Results
from ptychopareto.study.table import MEASURES

BROKEN = {1: "diverged", 2: "missing", 7: "out_of_memory"}


class Content(HTMLParser):
    """The words, elements and data of a document; a browser would see the same ones."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.scripts: list[str] = []
        self._inside = ""
        self.feed(document)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.scripts.append(data)
        elif self._inside != "style":
            self.words.append(data)

    def data(self) -> dict[str, Any]:
        result: dict[str, Any] = json.loads(self.scripts[0])
        return result

    def attributes(self, tag: str, name: str) -> list[str | None]:
        return [attrs[name] for found, attrs in self.elements if found == tag and name in attrs]


def as_image(address: str) -> Image.Image:
    """The picture that a data URI holds."""
    kind, _, data = address.partition(",")
    assert kind == "data:image/webp;base64"
    return Image.open(io.BytesIO(base64.b64decode(data)))


@pytest.fixture(scope="module")
def study(make_study: Any) -> dict[str, Any]:
    arguments: dict[str, Any] = make_study(broken=BROKEN)
    return arguments


@pytest.fixture(scope="module")
def content(study: dict[str, Any]) -> Content:
    return Content(build(**study))


def test_shows_every_run_with_its_status(study: dict[str, Any], content: Content) -> None:
    assert content.attributes("tr", "data-item") == [f"run:{run}" for run in study["table"]["run"]]
    for words in ("diverged", "missing", "out of memory", "loss is nan, in epoch 2"):
        assert words in content.words
    assert "16 runs of 8 configurations: 13 ok" in content.text


def test_shows_recommendation_front_pictures_and_provenance(
    study: dict[str, Any], content: Content
) -> None:
    assert study["recommendation"]["reason"] in content.text
    for configuration in study["front"]["configuration"]:
        assert configuration in content.text
    with Image.open(study["pictures"]["gallery"]) as image:
        drawn = np.asarray(image.convert("RGB"), dtype=float)
    (embedded,) = (
        np.asarray(as_image(str(attrs["src"])).convert("RGB"), dtype=float)
        for tag, attrs in content.elements
        if tag == "img" and attrs["alt"] == "gallery"
    )
    assert embedded.shape == drawn.shape
    assert np.abs(embedded - drawn).mean() < 0.1 * np.ptp(drawn)
    assert "git commit 0123abcd" in content.text
    known = study["front"]["p_front"].dropna()
    assert len(known)
    assert all(f"{100 * p:.0f} %" in content.words for p in known)


def test_each_purpose_has_its_row_and_its_badges(study: dict[str, Any], content: Content) -> None:
    answers = study["recommendation"]["purposes"]
    assert list(answers) == ["alone", "refined", "fastest", "smallest"]
    for answer in answers.values():
        assert answer["rule"] in content.text
        assert columns.text(answer["seconds"]) in content.words
    assert "5 passes" in content.words
    assert "recommended" not in content.words
    assert content.data()["purposes"] == named(answers)
    assert all(words in content.words for words in named(answers).values())


def test_break_even_has_its_table(study: dict[str, Any], content: Content) -> None:
    shown = study["break_even"]["configuration"].isin(study["front"]["configuration"])
    assert shown.any()
    for row in study["break_even"][shown].to_dict("records"):
        assert in_words(row) in content.words
    assert "rPIE is never as good" in content.words
    assert any(words.endswith(" scans") for words in content.words)


def test_collapsed_runs_have_their_column(study: dict[str, Any], content: Content) -> None:
    assert "warning" not in content.attributes("th", "data-column")
    table = study["table"].copy()
    table.loc[0, "warning"] = "collapsed: it is a constant"
    page = Content(build(**study | {"table": table}))
    assert "warning" in page.attributes("th", "data-column")
    assert "collapsed: it is a constant" in page.words
    assert "1 collapsed" in page.text


def test_a_purpose_without_a_network_says_why(make_study: Any) -> None:
    study = make_study(seeds=[0], broken=dict.fromkeys(range(8), "missing"))
    page = Content(build(**study))
    assert page.words.count("No run has a result on these axes.") == 4
    older = {**study["recommendation"]}
    del older["purposes"]
    assert "purposes" not in Content(build(**study | {"recommendation": older})).text


def test_holds_the_numbers_of_all_runs(study: dict[str, Any], content: Content) -> None:
    table = study["table"]
    for run, row in zip(content.data()["runs"], table.to_dict("records"), strict=True):
        known = {name: row[name] for name in run["values"]}
        assert run["name"] == row["run"]
        assert bool(known) == (row["status"] == "ok")
        assert run["values"] == pytest.approx(known)
        assert run["name"].startswith(run["configuration"] + "_s")
    for name in ("ssim_phase", "inference_time_s"):
        values = [columns.text(value) for value in table.loc[table["status"] == "ok", name]]
        assert set(values) <= set(content.words)


def test_all_measures_can_be_axes_except_what_only_goes_with_one(content: Content) -> None:
    beside = {"ssim_phase_floor", "ssim_amp_floor", "inference_iqr_s"}
    beside |= {"contrast_phase", "contrast_amp"}
    empty = {"r_work", "r_free", "r_free_flat", "frc50_halves"}  # of a simulated scan
    empty |= {name for name, column in COLUMNS.items() if column.latency and column.late}
    assert set(content.data()["axes"]) == set(MEASURES) - beside - empty
    assert not {*empty, "reference"} & set(content.attributes("th", "data-column"))
    assert set(content.attributes("option", "value")) >= set(content.data()["axes"])


def test_configurations_have_means_and_intervals(study: dict[str, Any], content: Content) -> None:
    for item, row in zip(
        content.data()["configurations"], study["configurations"].to_dict("records"), strict=True
    ):
        assert item["name"] == row["configuration"]
        interval = item["intervals"]["ssim_phase"]
        assert item["values"]["ssim_phase"] == pytest.approx(row["ssim_phase"])
        assert (interval is None) == (row["n_ok"] == 1)
        words = {column: text for _, text, column in item["words"]}
        assert ("±" in words["ssim_phase"]) == (row["n_ok"] > 1)


def test_loads_nothing(content: Content) -> None:
    tags = {tag for tag, _ in content.elements}
    assert not tags & {"iframe", "object", "embed", "base", "video", "audio"}
    addresses = [
        str(value)
        for _, attrs in content.elements
        for name, value in attrs.items()
        if name in ("src", "href", "srcset", "action", "poster")
    ]
    assert all(address.startswith(("data:", "#")) for address in addresses)
    policy = next(value for value in content.attributes("meta", "content") if "src" in str(value))
    assert str(policy).startswith("default-src 'none'; script-src 'sha256-")


def test_markup_in_the_data_stays_text(study: dict[str, Any]) -> None:
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(2)> \"'&<!--"
    harmless = Content(build(**study))
    table = study["table"].copy()
    table.loc[1, ["error", "device"]] = evil
    table["odd"] = evil
    page = Content(
        build(
            **study
            | {
                "table": table,
                "recommendation": {**study["recommendation"], "reason": evil},
                "provenance": {evil: evil},
                "pictures": {evil: study["pictures"]["gallery"]},
            }
        )
    )
    assert page.words.count(evil) == 1 + 2 + 2 + 1 + len(table)  # the last one: a column
    for tag in ("script", "img"):
        assert page.attributes(tag, "onerror") == []
        found, expected = ([t for t, _ in c.elements].count(tag) for c in (page, harmless))
        assert found == expected


def test_names_in_the_data_of_the_script_stay_text(study: dict[str, Any]) -> None:
    evil = "</script><b>&"
    table = study["table"].assign(run=study["table"]["run"] + evil)
    page = Content(build(**study | {"table": table}))
    assert page.data()["runs"][0]["name"].endswith(evil)
    bold = [[tag for tag, _ in c.elements].count("b") for c in (page, Content(build(**study)))]
    assert bold[0] == bold[1]


def test_scripts_hold_nothing_that_would_end_them(study: dict[str, Any]) -> None:
    document = build(**study)
    assert len(re.findall("</script", document, re.IGNORECASE)) == 4
    assert len(re.findall("<script", document, re.IGNORECASE)) == 4


def test_holds_the_plotting_library_that_its_policy_allows(content: Content) -> None:
    library = gzip.decompress(base64.b64decode(content.scripts[1])).decode()
    assert library == get_plotlyjs()
    policy = next(value for value in content.attributes("meta", "content") if "src" in str(value))
    digest = base64.b64encode(hashlib.sha256(library.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in str(policy)


def test_a_drawing_is_kept_exactly_and_an_image_of_many_colours_closely() -> None:
    drawing = np.full((300, 400, 3), 255, np.uint8)
    drawing[50:250, ::20] = (200, 30, 60)
    smooth = gaussian_filter(np.random.default_rng(0).normal(size=(300, 400)), 3)
    coloured = colormaps["viridis"]((smooth - smooth.min()) / np.ptp(smooth), bytes=True)[..., :3]
    for pixels, most in ((drawing, 0), (coloured, 4)):
        kept = np.asarray(as_image(data_uri(Image.fromarray(pixels))).convert("RGB"))
        assert np.abs(kept.astype(int) - pixels).mean() <= most


def test_an_image_of_fine_detail_takes_few_bytes() -> None:
    """Errors of reconstructions are noise, which no format without losses makes small."""
    noise = gaussian_filter(np.random.default_rng(0).normal(size=(300, 400)), 1)
    image = Image.fromarray(colormaps["PuOr"](0.5 + noise, bytes=True)[..., :3])
    png = io.BytesIO()
    image.save(png, "PNG")
    assert len(data_uri(image)) < len(png.getvalue()) / 3


def test_is_reproducible(study: dict[str, Any]) -> None:
    assert build(**study) == build(**study)


@pytest.mark.parametrize("status", ["diverged", "missing"])
def test_all_failed(make_study: Any, status: str) -> None:
    study = make_study(seeds=[0], broken=dict.fromkeys(range(8), status))
    page = Content(build(**study))
    assert study["recommendation"]["configuration"] is None
    assert study["recommendation"]["reason"] in page.text
    assert "No configuration has a result yet." in page.text
    assert len(page.attributes("tr", "data-item")) == 8
    assert not any(run["values"] for run in page.data()["runs"])
    assert page.data()["thumbnails"] == {}


def test_one_run(make_study: Any) -> None:
    study = make_study(seeds=[3], widths=[8])
    one = {name: study[name].iloc[:1] for name in ("table", "configurations")}
    page = Content(build(**study | one))
    assert "1 run of 1 configuration: 1 ok" in page.text
    assert not page.data()["several"]
    assert "95 % interval" not in page.text


def test_missing_values(study: dict[str, Any]) -> None:
    """Without a truth there are no measures of quality, and before the timing no latencies."""
    table = study["table"].copy()
    table["ssim_phase"] = float("nan")
    table["psnr_phase"] = float("inf")
    table["single_pattern_s"] = float("nan")
    page = Content(build(**study | {"table": table}))
    for run in page.data()["runs"]:
        assert not {run["values"].get(n) for n in ("ssim_phase", "single_pattern_s")} - {None}
        assert run["values"].get("psnr_phase") is None
    assert not {"nan", "NaN", "<NA>", "None"} & set(page.words)


def test_settings_that_a_run_does_not_have(study: dict[str, Any]) -> None:
    table = study["table"].copy()
    table.loc[:3, "modes"] = pd.NA
    table.loc[:3, "skips"] = False
    page = Content(build(**study | {"table": table, "configurations": configurations(table)}))
    words = [
        {column: text for _, text, column in item["words"]}
        for item in page.data()["configurations"]
    ]
    assert [one.get("modes") for one in words[:3]] == [None, None, "12"]
    assert [one.get("skips") for one in words[:3]] == ["false", "false", None]
    assert not {"nan", "NaN", "<NA>", "None"} & set(page.words)
    assert "modes" in page.attributes("select", "name")


def test_write_is_whole_or_not_at_all(tmp_path: Path) -> None:
    write(tmp_path / "new" / "index.html", "φ")
    assert (tmp_path / "new" / "index.html").read_bytes() == "φ".encode()
    assert len(list((tmp_path / "new").iterdir())) == 1


def test_stays_small_for_many_runs(tmp_path: Path) -> None:
    """The study of record has 324 runs, of noise at worst."""
    rng = np.random.default_rng(0)
    noise = np.exp(1j * rng.uniform(-3, 3, (200, 200))).astype(np.complex64)
    write_npz(tmp_path / "noise.npz", object=noise)
    small, _ = thumbnails({"noise": tmp_path / "noise.npz"})
    assert 324 * len(small["noise"]) < 7e6


def test_thumbnails_share_one_scale_and_have_no_mean_phase(tmp_path: Path) -> None:
    ramp = np.exp(1j * np.tile(np.linspace(-1, 1, 300), (150, 1))).astype(np.complex64)
    write_npz(tmp_path / "a.npz", object=ramp)
    write_npz(tmp_path / "b.npz", object=(5 * np.exp(2j) * ramp).astype(np.complex64))
    files = {name: tmp_path / f"{name}.npz" for name in ("a", "b", "missing")}
    small, limits = thumbnails(files)
    assert limits == pytest.approx((-0.98, 0.98), abs=0.01)
    assert list(small) == ["a", "b"]
    assert small["a"] == small["b"]
    image = as_image(small["a"])
    assert image.size == (SIDE, SIDE // 2)
    brightness = np.asarray(image.convert("L"), dtype=float).mean(axis=0)
    assert (np.diff(brightness) > -1).all()  # the picture is packed with small losses
    assert np.ptp(brightness) > 100


@pytest.mark.parametrize(
    "obj", [np.ones((2, 3), np.complex64), np.full((4, 4), np.nan, np.complex64), np.zeros((9, 9))]
)
def test_thumbnail_of_what_has_no_contrast(tmp_path: Path, obj: Any) -> None:
    write_npz(tmp_path / "flat.npz", object=obj)
    small, _ = thumbnails({"flat": tmp_path / "flat.npz"})
    assert as_image(small["flat"]).getextrema()


def test_pixels_that_are_not_scored_are_blank(tmp_path: Path) -> None:
    """They are transparent, and decide nothing about the scale."""
    y, x = np.mgrid[:40, :200]
    obj = np.exp(1j * np.sin(x / 9)).astype(np.complex64)
    region = np.hypot((y - 20) / 20, (x - 100) / 100) < 1
    write_npz(tmp_path / "a.npz", object=obj)
    write_npz(tmp_path / "b.npz", object=np.where(region, obj, np.complex64(3j)))
    (a, limits), (b, others) = (
        thumbnails({"run": tmp_path / f"{name}.npz"}, region) for name in "ab"
    )
    assert a == b
    assert limits == others
    image = as_image(a["run"])
    opacity = np.asarray(image.convert("RGBA"))[..., 3]
    assert opacity.shape == (22, 112)
    assert set(np.unique(opacity)) == {0, 255}
    assert (opacity > 0).mean() == pytest.approx(np.pi / 4, abs=0.03)


def test_refuses_a_reconstruction_that_is_none(tmp_path: Path) -> None:
    write_npz(tmp_path / "a.npz", other=np.ones(3))
    with pytest.raises(FileError, match=r"a\.npz: has no object"):
        thumbnails({"a": tmp_path / "a.npz"})


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.97, "0.9700"),
        (12.3456, "12.35"),
        (1234.5, "1,234"),
        (1_234_567, "1,234,567"),
        (float("nan"), ""),
        (pd.NA, ""),
        ("sqrt", "sqrt"),
        (True, "true"),
    ],
)
def test_how_values_are_written(value: Any, words: str) -> None:
    assert columns.text(value) == words


def test_a_depth_that_the_architecture_decides_is_no_choice(make_study: Any) -> None:
    table = make_study(seeds=(0,))["table"]
    table["blocks"] = table["architecture"].map({"fno": 4, "hybrid": 1}).astype("Int64")
    assert "blocks" not in {choice["name"] for choice in filters(table)}
    table.loc[0, "blocks"] = 6
    (choice,) = (choice for choice in filters(table) if choice["name"] == "blocks")
    assert choice["values"] == ["1", "4", "6"]


@pytest.mark.parametrize(("reference", "said"), [("classical", True), (None, False)])
def test_says_what_similarity_is_measured_against(
    tmp_path: Path, study: dict[str, Any], reference: str | None, said: bool
) -> None:
    table = study["table"].assign(reference=reference)
    entries = provenance(Results(tmp_path, ()), table)
    words = "the classical reconstruction of the whole scan, for want of a truth"
    assert (entries.get("similarity is measured against") == words) == said
