"""Trainings that end before their end, and checkpoints that are not what they should be."""

import json
import logging
import os
import pickle
import random
import resource
import signal
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from counts import MUTATIONS
from ptychopareto.config import SimulatedDataset, Training
from ptychopareto.learning import trainer, training
from ptychopareto.learning.checkpoint import Checkpoint
from ptychopareto.learning.scan_data import ScanData, scan_data
from ptychopareto.learning.stopping import Stopped
from ptychopareto.learning.supervision import Loss, make_loss
from ptychopareto.learning.trainer import Trainer
from ptychopareto.learning.training import Trained, train
from ptychopareto.models.registry import NetworkConfig, build
from ptychopareto.physics.simulation import simulate

SETTINGS = Training(epochs=3, batch_size=4, learning_rate=3e-3, validation_fraction=0.1)
CONFIG = NetworkConfig("fno", "none", modes=2, width=2, N=16, blocks=1)
HYBRID = NetworkConfig("hybrid", "none", modes=2, width=2, N=16)
STEPS = 33  # in all three epochs
EPOCHS = 3
ALWAYS = 1e-9  # minutes between checkpoints


class Killed(BaseException):
    """Ends a training at once, as kill -9 would: nothing is saved."""


@pytest.fixture(scope="module")
def scan() -> ScanData:
    config = {"N": 16, "size": 64, "scan_step_train": 8, "scan_step_test": 8}
    dataset = simulate(SimulatedDataset.model_validate(config))[0]
    return scan_data(dataset, dataset.objects, torch.device("cpu"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "checkpoint.pt"


def run(scan: ScanData, path: Path, minutes: float = 5.0, **changes: Any) -> Trained:
    given = {"config": CONFIG, "supervision": "truth", "seed": 0, "settings": SETTINGS, **changes}
    return train(scan=scan, checkpoint_path=path, checkpoint_minutes=minutes, **given)


@pytest.fixture(scope="module")
def whole(scan: ScanData, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Trained]:
    """The training of each architecture that nothing interrupts. Tests only read it."""
    folder = tmp_path_factory.mktemp("whole")
    return {
        config.architecture: run(scan, folder / f"{config.architecture}.pt", config=config)
        for config in (CONFIG, HYBRID)
    }


def begun(scan: ScanData, path: Path) -> Trainer:
    """The same training, before its first step."""
    torch.manual_seed(0)
    network, checkpoint = build(CONFIG), Checkpoint(path, {"this": "one"})
    return Trainer(network, 0, SETTINGS, scan, make_loss("truth", SETTINGS, scan), checkpoint)


def result(trained: Trained) -> tuple[object, ...]:
    """Everything but times."""
    weights = {
        name: value.numpy().tobytes() for name, value in trained.network.state_dict().items()
    }
    history = [{**row, "seconds": 0} for row in trained.history]
    return (
        weights,
        history,
        trained.status,
        trained.error,
        trained.best_epoch,
        trained.patterns_seen,
    )


@pytest.fixture
def at_steps(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[int]]:
    """Let something happen before these steps, counted over all interruptions; the steps done."""

    def arrange(steps: set[int], happens: Callable[[], None]) -> list[int]:
        done: list[int] = []
        left, update = set(steps), Trainer.update

        def watched(self: Trainer, batch: torch.Tensor) -> torch.Tensor:
            if len(done) in left:
                left.discard(len(done))
                happens()
            done.append(self.progress.epoch * self.steps + self.progress.step)
            return update(self, batch)

        monkeypatch.setattr(Trainer, "update", watched)
        return done

    return arrange


Refused = Callable[[], str | None]


def kill() -> None:
    raise Killed


def terminate() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


# --- a training interrupted anywhere ends with the same bits ----------------------------------


@pytest.mark.parametrize("config", [CONFIG, HYBRID], ids=["fno", "hybrid"])
@pytest.mark.parametrize("happens", [kill, terminate])
@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.long)])
def test_interrupted_anywhere_and_continued_gives_the_same_bits(
    seed: int,
    happens: Callable[[], None],
    config: NetworkConfig,
    scan: ScanData,
    whole: dict[str, Trained],
    path: Path,
    at_steps: Callable[..., list[int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(trainer, "CHECK_STEPS", 3)
    moments = set(random.Random(seed).sample(range(STEPS), 4))
    done = at_steps(moments, happens)
    for _ in moments:
        with pytest.raises((Killed, Stopped)):
            run(scan, path, ALWAYS, config=config)
    assert result(run(scan, path, ALWAYS, config=config)) == result(whole[config.architecture])
    if happens is terminate:
        assert done == [*range(STEPS)]  # nothing repeated, nothing left out
    else:
        assert set(done) == {*range(STEPS)}
        assert len(done) <= STEPS + 4 * 2  # what came after the last look


def test_a_training_in_parts_gives_the_same_bits(
    scan: ScanData, whole: dict[str, Trained], path: Path
) -> None:
    for until in (1, 1, EPOCHS - 1):
        part = run(scan, path, until=until)
        assert part.status == "ok"
        assert [row["epoch"] for row in part.history] == [*range(1, until + 1)]
        assert part.patterns_seen == whole["fno"].patterns_seen * until // EPOCHS
    assert result(run(scan, path)) == result(whole["fno"])
    beyond = run(scan, path, until=1)  # the checkpoint is further: nothing is trained
    assert len(beyond.history) == EPOCHS
    assert result(run(scan, path.with_name("other.pt"), until=EPOCHS + 5)) == result(whole["fno"])


def test_long_epochs_are_saved_in_between(
    scan: ScanData, path: Path, at_steps: Callable[..., list[int]], monkeypatch, caplog
) -> None:
    monkeypatch.setattr(trainer, "CHECK_STEPS", 4)
    done = at_steps({7, 20}, kill)
    for minutes in (1e3, ALWAYS):
        with pytest.raises(Killed):
            run(scan, path, minutes)
    assert done == [*range(7), *range(13)]  # at first nothing was saved
    with caplog.at_level(logging.INFO):
        run(scan, path)  # another interval makes it no other training
    assert "continuing from the checkpoint: epoch 2, step 0" in caplog.text
    assert done[20:] == [*range(11, STEPS)]


def test_what_is_not_yet_stored_is_not_trained_twice(
    scan: ScanData, path: Path, at_steps: Callable[..., list[int]], caplog
) -> None:
    done = at_steps(set(), kill)
    first = run(scan, path)
    with caplog.at_level(logging.INFO):
        second = run(scan, path)
    assert len(done) == STEPS
    assert result(first) == result(second)
    assert first.seconds == second.seconds
    assert "continuing from the checkpoint: epoch 3, step 11" in caplog.text


def test_random_numbers_continue_where_they_stopped(
    scan: ScanData, path: Path, at_steps: Callable[..., list[int]], monkeypatch
) -> None:
    def noisy(*arguments: Any) -> Loss:
        loss = make_loss(*arguments)
        return lambda *batch: loss(*batch) * (1 + 0.1 * torch.rand(()))

    monkeypatch.setattr(training, "make_loss", noisy)
    whole = run(scan, path.with_name("whole.pt"))
    at_steps({14}, terminate)
    with pytest.raises(Stopped):
        run(scan, path)
    assert result(run(scan, path)) == result(whole)


def test_interrupted_divergence_is_found_as_if_it_had_not_been(
    scan: ScanData, path: Path, at_steps: Callable[..., list[int]], monkeypatch
) -> None:
    monkeypatch.setattr(trainer, "CHECK_STEPS", 3)
    settings = SETTINGS.model_copy(update={"learning_rate": 1e30})
    whole = run(scan, path.with_name("whole.pt"), settings=settings)
    assert whole.status == "diverged"
    for _ in range(3):  # the last two times the weights are no longer finite: not saved
        at_steps({0}, terminate)
        with pytest.raises(Stopped):
            run(scan, path, ALWAYS, settings=settings)
    assert result(run(scan, path, ALWAYS, settings=settings)) == result(whole)


def test_second_signal_does_not_break_the_save(
    scan: ScanData, whole: dict[str, Trained], path: Path, monkeypatch
) -> None:
    save = torch.save

    def interrupted(*arguments: Any) -> None:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM):
            os.kill(os.getpid(), number)
        save(*arguments)
        terminate()

    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", interrupted)
        with pytest.raises(Stopped):
            run(scan, path)
    assert result(run(scan, path)) == result(whole["fno"])


def test_a_file_that_cannot_be_written_is_named_as_such(path: Path) -> None:
    """And the checkpoint before it stays."""
    checkpoint = Checkpoint(path, {})
    checkpoint.save({"number": 1})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with pytest.raises(OSError, match="too large"):
            checkpoint.save({"weights": torch.zeros(100_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert checkpoint.load() == {"number": 1}
    assert list(path.parent.iterdir()) == [path]


def test_leftovers_of_interrupted_saves_are_removed(
    scan: ScanData, path: Path, at_steps: Callable[..., list[int]], monkeypatch
) -> None:
    def killed(*_: object) -> None:
        os.link(next(path.parent.glob(".*.pt")), path.parent / f".{'0123456789abcdef' * 2}.pt")
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", killed)
        with pytest.raises(Killed):
            run(scan, path)
    (leftover,) = path.parent.iterdir()
    kept = [path.with_name(name) for name in (".hidden.pt", f".{'f' * 32}.csv")]
    for file in kept:
        file.touch()
    at_steps({0}, kill)
    with pytest.raises(Killed):
        run(scan, path)
    assert not leftover.exists()
    assert all(file.exists() for file in kept)


# --- a checkpoint is refused as a whole, or loaded as a whole ---------------------------------


class StopAfter:
    """A request to stop that comes after so many steps."""

    def __init__(self, steps: int) -> None:
        self.steps = steps

    @property
    def signal(self) -> int | None:
        self.steps -= 1
        return None if self.steps > 0 else signal.SIGTERM


@pytest.fixture(scope="module")
def saved(scan: ScanData, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("good") / "checkpoint.pt"
    with pytest.raises(Stopped):
        begun(scan, path).run(StopAfter(15))
    return path.read_bytes()


@pytest.fixture
def good(saved: bytes, path: Path) -> bytes:
    """A checkpoint in the second epoch of the training that `begun` begins, at its place."""
    path.write_bytes(saved)
    return saved


def resealed(content: bytes, **header: object) -> bytes:
    """The content behind a first line that fits it, but for these entries."""
    head, _, old = content.partition(b"\n")
    first = {**json.loads(head), "crc32": f"{zlib.crc32(old):08x}", **header}
    return json.dumps(first).encode() + b"\n" + old


def with_state(content: bytes, change: Callable[[dict[str, Any]], object], path: Path) -> bytes:
    """The checkpoint of a changed state."""
    path.write_bytes(content.partition(b"\n")[2])
    state = torch.load(path, weights_only=True)
    change(state)
    torch.save(state, path)
    return resealed(content.partition(b"\n")[0] + b"\n" + path.read_bytes())


@pytest.fixture(scope="module")
def untouched(scan: ScanData, tmp_path_factory: pytest.TempPathFactory) -> Trainer:
    """The training before its first step. Tests only read it."""
    return begun(scan, tmp_path_factory.mktemp("untouched") / "checkpoint.pt")


@pytest.fixture
def refused(
    scan: ScanData, path: Path, untouched: Trainer, caplog: pytest.LogCaptureFixture
) -> Refused:
    """Restore a training from the checkpoint as it lies there.

    What is called returns the one line of refusal, after which the training is as new, so that it
    serves for the next try as well; None if the checkpoint was accepted.
    """
    as_new = [begun(scan, path)]

    def restore() -> str | None:
        caplog.clear()
        trainer = as_new.pop() if as_new else begun(scan, path)
        signal.alarm(20)  # a hang ends the tests
        trainer.state.restore(trainer.checkpoint)
        signal.alarm(0)
        warnings = [record for record in caplog.records if record.levelno >= logging.WARNING]
        weights, best = trainer.network.state_dict(), trainer.state.best
        if not warnings:
            assert trainer.progress.epoch * 11 + trainer.progress.step > 0
            assert all(value.isfinite().all() for value in [*weights.values(), *best.values()])
            return None
        (line,) = (record.getMessage() for record in warnings)
        assert line.startswith(str(path))
        assert line.endswith("; the training starts over")
        assert "\n" not in line
        assert all(
            torch.equal(value, untouched.state.best[name]) for name, value in weights.items()
        )
        assert all(torch.equal(value, untouched.state.best[name]) for name, value in best.items())
        assert trainer.progress == untouched.progress
        assert not trainer.optimizer.state
        as_new.append(trainer)
        return line

    return restore


def test_the_first_line_tells_format_and_key(good: bytes) -> None:
    header = json.loads(good.partition(b"\n")[0])
    assert header["format"] == 2
    assert len(header["key"]) == 64


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda good: resealed(good, format=1), "has the format 1, and 2 is wanted"),
        (lambda good: resealed(good, format=3), "has the format 3, and 2 is wanted"),
        (lambda _: b'{"format": 4, "parts": []}\n', "has the format 4, and 2 is wanted"),
        (lambda good: resealed(good, key="0" * 64), "belongs to another config"),
        (lambda good: resealed(good, crc32=7), "is damaged"),
        (lambda good: good.partition(b"\n")[2], "is damaged"),
        (lambda good: good[:-1], "is damaged"),
        (lambda good: good + b"\0", "is damaged"),
        (lambda _: b"", "is damaged"),
        (lambda _: b"null\n", "is damaged"),
        (lambda _: b"[" * 5000, "is damaged"),
        (lambda good: resealed(good.partition(b"\n")[0] + b"\nno archive"), "is damaged"),
    ],
)
def test_a_checkpoint_that_does_not_belong_is_refused(
    change: Callable[[bytes], bytes],
    words: str,
    good: bytes,
    path: Path,
    refused: Refused,
) -> None:
    assert refused() is None
    path.write_bytes(change(good))
    assert words in (refused() or "accepted")


LIES: dict[str, Callable[[dict[str, Any]], object]] = {
    "no progress": lambda state: state.pop("progress"),
    "progress of another form": lambda state: state.update(progress=[1, 2]),
    "an unknown entry of progress": lambda state: state["progress"].update(epoch=2),
    "a step that is none": lambda state: state["progress"].update(step="3"),
    "a negative step": lambda state: state["progress"].update(step=-1),
    "a step beyond the epoch": lambda state: state["progress"].update(step=12),
    "a time before the start": lambda state: state["progress"].update(seconds=-1.0),
    "a loss that is not finite": lambda state: state["progress"].update(loss_sum=float("nan")),
    "nothing done": lambda state: state["progress"].update(history=[], step=0),
    "more epochs than there are": lambda state: state["progress"].update(
        history=[{**state["progress"]["history"][0], "epoch": n} for n in (1, 2, 3)]
    ),
    "an epoch left out": lambda state: state["progress"]["history"][0].update(epoch=2),
    "an epoch without its loss": lambda state: state["progress"]["history"][0].pop("val_loss"),
    "no history": lambda state: state["progress"].update(history=None),
    "no weights": lambda state: state.pop("network"),
    "a weight too few": lambda state: state["network"].popitem(),
    "a weight too many": lambda state: state["best"].update(more=torch.zeros(1)),
    "a weight of another shape": lambda state: _replace(state["network"], lambda w: w[:1]),
    "a weight of another type": lambda state: _replace(state["network"], torch.Tensor.double),
    "a weight without memory": lambda state: _replace(state["best"], lambda w: w.to("meta")),
    "a sparse weight": lambda state: _replace(state["best"], torch.Tensor.to_sparse),
    "a weight that is not finite": lambda state: _replace(state["best"], lambda w: w / 0),
    "a moment too few": lambda state: state["optimizer"].popitem(),
    "a moment of another shape": lambda state: state["optimizer"][0].update(exp_avg=torch.ones(3)),
    "a moment that is not finite": lambda state: state["optimizer"][0]["exp_avg"].fill_(np.inf),
    "no random state": lambda state: state.pop("random"),
    "a random state too short": lambda state: state["random"].update(cpu=torch.zeros(3)),
    "a random state of zeros": lambda state: state["random"]["cpu"].zero_(),
}


def _replace(weights: dict[str, torch.Tensor], change: Callable[..., torch.Tensor]) -> None:
    name = next(iter(weights))
    weights[name] = change(weights[name])


@pytest.mark.parametrize("lie", LIES)
def test_a_checkpoint_that_lies_is_refused(
    lie: str, good: bytes, path: Path, refused: Refused
) -> None:
    path.write_bytes(with_state(good, LIES[lie], path))
    assert "is damaged" in (refused() or "accepted")


def test_no_code_of_a_checkpoint_is_run(good: bytes, path: Path, refused: Refused) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            return os.mkdir, (str(path.with_name("hacked")),)

    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({"progress": Evil()}, protocol=2))
        archive.writestr("archive/version", "3\n")
    path.write_bytes(resealed(good.partition(b"\n")[0] + b"\n" + path.read_bytes()))
    assert "is damaged" in (refused() or "accepted")
    assert not path.with_name("hacked").exists()


def mutated(content: bytes, seed: int) -> bytes:
    """Cut, flip, splice, zero, insert or delete somewhere."""
    chance = random.Random(seed)
    data, where = bytearray(content), chance.randrange(len(content))
    length = chance.choice([1, 4, 64, 1024, len(content)])
    match seed % 6:
        case 0:
            del data[where:]
        case 1:
            for _ in range(chance.choice([1, 3, 30])):
                data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        case 2:
            source = chance.randrange(len(data))
            data[where : where + length] = content[source : source + length]
        case 3:
            data[where : where + length] = bytes(len(data[where : where + length]))
        case 4:
            data[where:where] = chance.randbytes(length)
        case 5:
            del data[where : where + length]
    return bytes(data)


@pytest.mark.parametrize("sealed", [False, True], ids=["damaged", "with a checksum that fits"])
def test_mutations_are_refused_or_loaded(
    sealed: bool, good: bytes, path: Path, refused: Refused
) -> None:
    """Damage never passes; what is made to pass the checksum is loaded only if it makes sense."""
    lines: list[str] = []
    head, _, content = good.partition(b"\n")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for seed in range(MUTATIONS):
        if sealed:
            path.write_bytes(resealed(head + b"\n" + mutated(content, seed)))
        else:
            path.write_bytes(mutated(good, seed))
        line = refused()
        if line is not None:
            lines.append(line)
        elif not sealed:
            assert path.read_bytes() == good
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 100_000  # KiB
    name = "checkpoint with a checksum that fits" if sealed else "checkpoint"
    print(f"{name}: {MUTATIONS} mutations, {len(lines)} refused, {MUTATIONS - len(lines)} accepted")
    assert len(lines) > 0.3 * MUTATIONS


@pytest.mark.parametrize("damage", [0, 1, 2, 3])
def test_after_a_refusal_the_training_is_an_undisturbed_one(
    damage: int,
    scan: ScanData,
    whole: dict[str, Trained],
    path: Path,
    at_steps: Callable[..., list[int]],
    caplog,
) -> None:
    done = at_steps({20}, terminate)
    with pytest.raises(Stopped):
        run(scan, path)
    path.write_bytes(mutated(path.read_bytes(), damage))
    assert result(run(scan, path)) == result(whole["fno"])
    assert "the training starts over" in caplog.text
    assert done[21:] == [*range(STEPS)]
