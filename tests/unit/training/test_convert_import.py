from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from models_store.errors import VersionRejected
from models_store.model import Model
from models_store.recipe import Recipe
from models_store.refs import Ref
from models_store.registry import Registry
from models_store.specs import DataSpec, NetSpec, TrainSpec
from tests.support.lessons import session
from training.convert import _with_labels, import_weights
from training.data.rows import DataSet, Rows
from training.errors import WeightsRejected
from training.fit.distributed import World
from training.fit.runtime import Runtime
from training.learn import Session
from training.report.progress import Silent
from training.synthetic import strokes

DIGITS = tuple("0123456789")


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    """The shipped version's net, to be judged by four drawn pictures of each digit."""
    folder = tmp_path_factory.mktemp("drawn")
    rng = np.random.default_rng(5)
    for label in DIGITS:
        (folder / label).mkdir()
        for number in range(10):
            Image.fromarray(strokes.unit(int(label), rng)).save(folder / label / f"{number}.png")
    return Recipe(
        publish_to="mine",
        net=NetSpec(name="fast"),
        data=DataSpec(source="files", path=str(folder), test_share=0.4),
        train=TrainSpec(epochs=1, batch_size=2, learning_rate=0.1),
    )


@pytest.fixture
def weights(registry: Registry) -> Path:
    """The shipped version's, as somebody may have them who trained elsewhere."""
    return registry.resolve(Ref("digits")).folder / "weights.safetensors"


def test_weights_from_elsewhere_become_a_version(
    registry: Registry, weights: Path, recipe: Recipe, tmp_path: Path
) -> None:
    made = import_weights(weights, recipe, None, session(registry, tmp_path))
    assert made is not None and made.ref == "mine@1"
    assert made.manifest.accepted and "weights from elsewhere" in made.manifest.gate
    assert made.manifest.metrics["accuracy"] > 0.8
    assert (made.manifest.data.test_rows, made.manifest.data.source[:20]) == (40, "elsewhere; judged by")
    assert registry.aliases("mine") == {"champion": 1}
    theirs, ours = registry.resolve(Ref("digits")), registry.verify(Ref("mine"))
    pictures = strokes.units(per_digit=2, seed=3)
    answers = [Model.load(it.folder, it.manifest).predict(pictures).argmax(1).tolist() for it in (theirs, ours)]
    assert answers[0] == answers[1]


def test_validation_pictures_are_renumbered_as_the_others(tmp_path: Path) -> None:
    rows = Rows(torch.arange(6, dtype=torch.uint8).view(6, 1, 1, 1), torch.tensor([0, 1, 2, 0, 1, 2]))
    data = DataSet(rows[:3], rows[3:4], ("a", "b", "c"), "files: mine", validation=rows[3:])
    found = _with_labels(data, ("c", "a", "b"))
    assert found.labels == ("c", "a", "b") and found.validation is not None
    for part in (found.train, found.test, found.validation):
        assert [found.labels[number] for number in part.labels] == ["abc"[n % 3] for n in part.pictures.flatten()]


def test_weights_whose_labels_are_in_another_order_are_rejected(
    registry: Registry, weights: Path, recipe: Recipe, tmp_path: Path
) -> None:
    backwards = import_weights(weights, recipe, DIGITS[::-1], session(registry, tmp_path))
    assert backwards is not None and backwards.manifest.labels == DIGITS[::-1]
    assert backwards.manifest.metrics["accuracy"] < 0.1
    assert not backwards.manifest.accepted and registry.aliases("mine") == {}
    with pytest.raises(VersionRejected):
        registry.promote("mine", 1, expected=None)


@pytest.mark.parametrize(
    ("labels", "sentence"), [(("a", "b"), "0, 1, 2, 3, 4 of the data set is missing"), ((*DIGITS, "9"), "comes twice")]
)
def test_other_labels_than_the_nets_are_refused(
    registry: Registry, weights: Path, recipe: Recipe, tmp_path: Path, labels: tuple[str, ...], sentence: str
) -> None:
    with pytest.raises(WeightsRejected, match=sentence):
        import_weights(weights, recipe, labels, session(registry, tmp_path))
    assert registry.models() == ["digits"]


def test_one_label_more_than_the_net_has_is_refused(
    registry: Registry, weights: Path, recipe: Recipe, tmp_path: Path
) -> None:
    with pytest.raises(WeightsRejected, match=r"head\.weight has the shape 10x128, not 11x128"):
        import_weights(weights, recipe, (*DIGITS, "x"), session(registry, tmp_path))
    assert registry.models() == ["digits"]


def test_of_several_processes_one_publishes(registry: Registry, weights: Path, recipe: Recipe, tmp_path: Path) -> None:
    second = Runtime(world=World(rank=1, size=2, local_rank=1, local_size=2))
    assert import_weights(weights, recipe, None, Session(tmp_path, registry, second, Silent())) is None
    assert registry.models() == ["digits"]
