"""A challenger in real processes: two answer and compare, a person labels, and both follow the promotion."""

import base64
import hashlib
import io
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from models_store.registry import Registry
from tests.conftest import republished
from tests.support.patience import PATIENCE_SECONDS, wait_until
from tests.support.pictures import png
from tests.support.uploading import lying_in
from tests.system.harness import caller, events, serving
from training.synthetic import strokes

SHADOW = "/v1/models/digits/shadow"
MANY = 48


def read(url: str, picture: bytes) -> httpx.Response:
    """On a connection of its own: whichever process takes it."""
    headers = {"content-type": "image/png"}
    return httpx.post(f"{url}/v1/predict", content=picture, headers=headers, timeout=PATIENCE_SECONDS, trust_env=False)


def digest(picture: bytes) -> str:
    return hashlib.sha256(np.asarray(Image.open(io.BytesIO(picture)).convert("L")).tobytes()).hexdigest()


def test_two_processes_compare_and_both_follow_what_the_labels_say(
    tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator
) -> None:
    swapped = republished(registry, labels=tuple("1023456789"))  # takes each 0 for a 1, and each 1 for a 0
    registry.promote("digits", swapped.number, expected=1)
    registry.promote("digits", 1, expected=None, alias="challenger")
    pictures = {png(strokes.unit(number % 2, rng)): str(number % 2) for number in range(MANY)}
    truth = {digest(picture): label for picture, label in pictures.items()}
    home = tmp_path / "state" / "shadow"
    for name, value in {"WORKERS": "2", "JOB_WORKERS": "0", "SHADOW_SHARE": "1"}.items():
        monkeypatch.setenv(f"DIGITSERVE_{name}", value)
    log = tmp_path / "first"
    with serving(log) as (_, url), caller(url) as http:

        def send() -> None:
            for picture in pictures:
                assert read(url, picture).status_code == 200

        def compared() -> int:
            send()
            answer = http.get(SHADOW)
            return 0 if answer.status_code == 404 else int(answer.json()["differed"])

        wait_until(lambda: compared() >= MANY and len(lying_in(home)) >= 36, progress=lambda: len(lying_in(home)))
        report = http.get(SHADOW).json()
        assert (report["champion"], report["challenger"], report["state"]) == ("digits@2", "digits@1", "collecting")
        while report["state"] == "collecting":
            for shown in report["data"]:
                label = truth[digest(base64.b64decode(shown["thumbnail"].partition(",")[2]))]
                assert sorted(shown["labels"]) == ["0", "1"]
                said = http.post(f"{SHADOW}/{shown['id']}", json={"label": label})
                if said.json().get("state") != "collecting":
                    break
            report = http.get(SHADOW).json()
        assert (report["state"], report["champion"], report["ended_at"]) == ("promoted", "digits@1", None)
        assert registry.aliases("digits") == {"champion": 1, "previous": 2, "challenger": 2}

        def all_follow() -> bool:
            return {read(url, next(iter(pictures))).json()["model"] for _ in range(8)} == {"digits@1"}

        wait_until(all_follow)
        before = report["id"]
    with serving(tmp_path / "second", "--workers", "1") as (_, url), caller(url) as http:
        report = http.get(SHADOW).json()
        assert (report["id"], report["state"], report["challenger"]) == (before, "promoted", "digits@2")
        assert http.delete(SHADOW).json()["state"] == "ended"
        assert lying_in(home) == [] and registry.aliases("digits") == {"champion": 1, "previous": 2}
    assert not events(log, "unforeseen")
