"""How challengers are judged: real versions on live traffic, and the rule alone on odds that are known."""

import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from app.shadow.mcnemar import Judgement, Labels
from benchmarks import load, page
from benchmarks.shadow.people import Labeller, Pictures, sending
from models_store.refs import CHALLENGER, CHAMPION
from models_store.registry import Registry, Version

_RUNS = 10_000
_ODDS = (0.5, 0.55, 0.6, 0.65, 0.7, 0.8)  # that the challenger is right, where one of the two is
_NEITHER = (0.0, 0.2)  # share of the labels that are for neither


@dataclass(frozen=True)
class Trial:
    """One challenger beside one champion; `wrongly` is labelled in the wrong until it is promoted."""

    name: str
    champion: Version
    challenger: Version
    expected: str  # the state that is right
    wrongly: bool = False


def trials(shipped: Version, small: tuple[Version, Version]) -> list[Trial]:
    """A better, an equal, a worse one, and one that was promoted in the wrong."""
    one, other = small
    return [
        Trial("better", one, shipped, "promoted"),
        Trial("equal", one, other, "undecided"),
        Trial("worse", shipped, one, "ended"),
        Trial("worse, and promoted by wrong labels", shipped, one, "rolled_back", wrongly=True),
    ]


def judged(trial: Trial, registry: Registry, folder: Path, pictures: Pictures, seed: int) -> tuple[list[str], bool]:
    """A line of the table, and whether it was judged rightly."""
    _place(registry, trial)
    port = load.free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {
        "DIGITSERVE_STORE_DIR": str(registry.root), "DIGITSERVE_STATE_DIR": str(folder / f"state-{port}"),
        "DIGITSERVE_WORKERS": "1", "DIGITSERVE_JOB_WORKERS": "0", "DIGITSERVE_SHADOW_SHARE": "1",
    }  # fmt: skip
    command = [".venv/bin/python", "-m", "app", "serve", "--port", str(port)]
    traffic = pictures.shuffled(seed)
    with load.process(command, environment, f"{url}/readyz"):
        labeller = Labeller(url, trial.champion.name, pictures)
        with sending(url, traffic) as over:
            first = _begun(labeller)
            found = labeller.labels(first["id"], over, wrongly=trial.wrongly)
            if trial.wrongly and found["id"] != first["id"]:  # roles were changed: the one before reads beside now
                found = labeller.labels(found["id"], over)
        serves = registry.aliases(trial.champion.name)[CHAMPION]
    state, said = str(found["state"]), str(found["said"]).partition(" No picture")[0]
    should = trial.challenger if trial.expected == "promoted" else trial.champion
    right = state == trial.expected and serves == should.number
    versions = [f"{one.ref}, {one.manifest.metrics['accuracy']:.2%}" for one in (trial.champion, trial.challenger)]
    return [trial.name, *versions, said, state, "yes" if right else "no"], right


def simulated() -> str:
    """The table of the rule alone: how often which way it decides, and after how many labels."""
    rows = []
    for neither in _NEITHER:
        for odds in _ODDS:
            found = _simulated(odds, neither, np.random.default_rng(7))
            shares = Counter(verdict for verdict, _ in found)
            cells = [
                f"{shares[verdict] / _RUNS:.2%}" for verdict in (Judgement.BETTER, Judgement.WORSE, Judgement.EQUAL)
            ]
            rows.append([f"{odds:.0%}", f"{neither:.0%}", *cells, f"{np.median([labels for _, labels in found]):.0f}"])
    return page.table(("challenger right", "neither", "promoted", "worse", "undecided", "labels, median"), rows)


def _simulated(odds: float, neither: float, rng: np.random.Generator) -> list[tuple[Judgement, int]]:
    found: list[tuple[Judgement, int]] = []
    for _ in range(_RUNS):
        right = rng.random(200) < odds
        nobody = rng.random(200) < neither
        champion = challenger = other = 0
        for won, lost in zip(right.tolist(), nobody.tolist(), strict=True):
            challenger, champion, other = (
                challenger + (won and not lost), champion + (not won and not lost), other + lost,
            )  # fmt: skip
            verdict = Labels(champion, challenger, other).verdict  # somebody looks after every label
            if verdict is not Judgement.OPEN:
                found.append((verdict, champion + challenger + other))
                break
    return found


def _begun(labeller: Labeller) -> dict[str, Any]:
    while True:
        try:
            return labeller.report()
        except httpx.HTTPStatusError:
            time.sleep(0.2)


def _place(registry: Registry, trial: Trial) -> None:
    name, aliases = trial.champion.name, registry.aliases(trial.champion.name)
    if CHALLENGER in aliases:
        aliases = registry.unalias(name, CHALLENGER, expected=aliases[CHALLENGER])
    registry.promote(name, trial.champion.number, expected=aliases.get(CHAMPION))
    registry.promote(name, trial.challenger.number, expected=None, alias=CHALLENGER)
