"""Tries variants of a recipe on rows set apart from its training rows, and writes the best one down.

It never looks at test rows and publishes nothing.
"""

import dataclasses
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models_store import durable, records
from models_store.recipe import Recipe
from models_store.specs import AugmentSpec
from training.data.rows import DataSet, split
from training.errors import ExtraMissing, SearchRejected, TrainingDiverged
from training.fit.epoch import Epoch
from training.fit.material import Material
from training.learn import Session, key, learn, load
from training.nets.catalog import options
from training.report.progress import Reporter

if TYPE_CHECKING:
    import optuna

_VALIDATION = 0.1  # of the training rows, where the recipe sets none apart
_RATES, _WIDTHS, _BENDS = (0.2, 5.0), (0.5, 0.75, 1.0, 1.25, 1.5), (0.0, 2.0)  # as multiples of the recipe's own


def search(recipe: Recipe, trials: int, storage: str | None, out: Path | None, session: Session) -> Recipe:
    """Returns the best of `trials` variants of learning rate, width (of nets that have one) and augmentation.

    Optuna chooses them (Akiba et al. 2019, arXiv:1907.10902) and stops what falls behind. With `storage`, an
    SQLAlchemy URL, a search goes on where it stopped, and several machines that name the same one share it. The best
    recipe goes to `out` as TOML. Raises ExtraMissing, SearchRejected, and what `train` raises for its data.
    """
    try:
        import optuna
        import tomli_w
    except ImportError:
        raise ExtraMissing("Optuna is not installed: pip install 'digitserve[search]'.") from None
    if out is not None and (out.is_dir() or not os.access(out.parent, os.W_OK)):  # better told now than after hours
        raise SearchRejected(f"The best recipe can't be written to {out}: pass --out with a file in a folder of yours.")
    if out is not None and out.exists() and storage is None:  # a search that goes on writes its recipe anew
        raise SearchRejected(f"{out} exists already: pass --out with another file.")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    report = session.report
    rows = load(recipe, session.data_folder, report)
    rest, held_out = rows.train, rows.validation
    if held_out is None:
        rest, held_out = split(rows.train, recipe.train.validation or _VALIDATION, recipe.seed)
    study = _study(recipe, rows, storage)

    def tried(trial: "optuna.Trial") -> float:
        variant = _variant(recipe, trial)
        trial.set_user_attr("recipe", variant.to_json())
        try:
            return _score(variant, Material(rest, validation=held_out), len(rows.labels), trial, session)
        except TrainingDiverged:
            raise optuna.TrialPruned from None

    study.optimize(tried, n_trials=trials)
    done = [trial for trial in study.trials if trial.state is optuna.trial.TrialState.COMPLETE]
    if not done:
        raise SearchRejected("No variant could be trained to its end: lower train.learning_rate.")
    best = Recipe.from_json(study.best_trial.user_attrs["recipe"])
    _tell(study, done, len(held_out), report)
    if out is not None:
        durable.write(out, tomli_w.dumps(_without_none(records.plain(best))).encode())
    report.result(best=study.best_trial.number, validation_accuracy=study.best_value, recipe=str(out or "not written"))
    return best


def _study(recipe: Recipe, rows: DataSet, storage: str | None) -> "optuna.Study":
    import optuna

    try:
        return optuna.create_study(
            storage=storage,
            study_name=key(recipe, rows),  # what was found for other rows says nothing here
            direction="maximize",
            load_if_exists=True,
            # Of those who share a storage, each must try something else.
            sampler=optuna.samplers.TPESampler(seed=None if storage else recipe.seed),
            pruner=optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=1),
        )
    except Exception as error:  # any database driver's own
        raise SearchRejected(
            "The storage can't be opened: give an SQLAlchemy URL such as sqlite:///search.db, in a folder that exists."
        ) from error


def _variant(recipe: Recipe, trial: "optuna.Trial") -> Recipe:
    rate = trial.suggest_float("rate", *_RATES, log=True) * recipe.train.learning_rate
    recipe = dataclasses.replace(recipe, train=dataclasses.replace(recipe.train, learning_rate=float(f"{rate:.3g}")))
    if "width" in options(recipe.net.name):
        times = trial.suggest_categorical("width", _WIDTHS)
        width = times * float(recipe.net.options.get("width", 1.0))
        recipe = dataclasses.replace(
            recipe, net=dataclasses.replace(recipe.net, options={**recipe.net.options, "width": width})
        )
    if not recipe.augment.is_identity:
        recipe = dataclasses.replace(recipe, augment=_bent(recipe.augment, trial.suggest_float("bend", *_BENDS)))
    return recipe


def _bent(spec: AugmentSpec, times: float) -> AugmentSpec:
    """All amounts of bending, times a number; what is no amount stays."""
    names = ("rotate_degrees", "log_scale", "shear", "shift_pixels", "elastic_pixels")
    return dataclasses.replace(spec, **{name: round(getattr(spec, name) * times, 4) for name in names})


def _score(variant: Recipe, material: Material, labels: int, trial: "optuna.Trial", session: Session) -> float:
    """Share of the validation rows that the variant's last epoch reads right; none stops early by itself."""
    import optuna

    variant = dataclasses.replace(variant, train=dataclasses.replace(variant.train, patience=0))

    def heard(epoch: Epoch) -> None:
        assert epoch.validation_accuracy is not None, "the validation rows are given"
        trial.report(epoch.validation_accuracy, epoch.number)
        if trial.should_prune():
            raise optuna.TrialPruned

    runtime = dataclasses.replace(session.runtime, on_epoch=heard)
    fitted = learn(f"trial {trial.number}", variant, material, labels, runtime, session.report)
    return fitted.epochs[-1].validation_accuracy or 0.0


def _tell(study: "optuna.Study", done: "list[optuna.trial.FrozenTrial]", held_out: int, report: Reporter) -> None:
    ranked = sorted(done, key=lambda trial: trial.value or 0.0, reverse=True)
    names = sorted({name for trial in ranked for name in trial.params})
    lines = [
        [str(trial.number), f"{trial.value or 0.0:.2%}", *(_shown(trial.params.get(name)) for name in names)]
        for trial in ranked[:10]
    ]
    title = f"{len(study.trials)} variants, {len(done)} to their end, on {held_out:,} validation rows"
    report.table(title, ["variant", "read right", *(f"{name} x" for name in names)], lines)


def _shown(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _without_none(table: dict[str, Any]) -> dict[str, Any]:
    """TOML has no null: a missing key says the same."""
    return {
        key: _without_none(value) if isinstance(value, dict) else value
        for key, value in table.items()
        if value is not None
    }
