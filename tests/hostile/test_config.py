"""Configs that are wrong, absurd or malicious: each plans, or is refused in one line.

Prints how many there were of each: pytest -n 0 -s tests/hostile/test_config.py
"""

import copy
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from snakemake.common.configfile import load_configfile
from snakemake.exceptions import WorkflowError

import warm
from counts import LONG, MUTATIONS
from ptychopareto.config import ConfigError, ProbeZonePlate, parse_study
from ptychopareto.files import write_npz
from ptychopareto.physics.probe import make_probe
from ptychopareto.study.runs import MOST_RUNS, expand
from tiny_study import ONE_THREAD, PHYSICS, ROOT, TINY, Project, copy_of_project

# Names of files that would do something where a shell or Snakemake took them for more than names.
NAMES = [
    "my $(touch HACKED) 'probe';x.npz",
    "`touch HACKED`.npz",
    "a; touch HACKED #.npz",
    'a" && touch HACKED && ".npz',
    "*?[ab].npz",
    "-n --unlock.npz",
    "pröbe ψ 探针.npz",
    "../beside.npz",
]


def light_study() -> dict[str, Any]:
    """config.yaml, with one network of each architecture."""
    study = yaml.safe_load((ROOT / "config.yaml").read_text())
    first = {block["architecture"][0]: block for block in reversed(study["sweep"])}
    study["sweep"] = [
        block | {"architecture": [name], "width": [4], "blocks": [2]}
        for name, block in sorted(first.items())
    ]
    return dict(study)


LIGHT = light_study()
FAST = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # some PyYAML is built without libyaml


# --- mutations ----------------------------------------------------------------------------------

TEXTS = [
    *NAMES,
    *(
        "{run}.npz",
        "{{run}}.npz",
        "../../etc/passwd",
        "../x.npz",
        "/dev/zero",
        "$(touch HACKED)",
        "; rm -rf x",
        "| sh",
    ),
    *("a\nb", "a\0b", "\x1b[31m", "\u202e", "fno\n", "none ", "x" * 10_000, "", "~", "1e-3", "yes"),
    *(
        "fno",
        "hybrid",
        "sqrt",
        "teacher",
        "cuda",
        "lines",
        "grf",
        "npz",
        "ssim_amp",
        "{run}",
        "%s",
        "!!x",
    ),
]
NUMBERS = [0, 1, -1, 2, 3, 7, 16, 32, 512, 10**6, 2**31, 2**63, -(2**70), 10**400]
NUMBERS += [0.5, -0.5, 1e-300, 1e300, float("nan"), float("inf"), 1.0]
scalars = (
    st.sampled_from(TEXTS)
    | st.sampled_from(NUMBERS)
    | st.integers(-3, 70)
    | st.floats(-1, 2, width=16)
    | st.sampled_from([None, True, False])
)
lists = st.lists(scalars, max_size=4) | st.lists(st.integers(1, 40), max_size=3, unique=True)
DEEP = [[[[[[[[[[[[[1]]]]]]]]]]]]]
values = (
    scalars | lists | st.dictionaries(st.sampled_from(TEXTS), scalars, max_size=2) | st.just(DEEP)
)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Each container with each of its keys."""
    if isinstance(value, dict | list):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from places(value[key])


def nudged(draw: st.DrawFn, value: Any) -> Any:
    """A value of the same kind: what is most often accepted."""
    if isinstance(value, bool) or value is None:
        return draw(scalars)
    if isinstance(value, int):
        return max(0, value + draw(st.integers(-8, 8)))
    if isinstance(value, float):
        return value * draw(st.sampled_from([0.5, 0.9, 1.1, 2.0, -1.0]))
    if isinstance(value, list):
        return [nudged(draw, item) if draw(st.booleans()) else item for item in value]
    return value


@st.composite
def mutated_yaml(draw: st.DrawFn) -> str:
    """The text of config.yaml after one to three changes of its content, or of its letters."""
    study = copy.deepcopy(LIGHT)
    for _ in range(draw(st.integers(1, 3))):
        container, key = draw(st.sampled_from(list(places(study))))
        match draw(
            st.sampled_from(["nudge", "nudge", "replace", "remove", "rename", "list", "swap"])
        ):
            case "nudge":
                container[key] = nudged(draw, container[key])
            case "replace":
                container[key] = copy.deepcopy(draw(values))
            case "remove":
                del container[key]
            case "rename" if isinstance(container, dict):
                container[draw(st.sampled_from(TEXTS))] = container.pop(key)
            case "list":
                container[key] = [container[key]]
            case "swap":
                other, other_key = draw(st.sampled_from(list(places(study))))
                container[key] = copy.deepcopy(other[other_key])
    text = yaml.dump(study, Dumper=FAST, sort_keys=False, allow_unicode=True)
    return draw(damaged(text)) if draw(st.integers(0, 9)) == 0 else text


@st.composite
def damaged(draw: st.DrawFn, text: str) -> str:
    lines = text.splitlines()
    at = draw(st.integers(0, len(lines) - 1))
    odd = [
        "\t",
        "- ",
        "&a ",
        "*a",
        "!!python/object/apply:os.system [touch HACKED]",
        "}",
        ": ",
        "%",
    ]
    match draw(st.sampled_from(["odd", "delete", "repeat", "cut", "tag"])):
        case "odd":
            lines.insert(at, draw(st.sampled_from(odd)))
        case "delete":
            del lines[at]
        case "repeat":
            lines.insert(at, lines[at])
        case "cut":
            lines[at] = lines[at][: draw(st.integers(0, len(lines[at])))]
        case "tag":
            lines[at] = lines[at].replace(": ", ": " + draw(st.sampled_from(odd)), 1)
    return "\n".join(lines) + "\n"


# --- what must hold -----------------------------------------------------------------------------


def outcome(path: Path) -> str:
    """What becomes of a config: "yaml", "refused" or "accepted"; anything else fails."""
    try:
        config = load_configfile(path)
    except WorkflowError:  # Snakemake's own, before the workflow is looked at
        return "yaml"
    try:
        runs = expand(parse_study(config))
    except ConfigError as error:
        line = str(error)
        assert line.isprintable()
        assert len(line) < 1000
        return "refused"
    for run in runs:
        assert re.fullmatch("[a-z0-9_]+", run)
        folder = Path("results/runs", run)
        assert folder.resolve().parent == Path("results/runs").resolve()
    assert 0 < len(runs) <= MOST_RUNS
    return "accepted"


def plan(project: Project, configs: list[Path]) -> list[str | None]:
    """What the real Snakemake says to each of them; None where it planned."""
    command = [str(Path(__file__).with_name("plan.py")), *map(str, configs)]
    if project.cold:
        done = project.python(*command)
    else:
        done = warm.run(command, project.folder, {**os.environ, **ONE_THREAD}, timeout=300)
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(configs)
    for config, answer in zip(configs, answers, strict=True):
        assert answer["seconds"] < 20, config.read_text()
    return [answer["said"] for answer in answers]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """The project with probes of hostile names."""
    project = copy_of_project(tmp_path / "project")
    probe = make_probe(ProbeZonePlate(), 32)
    for name in NAMES:
        project[name].parent.mkdir(exist_ok=True)
        write_npz(project[name], probeGuess=probe)
    return project


def test_mutated_configs(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project.folder)
    outcomes: dict[str, str] = {}
    path = project["mutated.yaml"]

    @settings(
        max_examples=2 * MUTATIONS,  # a quarter are the same
        derandomize=True,
        database=None,
        deadline=10_000,
        suppress_health_check=list(HealthCheck),
    )
    @given(mutated_yaml())
    def each(text: str) -> None:
        if text not in outcomes and len(outcomes) < MUTATIONS:
            path.write_text(text, encoding="utf-8")
            outcomes[text] = outcome(path)

    each()
    counts = {kind: list(outcomes.values()).count(kind) for kind in ("accepted", "refused", "yaml")}
    accepted = [text for text, kind in outcomes.items() if kind == "accepted"]
    assert len(outcomes) == MUTATIONS
    assert min(counts["accepted"], counts["refused"]) > MUTATIONS // 10
    configs = []
    for number, text in enumerate(accepted):
        configs.append(project[f"accepted_{number}.yaml"])
        configs[-1].write_text(text, encoding="utf-8")
    said = [line for line in plan(project, configs) if line is not None]
    assert all("there is no file" in line and line.isprintable() for line in said)
    print(
        f"\nconfig: {len(outcomes)} mutations, {counts['accepted']} accepted, {counts['refused']} "
        f"refused, {counts['yaml']} no YAML; of those accepted Snakemake planned "
        f"{len(configs) - len(said)} and missed a file of {len(said)}"
    )
    assert not list(project.folder.rglob("HACKED*"))


def with_probe(name: str) -> str:
    probe = {"kind": "npz", "path": name}
    return yaml.safe_dump({**TINY, "dataset": {**TINY["dataset"], "probe": probe}})


def test_files_of_any_name_are_planned(project: Project) -> None:
    """Each name once, of one of three kinds of file; in `make test-long` of all three."""
    configs = []
    for number, name in enumerate(NAMES):
        scans = {"train_npz": name, "test_npz": str(project[name])}
        objects = {"kind": "npz", "path": name, "test_path": str(project[name])}
        texts = {
            "probe": with_probe(name),
            "scan": yaml.safe_dump({**TINY, "dataset": scans}),
            "object": yaml.safe_dump({**TINY, "dataset": {**TINY["dataset"], "object": objects}}),
        }
        for kind, text in texts.items() if LONG else [list(texts.items())[number % len(texts)]]:
            configs.append(project[f"{kind}_{number}.yaml"])
            configs[-1].write_text(text)
    assert plan(project, configs) == [None] * len(configs)
    assert not list(project.folder.rglob("HACKED*"))


@pytest.mark.parametrize("name", ["{run}.npz", "a{{b}}.npz", "}{.npz"])
def test_names_with_wildcards_of_snakemake_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="a path without braces is wanted"):
        parse_study(yaml.safe_load(with_probe(name)))


def test_names_reach_no_shell(project: Project) -> None:
    """A study whose probe and whose config file are named like commands runs, and they do not."""
    config = "my $(touch HACKED) 'study'; touch HACKED #{run}.yaml"
    project[config].write_text(with_probe(NAMES[0]))
    before = {path.name for path in project.folder.iterdir()}
    target = f"results/runs/{PHYSICS}/metrics.json"
    started = Project(project.folder, cold=LONG or project.cold)
    done = started.snakemake("--cores", "1", "--configfile", config, "--", target)
    assert done.returncode == 0, done.stderr
    assert json.loads(project[target].read_text())["status"] == "ok"
    assert {path.name for path in project.folder.iterdir()} <= before | {"results", ".snakemake"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sweep: !!python/name:os.system\n", "plain numbers, strings, lists and sections"),
        ("sweep: [\n", "Config file is not valid"),
        ("- sweep\n", "Config file must be given"),
        ("dataset: {probe: {kind: npz, path: nowhere.npz}}\nsweep: []\n", "sweep: [] is empty"),
    ],
)
def test_the_command_says_it_in_short(project: Project, text: str, words: str) -> None:
    project["wrong.yaml"].write_text(text)
    refused = project.snakemake("-n", "--configfile", "wrong.yaml")
    assert refused.returncode != 0
    said = refused.stdout + refused.stderr
    assert words in said
    # Broken YAML is Snakemake's affair: a line, and one before it that says WorkflowError.
    assert len(said.splitlines()) == (2 if "Config file" in words else 1)


def test_aliases_without_end_are_refused_at_once() -> None:
    """Eight lines of YAML that stand for 43 million values."""
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    for name, before in zip("bcdefgh", "abcdefg", strict=True):
        lines.append(f"{name}: &{name} [{', '.join(['*' + before] * 9)}]")
    code = "import sys, yaml; from ptychopareto.config import parse_study\n"
    code += "parse_study(yaml.safe_load(sys.stdin))"
    refused = subprocess.run(
        [sys.executable, "-c", code],
        input="\n".join(lines),
        cwd=ROOT / "src",
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert "one value too many; 100000 in all are allowed" in refused.stderr
