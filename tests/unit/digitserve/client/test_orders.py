"""The words of a fine-tune, as a job's request spells them."""

from app.jobs.request import JobRequest
from digitserve.client.orders import Order, request


def test_nothing_is_said_of_what_the_server_shall_choose() -> None:
    assert request({}) == {"model": "digits"}


def test_every_word_reaches_the_servers_own_reading_of_it() -> None:
    order: Order = {
        "model": "digits@2", "suffix": "mine", "epochs": 7, "batch_size": 16, "learning_rate": 0.5, "unfreeze": "head",
        "promote": "if_better", "seed": 3, "metadata": {"who": "me"}, "key": "k", "validation": b"x",
    }  # fmt: skip
    read = JobRequest.model_validate({**request(order), "training_file": "feedback"})
    numbers = read.supervised.hyperparameters
    assert numbers is not None
    assert (read.model, read.suffix, read.seed, read.metadata) == ("digits@2", "mine", 3, {"who": "me"})
    assert (numbers.n_epochs, numbers.batch_size, numbers.learning_rate_multiplier) == (7, 16, 0.5)
    assert (read.supervised.unfreeze, read.supervised.promote) == ("head", "if_better")
