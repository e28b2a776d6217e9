"""How the preparation `writing` looks for a digit, in numbers."""

from dataclasses import dataclass

from models_store.records import require


@dataclass(frozen=True, kw_only=True)
class WritingSpec:
    """The numbers of the preparation `writing`; a version keeps those that it was trained with.

    Found on pictures of `training.synthetic.photos` (docs/training-log.md). Shares are of the longer side of what is
    looked at, where nothing else is said.
    """

    overview: int = 224  # pixels: the longer side in which the whole picture is searched
    closeup: int = 128  # and that of the part around the digit
    ground: float = 0.36  # side of the square whose median is the ground: ink covers less than half of it
    ground_wide: float = 0.85  # the same from close up
    weak: float = 0.35  # ink, as a share of the darkest, that counts where it touches strong ink
    strong: float = 0.6
    near: float = 0.22  # gap, in the main mark's size, over which a mark belongs to it
    speck: float = 0.035  # share of the main mark's ink under which a mark is dirt
    rival: float = 0.35  # and from which another one makes several marks
    thin: float = 0.1  # stroke width, in the digit's size, that thinner ones are brought to
    faint: float = 0.095  # contrast of ink and ground, 0..1, under which there is no ink
    low_contrast: float = 0.25  # under which the answer is warned of

    def __post_init__(self) -> None:
        require(32 <= self.overview <= 1024 and 32 <= self.closeup <= 1024, "input.writing: sides must be 32 to 1024.")
        require(
            0 < self.ground <= 1 and 0 < self.ground_wide <= 1, "input.writing: grounds must be above 0, at most 1."
        )
        require(0 < self.weak <= self.strong <= 1, "input.writing: 0 < weak <= strong <= 1 must hold.")
        shares = (self.near, self.speck, self.rival, self.thin, self.faint, self.low_contrast)
        require(min(shares) >= 0 and max(shares) <= 1, "input.writing: shares must be 0 to 1.")
