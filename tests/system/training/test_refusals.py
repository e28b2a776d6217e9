"""What each command says to input that it can't use: one sentence, exit code 2, and a store as it was before."""

import pickle
import string
from pathlib import Path
from typing import Protocol

import pytest

from models_store.shipped_version import open_store
from tests.conftest import ROOT
from tests.system.harness import Typed, drawn, left_in

BUNDLED = (ROOT / "training" / "recipes" / "bundled.toml").read_text()


class Refused(Protocol):
    """Types a command line, in which `$here` and the like are filled in, and returns what it says."""

    def __call__(self, line: str, *, ref: str = "", versions: tuple[int, ...] = (1,)) -> str: ...


# Each command with the data set or the ref at fault left open.
LEARNS = {
    "train": "train bundled",
    "crossval": "crossval bundled",
    "search": "search bundled --trials 1 --out $here/best.toml",
    "import": "import bundled $junk",
}
READS = {
    "finetune": "finetune digits",
    "compress": "compress prune digits",
    "evaluate": "evaluate digits",
    "compare": "compare digits digits@1",
}
NAMES = {
    "finetune": "finetune $ref --data $good",
    "compress": "compress int8 $ref",
    "evaluate": "evaluate $ref",
    "compare-left": "compare $ref digits",
    "compare-right": "compare digits $ref",
    "export": "export $ref $here/x --to torchscript",
}


@pytest.fixture(scope="module")
def things(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What people might hand over by mistake, by name."""
    here = tmp_path_factory.mktemp("things")
    (here / "empty").mkdir()
    letters = drawn(here / "letters", range(3), 6)
    for digit in range(3):
        (letters / str(digit)).rename(letters / "abc"[digit])
    files = {
        "file": b"one line",
        "no.toml": b"epochs = = 3",
        "binary.toml": b"\xff\xfe\x00",
        "key.toml": BUNDLED.replace("batch_size", "batch_sise").encode(),
        "range.toml": BUNDLED.replace("epochs = 12", "epochs = 0").encode(),
        "pickle.pt": pickle.dumps({"weights": [1.0]}),
        "pickle.safetensors": pickle.dumps({"weights": [1.0]}),
        "junk.safetensors": b"this is no tensor",
    }
    for name, data in files.items():
        (here / name).write_bytes(data)
    drawn(here / "good", range(10), 5)
    drawn(here / "one", [3], 8)
    return {"here": str(here), "letters": str(letters), "junk": str(here / "junk.safetensors")} | {
        name: str(here / name) for name in ("good", "one", "empty", "file")
    }


@pytest.fixture
def refused(tmp_path: Path, things: dict[str, str], capsys: pytest.CaptureFixture[str]) -> Refused:
    """The sentence that a command line gets, after which nothing is in the store but what comes with the software."""

    def typed(line: str, *, ref: str = "", versions: tuple[int, ...] = (1,)) -> str:
        words = (string.Template(word).substitute(things, ref=ref) for word in line.split(" "))
        sentence = Typed(capsys)(*words).sentence
        assert left_in(tmp_path / "store") in ({}, {"digits": list(versions)})
        assert not list((tmp_path / "store").glob(".runs/*"))
        return sentence

    return typed


@pytest.mark.parametrize("command", [*LEARNS, *READS])
@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ("$here/missing", "There is no file or folder missing. Check the path."),
        ("$empty", "There is no picture in it. Put labelled pictures there."),
        ("$file", "This kind of file is not read. Give a folder, a zip, a CSV or a JSONL."),
    ],
)
def test_a_data_set_that_is_none(refused: Refused, command: str, data: str, sentence: str) -> None:
    assert refused(f"{(LEARNS | READS)[command]} --data {data}") == sentence


@pytest.mark.parametrize("command", LEARNS)
def test_pictures_of_one_label_teach_nothing(refused: Refused, command: str) -> None:
    assert refused(f"{LEARNS[command]} --data $one").startswith("Pictures of two labels or more are needed.")


@pytest.mark.parametrize("command", READS)
def test_labels_that_the_version_does_not_have(refused: Refused, command: str) -> None:
    sentence = refused(f"{READS[command]} --data $letters")
    if command == "compress":
        assert sentence == "digits@1 reads other labels than this data set has: give its own by --data."
    else:
        assert sentence.startswith("The version does not know 'a', 'b', 'c', as in a/000.png, a/001.png")
    assert ("--suffix" in sentence) == (command == "finetune")


@pytest.mark.parametrize("command", LEARNS)
@pytest.mark.parametrize(
    ("recipe", "sentence"),
    [
        ("nope", "There is no recipe nope: give a TOML file or one of bundled, "),
        ("$here", "There is no recipe "),
        ("$here/no.toml", "The recipe is no valid TOML: "),
        ("$here/binary.toml", "is no TOML file, as it is not in UTF-8"),
        ("$here/key.toml", "Unknown key train.batch_sise. Known here: batch_size, "),
        ("$here/range.toml", "train.epochs must be 1 to 10000."),
        ("bundled --set train.batch_sise=3", "Unknown key train.batch_sise."),
        ("bundled --set train.learning_rate=-1", "train.learning_rate must be above 0."),
        ("bundled --set train.learning_rate=fast", "train.learning_rate must be a finite number, not 'fast'."),
        ("bundled --set seed.x=3", "seed is no table of the recipe"),
        ("bundled --set net.name=nope", "There is no net named 'nope'. Known: cnn, "),
        ("bundled --set net.options.depth=3", "The net fast has no option depth. It has: "),
    ],
)
def test_a_recipe_that_is_none(refused: Refused, command: str, recipe: str, sentence: str) -> None:
    assert sentence in refused(LEARNS[command].replace("bundled", recipe, 1))


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("finetune digits --data $good --set train.epochs=0", "train.epochs must be 1 to 10000."),
        ("finetune digits --data $good --set finetune.nope=1", "Unknown key finetune.nope."),
        ("finetune digits --data $good --set finetune=null", "Fine-tuning needs the recipe's table finetune"),
        ("finetune digits --data $good --set net.options.width=0.5", "its dropout is finetune.dropout."),
        ("finetune digits --data $good --suffix Mine", "A model name has 1 to 63 of a-z, 0-9 and -"),
        ("compress prune digits --data bundled --set train.nope=1", "Unknown key train.nope."),
        ("compress prune digits --data bundled --amount 1", "--amount must be at least 0 and below 1."),
        ("compress distil digits --data bundled --student nope", "There is no recipe nope"),
        ("crossval bundled --folds 1", "1437 rows make no 1 folds"),
        ("search bundled --trials 1 --storage nonsense", "give an SQLAlchemy URL such as sqlite:///search.db"),
        ("train bundled --publish-to ../x", "A model name has 1 to 63 of a-z, 0-9 and -"),
        ("train bundled --held-out 1000", "calibration.held_out takes more than half of the 1437 training pictures."),
        ("train resnet18", "The recipe learns from your own files: pass --data"),
        ("train resnet18 --data mnist", "mnist has grey pictures of 28x28 pixels"),
        ("evaluate digits --data bundled --candidate nope", "This version has no candidate nope: "),
        ("import bundled $here/missing", "There is no file $here/missing: give a safetensors file."),
        ("import bundled $here", "There is no file $here: give a safetensors file."),
        ("import bundled $junk", "The weights are no whole safetensors file: save them anew."),
        ("import bundled $here/pickle.pt", "pickle.pt is a pickle, which runs code when it is opened"),
        ("import bundled $here/pickle.safetensors", "pickle.safetensors is a pickle, which runs code"),
        (
            "import bundled $junk --labels a,b",
            "These are not the net's labels: 0, 1, 2, 3, 4 of the data set is missing.",
        ),
    ],
)
def test_what_only_one_command_takes(refused: Refused, things: dict[str, str], line: str, sentence: str) -> None:
    assert string.Template(sentence).substitute(things) in refused(line)


@pytest.mark.parametrize("command", NAMES)
@pytest.mark.parametrize(
    ("ref", "sentence"),
    [
        ("nope", "There is no model nope."),
        ("digits@9", "The model digits has no version 9. It has 1."),
        ("digits@best", "The model digits has no alias best."),
        ("../digits", "A model name has 1 to 63 of a-z, 0-9 and -"),
        ("digits@1@1", "After the @ of a model stands a version number such as 7 or an alias"),
    ],
)
def test_a_ref_that_names_no_version(refused: Refused, command: str, ref: str, sentence: str) -> None:
    assert refused(NAMES[command], ref=ref).startswith(sentence)


def flip_a_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


DAMAGED = "is not the file that was published. This version is refused; restore it from a backup or delete it."


@pytest.mark.parametrize("command", NAMES)
def test_one_flipped_bit(refused: Refused, tmp_path: Path, command: str) -> None:
    open_store(tmp_path / "store")
    flip_a_bit(tmp_path / "store" / "digits" / "1" / "weights.safetensors")
    ref = "digits" if command == "compare-right" else "digits@1"  # the first of the two is read first
    assert refused(NAMES[command], ref="digits@1") == f"{ref}: weights.safetensors {DAMAGED}"


def test_one_flipped_bit_of_the_manifest(refused: Refused, tmp_path: Path) -> None:
    open_store(tmp_path / "store")
    flip_a_bit(tmp_path / "store" / "digits" / "1" / "manifest.json")
    said = refused("evaluate digits@1", versions=(1, 2))  # what comes with the software is put beside it, whole
    assert said == f"digits@1: manifest.json {DAMAGED}"


@pytest.mark.parametrize(
    "line",
    [
        "train bundled", "import bundled $junk", "finetune digits --data $good", "compress prune digits",
        "evaluate digits", "compare digits digits", "export digits $here/x --to onnx",
    ],
)  # fmt: skip
@pytest.mark.parametrize("store", ["$file", "$file/store"])
def test_a_store_that_cannot_be_made(refused: Refused, things: dict[str, str], line: str, store: str) -> None:
    sentence = refused(f"{line} --store {store}")
    assert store.replace("$file", things["file"]) in sentence
    assert "A file is where a folder must be: move it away or name another folder." in sentence


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("export digits $here/no/x --to onnx", "There is no folder $here/no: make it first."),
        ("export digits $here --to onnx", "$here is a folder: name a file in it."),
        ("export digits $file --to onnx", "$file exists already: name another file, or ask for it to be overwritten."),
        ("search bundled --out $here/no/x", "The best recipe can't be written to $here/no/x: pass --out"),
        ("search bundled --out $here", "The best recipe can't be written to $here: pass --out"),
        ("evaluate digits --data bundled --mistakes $here/no/x", "$here/no/x can't be written: name a file"),
        ("evaluate digits --data bundled --mistakes $here", "$here can't be written: name a file"),
        ("train bundled --profile $here", "$here is a folder: pass --profile with a file in it."),
        ("train bundled --profile $file/x", "File exists: $file. A file is where a folder must be"),
        ("train bundled --tensorboard $file", "File exists: $file. A file is where a folder must be"),
        ("examples $file", "File exists: $file. A file is where a folder must be"),
        ("examples $file/x", "Not a directory: $file/x. A file is where a folder must be"),
    ],
)
def test_a_file_that_cannot_be_written(refused: Refused, things: dict[str, str], line: str, sentence: str) -> None:
    assert refused(line).startswith(string.Template(sentence).substitute(things))


@pytest.mark.parametrize(
    "line",
    ["train fast", "crossval fast", "search fast", "import fast $junk", "evaluate digits", "compare digits digits"],
)
def test_mnist_that_is_not_here(refused: Refused, line: str) -> None:
    assert "put the four files train-images-idx3-ubyte," in refused(line)
