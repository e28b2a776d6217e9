"""The shipped version taught new pictures, with scikit-learn's digits and drawn ones in MNIST's place."""

import dataclasses
import json
import shutil
from pathlib import Path

import pytest
import safetensors.torch
import torch

from models_store.defaults import recipe_for
from models_store.errors import DataSetRejected, RecipeRejected, VersionRejected
from models_store.model import Model, load_fastest
from models_store.recipe import Recipe
from models_store.refs import Ref
from models_store.registry import Registry, Version
from models_store.shipped_version import open_store
from tests.support.lessons import Heard, digit_files, session, sign_files
from training.finetune import replay
from training.finetune.finetune import finetune
from training.judge.learned import of_version

DIGITS = "0123456789"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    return open_store(tmp_path_factory.mktemp("tuned") / "store")


@pytest.fixture
def base(store: Registry) -> Version:
    return store.resolve(Ref("digits", None, 1))


def short(base: Version, path: Path, suffix: str | None = None, epochs: int = 1) -> Recipe:
    recipe = recipe_for(base, str(path), suffix)
    return dataclasses.replace(recipe, train=dataclasses.replace(recipe.train, epochs=epochs))


def run(base: Version, recipe: Recipe, store: Registry, heard: Heard | None = None) -> Version:
    return finetune(base, recipe, session(store, report=heard))


def test_sixty_new_pictures_make_a_version_that_may_serve(store: Registry, base: Version, tmp_path: Path) -> None:
    heard = Heard()
    champion = base.manifest.digest
    made = run(base, short(base, digit_files(tmp_path / "corrections", per_digit=6)), store, heard)
    found = store.verify(Ref("digits", None, made.number)).manifest
    assert (found.parent, found.labels) == ("digits@1", tuple(DIGITS))
    assert (found.data.source, found.data.train_rows, found.data.test_rows) == ("files: corrections", 50, 1000)
    assert found.recipe.data.path == "corrections"  # where it lay is nobody's business
    learned = of_version(made)
    assert learned.whole and len(learned.rows) == 50 + 1437  # the ten that judged are not among them
    assert learned.sets == {("mnist", base.manifest.data.sha256)}  # what its base learned from

    # The gate: ten held-out pictures, and the drawn digits in MNIST's place, both measured anew here.
    known = replay.known(base, Path("/no/mnist/here"))
    assert known is not None
    numbers, test = found.metrics, known.test
    pixels, truth = test.pictures.numpy(), test.labels.numpy()
    plain = [Model.load(it.folder, it.manifest).predict(pixels).argmax(1) for it in (base, made)]
    right = [(answers == truth).mean() for answers in plain]
    assert numbers["accuracy_of_base"] == pytest.approx(right[0])
    assert numbers["accuracy"] == pytest.approx(right[1])
    assert numbers["new_rows"] == 10
    alike = numbers["read_as_base"]
    assert alike == pytest.approx((plain[0] == plain[1]).mean())
    assert found.accepted is (alike >= 0.962 and numbers["new_accuracy"] >= numbers["new_accuracy_of_base"])
    served = [Model.load(made.folder, made.manifest, name).predict(pixels).argmax(1) for name in found.candidates]
    least = min((answers == truth).mean() for answers in served)  # the gate asks whichever reads worst
    assert f"drawn digits in place of its own test (1,000 rows): {right[0]:.2%} -> {least:.2%}" in found.gate
    assert found.gate in heard.notes
    assert heard.facts["accepted"] is found.accepted

    # The temperature is the base's; the base and the champion are as they were.
    assert found.calibration.temperature == base.manifest.calibration.temperature
    assert found.calibration.threshold == base.manifest.calibration.threshold
    assert found.calibration.fitted_on.startswith("as digits@1: 5000 held-out")
    assert store.verify(Ref("digits", None, 1)).manifest.digest == champion
    assert store.aliases("digits")["champion"] == 1
    assert load_fastest(made.folder, found).labels == tuple(DIGITS)

    # What a job needs, and no pictures, whose libraries take seconds to load.
    report = made.folder / "report"
    assert [path.name for path in report.iterdir()] == ["metrics.json"]
    told = json.loads((report / "metrics.json").read_text())
    assert [epoch["number"] for epoch in told["runs"]["training"]] == [1]
    assert not list(store.root.glob(".runs/*"))


def test_under_fifty_pictures_five_folds_judge(store: Registry, base: Version, tmp_path: Path) -> None:
    heard = Heard()
    made = run(base, short(base, digit_files(tmp_path / "few", per_digit=3)), store, heard)
    assert {name for name, _ in heard.epochs} == {"training", *(f"fold {n}" for n in range(1, 6))}
    assert (made.manifest.metrics["new_rows"], made.manifest.data.train_rows) == (30, 30)
    assert ": 30 new pictures in 5 folds: " in made.manifest.gate
    for number in ("new_accuracy", "new_accuracy_of_base"):
        assert round(30 * made.manifest.metrics[number], 9) in range(31)


def test_wrong_labels_are_rejected_and_never_serve(store: Registry, base: Version, tmp_path: Path) -> None:
    right = digit_files(tmp_path / "right", per_digit=6)
    wrong = tmp_path / "wrong"
    wrong.mkdir()
    for digit in range(10):
        (right / str(digit)).rename(wrong / str((digit + 1) % 10))
    recipe = short(base, wrong, epochs=3)
    learning = dataclasses.replace(recipe.train, learning_rate=0.005, lower_rate=1.0)
    made = run(base, dataclasses.replace(recipe, train=learning), store)
    assert not made.manifest.accepted
    assert "forgets more than 3.8 points" in made.manifest.gate
    assert made.manifest.metrics["accuracy"] < 0.9
    assert store.aliases("digits")["champion"] == 1
    with pytest.raises(VersionRejected):
        store.promote("digits", made.number, expected=1)


def test_other_labels_make_a_model_of_their_own(store: Registry, base: Version, tmp_path: Path) -> None:
    signs = sign_files(tmp_path / "signs", per_sign=8)
    recipe = short(base, signs, "signs", epochs=6)
    faster = dataclasses.replace(recipe.train, learning_rate=0.02)
    made = run(base, dataclasses.replace(recipe, train=faster), store)
    found = made.manifest
    assert (made.ref, found.labels, found.parent) == ("digits-signs@1", ("bar", "cross", "frame"), "digits@1")
    assert found.gate.startswith("accepted: a new label set, ")
    assert "of 24 new pictures in 5 folds read right, at least 80.00% needed" in found.gate
    assert store.aliases("digits-signs") == {"champion": 1}
    assert (found.calibration.temperature, found.calibration.fitted_on) == (1.0, "nothing: the defaults")
    assert found.metrics["accuracy"] == found.metrics["new_accuracy"]
    assert "new_accuracy_of_base" not in found.metrics
    assert Model.load(made.folder, found).labels == ("bar", "cross", "frame")

    with pytest.raises(DataSetRejected, match="pass --suffix") as refusal:
        run(base, short(base, signs), store)
    assert refusal.value.code == "label_unknown"
    assert "'bar', 'cross', 'frame'" in str(refusal.value)


def test_labels_without_a_rule_are_rejected_by_what_the_folds_say(
    store: Registry, base: Version, tmp_path: Path
) -> None:
    """Every label has as many bars, crosses and frames: the version knows its 24 rows by heart, and no others."""
    mixed = tmp_path / "mixed"
    for number, path in enumerate(sorted(sign_files(tmp_path / "signs", per_sign=8).rglob("*.png"))):
        label = mixed / "xyz"[number % 3]
        label.mkdir(parents=True, exist_ok=True)
        path.rename(label / f"{number}.png")
    recipe = short(base, mixed, "mixed", epochs=12)
    made = run(base, dataclasses.replace(recipe, train=dataclasses.replace(recipe.train, learning_rate=0.01)), store)
    assert not made.manifest.accepted
    assert made.manifest.gate.startswith("rejected: a new label set, ")
    assert made.manifest.metrics["accuracy"] == made.manifest.metrics["new_accuracy"] < 0.8
    assert store.aliases("digits-mixed") == {}


def test_four_pictures_are_too_few_and_what_is_left_out_is_told(store: Registry, base: Version, tmp_path: Path) -> None:
    few = digit_files(tmp_path / "few", per_digit=1)
    for digit in DIGITS[4:]:
        (few / digit / "0.png").write_bytes(b"no picture")
    heard, before = Heard(), store.versions("digits")
    with pytest.raises(DataSetRejected, match="4 usable pictures are too few to learn from: give 5 or more") as refusal:
        run(base, short(base, few), store, heard)
    assert refusal.value.code == "too_few_examples"
    assert len(heard.notes) == 1 and "4/0.png" in heard.notes[0]
    assert store.versions("digits") == before
    assert not list(store.root.rglob(".staging-*"))


@pytest.mark.parametrize("changes", [{"mean": (0.5,)}, {"std": (0.1,)}, {"height": 32}])
def test_pictures_made_otherwise_than_the_bases_are_refused(
    store: Registry, base: Version, tmp_path: Path, changes: dict[str, object]
) -> None:
    recipe = short(base, digit_files(tmp_path / "new", per_digit=1))
    other = dataclasses.replace(recipe.input, **changes)  # type: ignore[arg-type]
    with pytest.raises(RecipeRejected, match="the same pictures as its base"):
        run(base, dataclasses.replace(recipe, input=other), store)


def test_a_net_of_another_shape_is_refused(store: Registry, base: Version, tmp_path: Path) -> None:
    recipe = short(base, digit_files(tmp_path / "new", per_digit=1))
    for net in (dataclasses.replace(recipe.net, options={"width": 0.5}), dataclasses.replace(recipe.net, name="cnn")):
        with pytest.raises(RecipeRejected, match="its base's shape"):
            run(base, dataclasses.replace(recipe, net=dataclasses.replace(net)), store)


def test_what_starts_from_a_net_that_guesses_serves_under_no_new_name(
    store: Registry, base: Version, tmp_path: Path
) -> None:
    """Releases before this one made champions of such nets: no worse than that is no praise."""
    with store.stage("digits") as folder:
        shutil.copytree(base.folder, folder, dirs_exist_ok=True)
        weights = safetensors.torch.load_file(folder / "weights.safetensors")
        noise = {name: torch.zeros_like(tensor) for name, tensor in weights.items()}
        safetensors.torch.save_file(noise, folder / "weights.safetensors")
        guessing = store.publish("digits", folder, base.manifest)
    recipe = short(guessing, digit_files(tmp_path / "corrections", per_digit=6), "first")
    lax = dataclasses.replace(recipe.finetune, min_alike=0.0, max_loss=1.0) if recipe.finetune else None
    slow = dataclasses.replace(recipe.train, learning_rate=1e-9)
    made = run(guessing, dataclasses.replace(recipe, train=slow, finetune=lax), store)
    assert not made.manifest.accepted and store.aliases("digits-first") == {}
    assert made.manifest.gate.endswith("a model's first version must beat guessing, and this does not surely")
