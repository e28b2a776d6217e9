"""Every digit of a data set through the doors, of which `make test` asks a part."""

from pathlib import Path

import httpx
import numpy as np

from tests.integration.predict.test_predict import read_both_ways
from tests.integration.predict.test_predict_contained import read_right
from training.data import sources


async def test_all_of_mnists_test_digits_get_the_labels_of_the_model_itself(tmp_path: Path, data_dir: Path) -> None:
    test = sources.mnist(data_dir).test
    answers, expected = await read_both_ways(tmp_path, test.pictures.numpy())
    assert answers == expected
    assert np.mean([one == str(label) for one, label in zip(answers, test.labels.tolist(), strict=True)]) >= 0.996


async def test_all_of_scikit_learns_digits_are_read_at_their_8_by_8_pixels(client: httpx.AsyncClient) -> None:
    assert await read_right(client, slice(None)) > 0.946
