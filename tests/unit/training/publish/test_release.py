"""From a judged draft to a published version: its numbers, its report, its name, and what is said of it."""

import dataclasses
import json
import shutil
from pathlib import Path

import pytest
import torch

from models_store.recipe import Recipe
from models_store.refs import Ref
from models_store.registry import Registry
from models_store.specs import DataSpec, NetSpec
from tests.support.lessons import PICTURE, SPEC, Heard, stripes
from training.data.rows import DataSet
from training.fit.epoch import Epoch
from training.judge.gate import Decision
from training.nets.catalog import build
from training.publish.assemble import Draft, Outcome, assemble
from training.publish.release import announce, complete, release

EPOCH = Epoch(1, 1, loss=0.5, accuracy=0.875, learning_rate=0.1, seconds=1.0)
REFUSED = Decision(False, "rejected: it reads 50.00% of the new pictures, and its base 90.00%")


@pytest.fixture(scope="module")
def assembled(tmp_path_factory: pytest.TempPathFactory) -> Draft:
    torch.manual_seed(0)
    net = NetSpec(name="mlp", options={"hidden": 8, "second": 8})
    recipe = Recipe(publish_to="signs", net=net, data=DataSpec(source="mnist"), train=SPEC)
    rows = DataSet(stripes(30), stripes(12, seed=5), ("high", "middle", "low"), "stripes")
    outcome = Outcome(
        build(net, PICTURE, 3).eval(), recipe, rows, torch.float32,
        runs={"training": [EPOCH]}, numbers={"held_out": 0.75}, pictures=False,
    )  # fmt: skip
    return assemble(outcome, tmp_path_factory.mktemp("draft"), Heard())


@pytest.fixture
def draft(assembled: Draft, tmp_path: Path) -> Draft:
    """The same in a folder of its own."""
    return dataclasses.replace(assembled, folder=Path(shutil.copytree(assembled.folder, tmp_path / "draft")))


def told(draft: Draft) -> dict[str, object]:
    document: dict[str, object] = json.loads((draft.folder / "report" / "metrics.json").read_text())
    return document


def test_a_complete_draft_has_its_numbers_in_manifest_and_report(draft: Draft) -> None:
    accuracy = draft.read.accuracy
    made = complete(draft, Heard(), facts={"alike": 0.97})
    assert made.manifest.metrics == {"accuracy": accuracy, "held_out": 0.75}
    assert (made.manifest.accepted, made.manifest.gate) == (True, "trained from scratch: nothing to compare with")
    assert told(made) == {
        "rows": 12, "accuracy": accuracy, "held_out": 0.75, "alike": 0.97,
        "runs": {"training": [dataclasses.asdict(EPOCH)]},
    }  # fmt: skip
    assert draft.manifest.metrics == {}  # the draft itself never changes


def test_what_the_gate_decided_is_said_and_kept(draft: Draft) -> None:
    heard = Heard()
    made = complete(draft, heard, REFUSED)
    assert heard.notes == [REFUSED.why]
    assert (made.manifest.accepted, made.manifest.gate) == (False, REFUSED.why)


def test_with_pictures_every_metric_is_drawn(draft: Draft) -> None:
    drawn = dataclasses.replace(draft, outcome=dataclasses.replace(draft.outcome, pictures=True))
    made = complete(drawn, Heard())
    assert set(made.manifest.metrics) == {"accuracy", "nll", "ece", "held_out"}
    assert made.manifest.metrics["accuracy"] == draft.read.accuracy
    names = {path.name for path in (made.folder / "report").iterdir()}
    assert names == {"confusion.png", "reliability.png", "curves.png", "metrics.json"}
    confusion = told(made)["confusion"]
    assert isinstance(confusion, list)
    assert [sum(row) for row in confusion] == [4, 4, 4]  # 12 stripes at three heights


def test_the_first_release_is_the_champion_and_the_next_one_waits(draft: Draft, tmp_path: Path) -> None:
    store, heard = Registry(tmp_path / "own"), Heard()
    for number in (1, 2):
        with store.stage("signs") as folder:
            shutil.copytree(draft.folder, folder, dirs_exist_ok=True)
            version = release(complete(dataclasses.replace(draft, folder=folder), heard), store, heard)
        assert (version.ref, heard.facts["version"]) == (f"signs@{number}", f"signs@{number}")
        assert heard.facts["champion"] == (number == 1)
        assert store.verify(Ref("signs", None, number)).manifest == version.manifest
    assert store.aliases("signs") == {"champion": 1}


def test_a_refused_version_is_kept_and_serves_by_no_alias(draft: Draft, tmp_path: Path) -> None:
    store, heard = Registry(tmp_path / "own"), Heard()
    with store.stage("signs") as folder:
        shutil.copytree(draft.folder, folder, dirs_exist_ok=True)
        version = release(complete(dataclasses.replace(draft, folder=folder), heard, REFUSED), store, heard)
    assert store.versions("signs") == [1] and store.aliases("signs") == {}
    assert not heard.facts["accepted"] and not heard.facts["champion"]
    assert heard.facts["gate"] == version.manifest.gate == REFUSED.why


def test_programs_are_told_all_numbers(registry: Registry) -> None:
    heard = Heard()
    version = registry.resolve(Ref("digits"))
    announce(version, registry, heard)
    assert heard.facts["numbers"] == dict(version.manifest.metrics)
    assert heard.facts["folder"] == str(registry.root / "digits" / "1")
    assert heard.facts["parameters"] == 164_914
    assert set(heard.facts["candidates"].split(", ")) == set(version.manifest.candidates)
    assert json.loads(json.dumps(heard.facts)) == heard.facts
