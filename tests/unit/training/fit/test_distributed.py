"""Two real processes that train as one, through gloo."""

import dataclasses
import os
import socket
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.multiprocessing.spawn import spawn

from models_store.errors import RecipeRejected
from models_store.recipe import Recipe
from models_store.registry import Registry
from models_store.specs import DataSpec, TrainSpec
from tests.support.lessons import PICTURE, Heard, mnist_files, recipe_of, stripes
from tests.support.patience import wait_until, worked
from training.fit.distributed import ALONE, World
from training.fit.epoch import Epoch
from training.fit.learner import Fitted
from training.fit.loop import fit
from training.fit.material import Material
from training.fit.runtime import Runtime
from training.learn import Session
from training.nets.catalog import build
from training.train import train

CPU = torch.device("cpu")
SPEC = TrainSpec(epochs=3, batch_size=20, learning_rate=0.05, precision="float32")
WATCHING = {"validation": 0.2, "patience": 2, "schedule": "plateau"}
RECIPES = {
    "plain": recipe_of(SPEC, "mlp"),
    "average": recipe_of(dataclasses.replace(SPEC, ema=0.9), "mlp"),
    "gradual": recipe_of(dataclasses.replace(SPEC, unfreeze="gradual"), "mlp"),
    "head": recipe_of(dataclasses.replace(SPEC, unfreeze="head"), "mlp"),
    "watched": recipe_of(dataclasses.replace(SPEC, epochs=6, **WATCHING), "mlp"),  # type: ignore[arg-type]
}
CROWDED = dataclasses.replace(recipe_of(dataclasses.replace(SPEC, batch_size=3), "mlp"), data=DataSpec(source="mnist"))
SENT = (None, b"", b"abc", bytes(range(256)) * 40)
Answers = dict[str, Any]


class Killed(Exception):
    """Stands for whatever ends all processes between two epochs."""


def fitted(
    recipe: Recipe, world: World, checkpoint: Path | None = None, killed: bool = False, rows: int = 60
) -> Fitted:
    def on_epoch(epoch: Epoch) -> None:
        if killed:
            raise Killed

    torch.manual_seed(0)
    net = build(recipe.net, PICTURE, 3)
    watched = stripes(30, seed=9) if recipe.train.validation else None
    run = Runtime(world=world, checkpoint=checkpoint if world.leads else None, on_epoch=on_epoch)
    return fit(net, Material(stripes(rows), validation=watched), recipe, run)


def facts(done: Fitted) -> Answers:
    epochs = [dataclasses.asdict(dataclasses.replace(epoch, seconds=0)) for epoch in done.epochs]
    told = [{name: number for name, number in epoch.items() if number is not None} for epoch in epochs]
    return {"weights": done.net.state_dict(), "epochs": told}


def one_process(rank: int, folder: Path, ports: tuple[int, int]) -> None:
    """What each of the two does; its answers go into a file of its own."""
    torch.set_num_threads(1)
    world = World(rank, 2, rank, 2)
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(ports[0])}
    answers: Answers = {}
    with world.joined(CPU):
        told = [world.told_bytes(sent if world.leads else b"other", CPU) for sent in SENT]
        answers["told"] = [None if heard is None else list(heard) for heard in told]
        answers["summed"] = world.summed(torch.tensor([rank + 1.0, 10.0])).tolist()
        answers["first"] = world.told(torch.tensor([rank + 5])).tolist()
        answers |= {name: facts(fitted(recipe, world)) for name, recipe in RECIPES.items()}
        try:
            fitted(RECIPES["average"], world, folder / "run.pt", killed=True)
        except Killed:
            answers["resumed"] = facts(fitted(RECIPES["average"], world, folder / "run.pt"))
        answers["norms"] = facts(fitted(recipe_of(SPEC), world, rows=42))  # the last batch has two rows: one for each
    os.environ["MASTER_PORT"] = str(ports[1])
    try:
        train(CROWDED, Session(folder, Registry(folder / "store"), Runtime(world=world), Heard()))
    except RecipeRejected as refusal:
        answers["refused"] = str(refusal)
    torch.save(answers, folder / f"{rank}.pt")


def free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return int(server.getsockname()[1])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return mnist_files(tmp_path_factory.mktemp("together"), stripes(60), stripes(30, seed=5))


@pytest.fixture(scope="module")
def both(folder: Path) -> list[Answers]:
    """What the two processes answered, the leading one first."""
    running = spawn(one_process, (folder, (free_port(), free_port())), nprocs=2, join=False)
    try:
        wait_until(lambda: running.join(timeout=1), progress=lambda: [worked(pid) for pid in running.pids()])
    finally:
        for process in running.processes:  # that wait for each other
            process.kill()
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in (0, 1)]


def test_all_hear_what_the_leading_one_holds(both: list[Answers]) -> None:
    for answers in both:
        assert answers["told"] == [None, [], [97, 98, 99], list(range(256)) * 40]
        assert answers["summed"] == [3.0, 20.0]
        assert answers["first"] == [5]


@pytest.mark.parametrize("name", RECIPES)
def test_two_processes_learn_what_one_learns(both: list[Answers], name: str) -> None:
    """A mean of the gradients of two halves is the gradient of the whole: nets without norms can't tell them apart."""
    first, second = (answers[name] for answers in both)
    for key, tensor in first["weights"].items():
        assert torch.equal(tensor, second["weights"][key]), key
    assert first["epochs"] == second["epochs"]

    alone = facts(fitted(RECIPES[name], ALONE))
    for key, tensor in first["weights"].items():
        assert torch.allclose(tensor, alone["weights"][key], atol=1e-4), key
    for together, single in zip(first["epochs"], alone["epochs"], strict=True):
        assert together == pytest.approx(single, rel=1e-3, abs=1e-4)


def test_gradual_unfreezing_reaches_every_block(both: list[Answers]) -> None:
    torch.manual_seed(0)
    start = build(RECIPES["head"].net, PICTURE, 3).state_dict()
    for name, blocks in (("head", {"head"}), ("gradual", {"head", "features.4", "features.1"})):
        weights = both[1][name]["weights"]
        moved = {key.rpartition(".")[0] for key, tensor in start.items() if not torch.equal(tensor, weights[key])}
        assert moved == blocks


def test_a_checkpoint_of_the_leading_one_is_enough_for_all(both: list[Answers]) -> None:
    for answers in both:
        assert [epoch["number"] for epoch in answers["resumed"]["epochs"]] == [1, 2, 3]
        for key, tensor in answers["average"]["weights"].items():
            assert torch.equal(tensor, answers["resumed"]["weights"][key]), key


def test_nets_with_norms_end_with_the_same_weights_and_no_row_is_alone(both: list[Answers]) -> None:
    torch.manual_seed(0)
    learned = dict(build(recipe_of(SPEC).net, PICTURE, 3).named_parameters())
    first, second = (answers["norms"]["weights"] for answers in both)
    assert all(torch.equal(first[key], second[key]) for key in learned)
    assert all(bool(torch.isfinite(tensor).all()) for tensor in first.values())
    assert all(answers["norms"]["epochs"] == both[0]["norms"]["epochs"] for answers in both)


def test_batches_too_small_to_share_are_refused(both: list[Answers], folder: Path) -> None:
    sentence = "train.batch_size must be 4 or more: two rows for each process."
    assert [answers["refused"] for answers in both] == [sentence, sentence]
    assert Registry(folder / "store").models() == []


@settings(deadline=None)
@given(rows=st.integers(1, 200), size=st.integers(1, 9), seed=st.integers(0, 9))
def test_the_parts_of_a_batch_are_disjoint_equally_long_and_almost_all(rows: int, size: int, seed: int) -> None:
    index = torch.randperm(rows, generator=torch.Generator().manual_seed(seed))
    parts = [World(rank, size, rank, size).share(index) for rank in range(size)]
    if rows < size:
        assert all(torch.equal(part, index) for part in parts)  # too few for each to have one: all do the same
        return
    dealt = torch.cat(parts)
    assert {len(part) for part in parts} == {rows // size}
    assert len(dealt.unique()) == len(dealt) == rows - rows % size
    assert set(dealt.tolist()) <= set(index.tolist())


def test_alone_nothing_is_sent() -> None:
    net, numbers = build(RECIPES["plain"].net, PICTURE, 3), torch.tensor([1.0, 2.0])
    assert ALONE.leads and ALONE.averaged(net) is net
    assert ALONE.told_bytes(b"abc", CPU) == b"abc" and ALONE.told_bytes(None, CPU) is None
    with ALONE.joined(CPU):
        assert ALONE.summed(numbers) is numbers and ALONE.told(numbers) is numbers
    assert torch.equal(ALONE.share(torch.arange(5)), torch.arange(5))
