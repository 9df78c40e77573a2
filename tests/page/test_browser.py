"""The page in a real browser: what it shows, what it does, and that it asks for nothing."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select, WebDriverWait

from counts import LONG
from ptychopareto.config.columns import AXES
from ptychopareto.page import build, columns, write
from ptychopareto.study.configurations import names_of
from ptychopareto.study.pareto import front

pytestmark = pytest.mark.xdist_group("browser")

FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--no-first-run", "--window-size=1280,1000"),
)
BROKEN = {1: "diverged", 2: "missing"}
Open = Callable[[str], dict[str, Any]]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    chromium, driver = (shutil.which(name) for name in ("chromium", "chromedriver"))
    if chromium is None or driver is None:
        pytest.skip(
            "Chromium is not installed: run tests/page/install_browser.sh (Debian, as root)"
        )
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('browser')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    with webdriver.Chrome(options, webdriver.ChromeService(driver)) as chrome:
        yield chrome


@pytest.fixture(scope="module")
def studies(make_study: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Some studies, and for each where its page lies (`path`)."""
    folder = tmp_path_factory.mktemp("pages")
    made = {
        "one seed": make_study(seeds=[0], broken=BROKEN),
        "two seeds": make_study(seeds=[0, 1], broken=BROKEN),
        "all failed": make_study(seeds=[0], broken=dict.fromkeys(range(8), "diverged")),
        "odd": make_study(seeds=[0], widths=[8]),
    }
    evil = "</script><script>window.broken = 1</script><img src=x onerror='window.broken = 1'>"
    made["odd"]["table"]["error"] = evil
    made["odd"]["table"]["run"] += evil
    made["odd"]["configurations"]["configuration"] = made["odd"]["table"]["run"]
    made["odd"]["provenance"] = {evil: evil}
    for name, study in made.items():
        study["path"] = folder / f"{name}.html"
        write(study["path"], build(**{key: study[key] for key in study if key != "path"}))
    return made


@pytest.fixture
def load(browser: webdriver.Chrome, studies: dict[str, dict[str, Any]]) -> Open:
    """Load the page of a study by its name; afterwards check that it asked for nothing."""

    def load_(name: str) -> dict[str, Any]:
        browser.get("about:blank")
        browser.get_log("browser")
        browser.get_log("performance")
        browser.get(studies[name]["path"].as_uri())
        WebDriverWait(browser, 20).until(lambda _: is_scripted(browser))
        return studies[name]

    return load_


def is_scripted(browser: webdriver.Chrome) -> bool:
    """Whether the page has unpacked its plotting library and drawn."""
    classes = browser.execute_script("return document.documentElement.className")
    return "scripted" in str(classes)


def mark(browser: webdriver.Chrome, item: str) -> WebElement:
    return browser.find_element(By.CSS_SELECTOR, f"#plot path[data-item='{item}']")


def row(browser: webdriver.Chrome, run: str) -> WebElement:
    return browser.find_element(By.CSS_SELECTOR, f"tr[data-item='run:{run}']")


def shown_runs(browser: webdriver.Chrome) -> list[str]:
    script = "return [...document.querySelectorAll('#table tbody tr:not([hidden])')]"
    items = browser.execute_script(script + ".map((row) => row.dataset.item)")
    return [item.removeprefix("run:") for item in items]


def point_at(browser: webdriver.Chrome, element: WebElement) -> None:
    """Move the pointer there, from elsewhere, and wait until the page has noticed."""
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
    heading = browser.find_element(By.ID, "plot-heading")
    ActionChains(browser).move_to_element(heading).move_to_element(element).perform()


def details(browser: webdriver.Chrome) -> tuple[str, dict[str, str]]:
    """The name and the pairs of heading and value beside the plot."""
    script = """
        const pairs = [...document.querySelectorAll("#details dl div")];
        const name = document.getElementById("details-name").textContent;
        return [name, Object.fromEntries(pairs.map((pair) =>
            [pair.children[0].textContent, pair.children[1].textContent]))];
    """
    name, pairs = browser.execute_script(script)
    return name, pairs


def wait_for(browser: webdriver.Chrome, name: str) -> None:
    WebDriverWait(browser, 5).until(lambda _: details(browser)[0] == name)


def choose(browser: webdriver.Chrome, side: str, name: str) -> None:
    Select(browser.find_element(By.ID, f"axis-{side}")).select_by_value(name)


def wanted_details(study: dict[str, Any], run: str) -> dict[str, str]:
    values = study["table"].set_index("run").loc[run]
    return {columns.heading(str(n)): columns.text(v) for n, v in values.items() if columns.text(v)}


def assert_asked_for_nothing(browser: webdriver.Chrome, path: Path) -> None:
    assert browser.get_log("browser") == []
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    sent = [e["params"] for e in events if e["method"] == "Network.requestWillBeSent"]
    urls = {e["request"]["url"] for e in sent if e["documentURL"].startswith("file:")}
    assert {url for url in urls if not url.startswith(("data:", "blob:"))} == {path.as_uri()}
    entries = "return performance.getEntriesByType('resource').map((entry) => entry.name)"
    assert [
        e for e in browser.execute_script(entries) if not e.startswith(("data:", "blob:"))
    ] == []


@pytest.mark.parametrize(
    "name", ["one seed", pytest.param("two seeds", marks=pytest.mark.long), "all failed"]
)
def test_loads_without_error_or_request_and_shows_every_run(
    browser: webdriver.Chrome, load: Open, name: str
) -> None:
    study = load(name)
    assert shown_runs(browser) == study["table"]["run"].tolist()
    marks = browser.find_elements(By.CSS_SELECTOR, "#plot path[data-item]")
    drawn = [element.get_attribute("data-item") for element in marks]
    ok = study["table"]["status"] == "ok"
    expected = [f"run:{run}" for run in study["table"].loc[ok, "run"]]
    if name == "two seeds":
        means = study["configurations"]
        expected += [f"configuration:{c}" for c in means.loc[means["n_ok"] > 0, "configuration"]]
    assert sorted(map(str, drawn)) == sorted(expected)
    note = browser.find_element(By.ID, "plot-note").text
    assert note.startswith("" if ok.all() else f"{(~ok).sum()} of {len(ok)} runs have no value")
    assert_asked_for_nothing(browser, study["path"])


def test_a_browser_that_cannot_unpack_the_plot_says_so(
    browser: webdriver.Chrome, studies: dict[str, dict[str, Any]]
) -> None:
    script = {"source": "delete window.DecompressionStream"}
    added = browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", script)
    try:
        browser.get(studies["one seed"]["path"].as_uri())
        note = browser.find_element(By.ID, "no-plot")
        WebDriverWait(browser, 20).until(lambda _: note.is_displayed())
        assert shown_runs(browser) == studies["one seed"]["table"]["run"].tolist()
        assert not browser.find_element(By.ID, "plot").is_displayed()
    finally:
        browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)


def test_markup_in_the_data_is_not_run(browser: webdriver.Chrome, load: Open) -> None:
    study = load("odd")
    assert browser.execute_script("return window.broken") is None
    mark_ = browser.find_element(By.CSS_SELECTOR, "#plot path[data-item]")
    point_at(browser, mark_)
    ActionChains(browser).click().perform()
    name, _ = details(browser)
    assert name in study["table"]["run"].tolist()
    browser.find_element(By.NAME, "search").send_keys("<script>")
    assert len(shown_runs(browser)) == len(study["table"])
    assert browser.execute_script("return window.broken") is None
    assert_asked_for_nothing(browser, study["path"])


def test_pointing_at_a_run_shows_its_numbers_and_its_picture(
    browser: webdriver.Chrome, load: Open
) -> None:
    study = load("one seed")
    for run in study["table"].loc[study["table"]["status"] == "ok", "run"]:
        point_at(browser, mark(browser, f"run:{run}"))
        wait_for(browser, run)
        assert details(browser)[1] == wanted_details(study, run)
        label = browser.find_element(By.CSS_SELECTOR, "#plot .hoverlayer").text
        assert run in label
        assert wanted_details(study, run)["phase SSIM"] in label
        image = browser.find_element(By.CSS_SELECTOR, "#details img")
        assert image.get_attribute("alt") == f"phase of {run}"
        assert browser.execute_script("return arguments[0].naturalWidth", image) > 0
        assert "lit" in str(row(browser, run).get_attribute("class"))
        assert len(browser.find_elements(By.CSS_SELECTOR, "tr.lit")) == 1
    assert_asked_for_nothing(browser, study["path"])


def test_pointing_at_a_mean_shows_its_interval_and_all_seeds(
    browser: webdriver.Chrome, load: Open
) -> None:
    study = load("two seeds")
    mean = study["configurations"].iloc[-1]
    own = [run for run in study["table"]["run"] if run.startswith(mean["configuration"])]
    point_at(browser, mark(browser, f"configuration:{mean['configuration']}"))
    wait_for(browser, mean["configuration"])
    _, pairs = details(browser)
    assert pairs["runs"] == "2 ok"
    assert pairs["phase SSIM"] == f"{mean['ssim_phase']:.4f} ± {mean['ssim_phase_ci95']:.2g}"
    pictures = browser.find_elements(By.CSS_SELECTOR, "#details img")
    assert [image.get_attribute("alt") for image in pictures] == [f"phase of {run}" for run in own]
    lit = browser.find_elements(By.CSS_SELECTOR, "tr.lit")
    assert [element.get_attribute("data-item") for element in lit] == [f"run:{run}" for run in own]


def test_clicking_a_mark_keeps_its_row(browser: webdriver.Chrome, load: Open) -> None:
    study = load("two seeds")
    configuration = study["configurations"]["configuration"].iloc[-1]
    point_at(browser, mark(browser, f"configuration:{configuration}"))
    ActionChains(browser).click().perform()
    heading = browser.find_element(By.ID, "plot-heading")
    ActionChains(browser).move_to_element(heading).perform()
    kept = browser.find_elements(By.CSS_SELECTOR, "tr.kept")
    assert [str(element.get_attribute("data-item"))[4:-3] for element in kept] == [
        configuration
    ] * 2
    in_view = """
        const [frame, row] = [arguments[0].closest(".scroll"), arguments[0]]
            .map((element) => element.getBoundingClientRect());
        return row.top >= frame.top && row.bottom <= frame.bottom;
    """
    assert browser.execute_script(in_view, kept[0])
    assert details(browser)[0] == configuration
    assert len(browser.find_elements(By.CSS_SELECTOR, "#rings div")) == 3  # the mean, two runs
    ActionChains(browser).send_keys(Keys.ESCAPE).perform()
    assert browser.find_elements(By.CSS_SELECTOR, ".kept") == []


def test_a_row_marks_its_point(browser: webdriver.Chrome, load: Open) -> None:
    study = load("one seed")
    run = study["table"]["run"].iloc[-1]
    point_at(browser, row(browser, run))
    wait_for(browser, run)
    ring = browser.find_element(By.CSS_SELECTOR, "#rings div").rect
    dot = mark(browser, f"run:{run}").rect
    for side, length in (("x", "width"), ("y", "height")):
        centre = dot[side] + dot[length] / 2
        assert ring[side] + ring[length] / 2 == pytest.approx(centre, abs=1.5)
    row(browser, run).find_element(By.CLASS_NAME, "run").click()
    assert "kept" in str(mark(browser, f"run:{run}").get_attribute("class"))
    missing = study["table"]["run"].iloc[2]
    row(browser, missing).click()
    assert details(browser) == (missing, wanted_details(study, missing))
    assert browser.find_elements(By.CSS_SELECTOR, "#rings div") == []


@pytest.mark.parametrize("width", [pytest.param(1280, marks=pytest.mark.long), 800])
def test_pointing_moves_nothing(browser: webdriver.Chrome, load: Open, width: int) -> None:
    """A table that moved under the pointer would show the details of another row than meant."""
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        study = load("two seeds")
        mean = study["configurations"]["configuration"].iloc[-1]
        elements = {run: row(browser, run) for run in study["table"]["run"].iloc[[0, 1, 2]]}
        elements[mean] = mark(browser, f"configuration:{mean}")
        places = set()
        for name, element in elements.items():
            point_at(browser, element)
            wait_for(browser, name)
            places.add(browser.find_element(By.ID, "table").rect["y"])
        assert len(places) == 1
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_sorting_sorts(browser: webdriver.Chrome, load: Open) -> None:
    table = load("one seed")["table"]
    head = browser.find_element(By.CSS_SELECTOR, "th[data-column='ssim_phase']")
    for order, rising in (("ascending", True), ("descending", False)):
        head.find_element(By.TAG_NAME, "button").click()
        assert head.get_attribute("aria-sort") == order
        ordered = table.sort_values("ssim_phase", ascending=rising, kind="stable")
        assert shown_runs(browser) == ordered["run"].tolist()  # what is missing is last
    head.find_element(By.TAG_NAME, "button").click()
    assert shown_runs(browser) == table["run"].tolist()
    words = browser.find_element(By.CSS_SELECTOR, "th[data-column='status']")
    words.find_element(By.TAG_NAME, "button").click()
    assert head.get_attribute("aria-sort") == "none"
    expected = table.sort_values("status", kind="stable")["run"].tolist()
    assert shown_runs(browser) == expected


def test_filtering_filters_table_and_plot(browser: webdriver.Chrome, load: Open) -> None:
    study = load("two seeds")
    table, filters = study["table"], browser.find_element(By.ID, "filters")

    def wanted(keep: Any) -> list[str]:
        runs: list[str] = table.loc[keep, "run"].tolist()
        return runs

    Select(filters.find_element(By.NAME, "architecture")).select_by_visible_text("hybrid")
    assert shown_runs(browser) == wanted(table["architecture"] == "hybrid")
    Select(filters.find_element(By.NAME, "width")).select_by_visible_text("16")
    both = (table["architecture"] == "hybrid") & (table["width"] == 16)
    assert shown_runs(browser) == wanted(both)
    assert browser.find_element(By.ID, "count").text == f"{both.sum()} of {len(table)} runs"
    for run, chosen in zip(table["run"], both, strict=True):
        for element in browser.find_elements(By.CSS_SELECTOR, f"path[data-item='run:{run}']"):
            opacity = float(element.value_of_css_property("opacity"))
            assert (opacity > 0.3) == chosen
    filters.find_element(By.CSS_SELECTOR, "button[type=reset]").click()
    WebDriverWait(browser, 5).until(lambda _: shown_runs(browser) == table["run"].tolist())
    Select(filters.find_element(By.NAME, "status")).select_by_visible_text("missing")
    assert shown_runs(browser) == wanted(table["status"] == "missing")
    filters.find_element(By.CSS_SELECTOR, "button[type=reset]").click()
    filters.find_element(By.NAME, "search").send_keys("sqrt s1")
    assert shown_runs(browser) == wanted(
        (table["input_transform"] == "sqrt") & (table["seed"] == 1)
    )
    filters.find_element(By.CSS_SELECTOR, "button[type=reset]").click()
    filters.find_element(By.NAME, "front").click()
    best = names_of(table).isin(study["front"]["configuration"])
    assert shown_runs(browser) == wanted(best)


def test_changing_an_axis_moves_the_points(browser: webdriver.Chrome, load: Open) -> None:
    study = load("one seed")
    ok = study["table"][study["table"]["status"] == "ok"].set_index("run")

    def places(side: str) -> dict[str, float]:
        return {run: mark(browser, f"run:{run}").rect[side] for run in ok.index}

    before = places("x"), places("y")
    choose(browser, "x", "inference_time_s")
    assert places("y") == pytest.approx(before[1], abs=3)
    moved = places("x")
    assert any(abs(moved[run] - before[0][run]) > 3 for run in ok.index)
    by_place = sorted(ok.index, key=moved.__getitem__)
    assert by_place == ok["inference_time_s"].sort_values().index.tolist()
    choose(browser, "y", "mae_phase")
    by_place = sorted(ok.index, key=places("y").__getitem__, reverse=True)
    assert by_place == ok["mae_phase"].sort_values().index.tolist()
    assert browser.find_element(By.ID, "direction").text == "best: bottom left"
    titles = [browser.find_element(By.CSS_SELECTOR, f".{s}title").text for s in ("x", "y")]
    assert titles == [columns.label("inference_time_s"), columns.label("mae_phase")]
    point_at(browser, mark(browser, f"run:{by_place[0]}"))
    wait_for(browser, by_place[0])
    label = browser.find_element(By.CSS_SELECTOR, "#plot .hoverlayer").text
    assert columns.text(ok.loc[by_place[0], "mae_phase"]) in label
    assert_asked_for_nothing(browser, study["path"])


def test_long_intervals_do_not_squeeze_the_marks(browser: webdriver.Chrome, load: Open) -> None:
    """With two seeds the t of 12.7 makes intervals that reach beyond an SSIM of 1."""
    study = load("two seeds")
    means = study["configurations"]
    assert (means["ssim_phase"] + means["ssim_phase_ci95"]).max() > 1
    low, high = browser.execute_script("return document.getElementById('plot').layout.yaxis.range")
    assert 1 - 10**-high < means["ssim_phase"].max() + 0.05
    assert 1 - 10**-low < 0.41  # what a constant reconstruction scores


@pytest.mark.parametrize("name", [pytest.param("one seed", marks=pytest.mark.long), "two seeds"])
def test_the_line_is_the_front_on_any_axes(
    browser: webdriver.Chrome, load: Open, name: str
) -> None:
    study = load(name)
    means = study["configurations"]
    known = [axis for axis in AXES if means[axis].notna().any()]
    # R-factors and half sets are those of another study; the table has no late latencies.
    shown = [axis for axis in AXES.values() if not (axis.latency and axis.late)]
    assert len(known) >= len(shown) - 3
    pairs = [(x, "ssim_phase") for x in known] + [("model_params", y) for y in known]
    chosen: dict[str, str] = {}
    for x, y in pairs if LONG else pairs[::3]:
        for axis, column in (("x", x), ("y", y)):
            if chosen.get(axis) != column:
                choose(browser, axis, column)
        chosen = {"x": x, "y": y}
        line = browser.execute_script(
            "return document.getElementById('plot').data[0].x.slice(0, -1)"
        )
        cost, quality = (
            means[axis].to_numpy(float, na_value=np.nan)
            * (1 if AXES[axis].better == better else -1)
            for axis, better in ((x, "less"), (y, "more"))
        )
        best = means.loc[front(cost, quality), x].to_numpy(float)
        on_line = 1 - 10 ** -np.array(line) if AXES[x].scale == "ssim" else np.array(line)
        assert sorted(on_line) == pytest.approx(sorted(best)), (x, y)


def test_can_be_used_by_keyboard(browser: webdriver.Chrome, load: Open) -> None:
    study = load("one seed")
    ok = study["table"][study["table"]["status"] == "ok"].sort_values("model_params")
    browser.execute_script("document.getElementById('plot').focus()")
    ActionChains(browser).send_keys(Keys.ARROW_RIGHT).perform()
    assert (
        details(browser)[0]
        in ok.loc[ok["model_params"] == ok["model_params"].min(), "run"].tolist()
    )
    ActionChains(browser).send_keys(Keys.ARROW_LEFT, Keys.ENTER).perform()
    kept = details(browser)[0]
    assert kept in ok.loc[ok["model_params"] == ok["model_params"].max(), "run"].tolist()
    assert "kept" in str(row(browser, kept).get_attribute("class"))
    browser.execute_script(
        "arguments[0].focus()", row(browser, kept).find_element(By.CLASS_NAME, "run")
    )
    ActionChains(browser).send_keys(Keys.ARROW_UP).perform()
    runs = study["table"]["run"].tolist()
    assert details(browser)[0] == runs[runs.index(kept) - 1]
    ActionChains(browser).send_keys(Keys.ENTER).perform()
    pressed = browser.find_elements(By.CSS_SELECTOR, ".run[aria-pressed=true]")
    assert [element.text for element in pressed] == [runs[runs.index(kept) - 1]]


@pytest.mark.parametrize("width", [1400, 1280, 800, 420])
def test_fits_the_window(browser: webdriver.Chrome, load: Open, width: int) -> None:
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        load("two seeds")
        widths = "return [document.documentElement.scrollWidth, innerWidth]"
        needed, there = browser.execute_script(widths)
        assert needed <= there == width
        plot, beside = (browser.find_element(By.ID, name).rect for name in ("plot", "details"))
        assert plot["width"] > min(500, 0.9 * width - 40)
        assert beside["x"] >= plot["x"] + plot["width"] or beside["y"] >= plot["y"] + plot["height"]
        inner = "return [...document.querySelectorAll('#details, #details *, .recommendation *')]"
        cut = inner + ".filter((element) => element.scrollWidth > element.clientWidth + 1)"
        assert browser.execute_script(f"{cut}.filter((e) => e.clientWidth).map((e) => e.id)") == []
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_follows_the_dark_mode_but_prints_on_white(browser: webdriver.Chrome, load: Open) -> None:
    study = load("one seed")
    item = f"run:{study['table']['run'].iloc[-1]}"

    def look() -> tuple[str, str]:
        page = browser.find_element(By.TAG_NAME, "body")
        fill = mark(browser, item).value_of_css_property("fill")
        return page.value_of_css_property("background-color"), fill

    light = look()
    dark_mode = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", dark_mode)
    try:
        WebDriverWait(browser, 5).until(lambda _: look()[1] != light[1])
        assert look()[0] != light[0]
        browser.execute_script("dispatchEvent(new Event('beforeprint'))")
        assert look() == light
        browser.execute_script("dispatchEvent(new Event('afterprint'))")
        assert look() != light
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
