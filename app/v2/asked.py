"""What is asked of a version, whichever way it came: inputs, and which outputs shall come back, how."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.errors import BadRequest
from app.v2.tensors import Tensor
from models_store.text import listed, quoted

PROBABILITIES, LABEL, CONFIDENCE, UNCERTAIN = OUTPUTS = "probabilities", "label", "confidence", "uncertain"


@dataclass(frozen=True)
class WantedOutput:
    """One output that shall come back: packed or as text, and of `probabilities` perhaps only the best labels."""

    name: str
    is_packed: bool = False
    classes: int = 0  # how many of the best labels, as VALUE:INDEX:LABEL; 0: all probabilities, as numbers

    def __post_init__(self) -> None:
        """Raises BadRequest for an output that there is not, or that has no labels."""
        if self.name not in OUTPUTS:
            raise BadRequest(
                "output_unknown", f"There is no output {quoted(self.name)}. Ask for {listed(OUTPUTS)}.", "outputs"
            )
        if self.classes and self.name != PROBABILITIES:
            raise BadRequest(
                "output_unknown",
                f"{quoted(self.name)} is no probability. Ask for the classification of `{PROBABILITIES}`.", "outputs",
            )  # fmt: skip


@dataclass(frozen=True)
class InferRequest:
    """One request: its inputs, of which there is one, and the outputs that it wants, in their order."""

    inputs: Sequence[Tensor]
    outputs: Sequence[WantedOutput] = tuple(WantedOutput(name) for name in OUTPUTS)
    id: str | None = None

    def __post_init__(self) -> None:
        """Raises BadRequest for no input or several, and for an output that comes twice."""
        if len(self.inputs) != 1:
            came = listed(tensor.name for tensor in self.inputs)
            many = f"{len(self.inputs)} inputs came: {came}." if self.inputs else "No input came."
            raise BadRequest(
                "input_unknown", f"{many} Send one: `image` with pixels, or `picture` with files.", "inputs"
            )
        names = [output.name for output in self.outputs]
        twice = [name for name in names if names.count(name) > 1]
        if twice:
            raise BadRequest("output_unknown", f"{listed(twice)} is asked for twice. Ask once.", "outputs")

    @property
    def input(self) -> Tensor:
        """The one."""
        return self.inputs[0]
