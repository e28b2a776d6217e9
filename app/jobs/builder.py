"""A request for a job, held against its base version and its pictures -> an Order. It knows no HTTP and no job's state.

What is refused here would be refused by the training later, when nobody looks.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from app.errors import NotFound, Unprocessable
from app.files.store import FileStore
from app.jobs.job import FEEDBACK, JobSpec
from app.jobs.options import described, recipe_of
from app.jobs.request import JobRequest
from models_store.refs import Ref, is_name
from models_store.registry import Registry, Version
from models_store.specs import InputSpec, TrainSpec

_LEAST = 5  # pictures: of each label of a new set, of all labels where the base has them
_LEAST_LABELS = 2
_LEAST_WATCHED = 3  # pictures of one label, so that one of them can watch in each of five folds
_SHOWN = 5  # labels that a refusal names


DataSet = tuple[Path, InputSpec]  # an upload's bytes, and what its pictures are prepared for


class Unread(Exception):
    """A data set must be read again before there can be an order: its report is for another input than the base's."""

    def __init__(self, what: DataSet) -> None:
        super().__init__(*what)
        self.what = what


class JobBuilder:
    """Turns requests into orders, by what store and files hold now. It blocks: call it from a thread."""

    def __init__(
        self,
        registry: Registry,
        files: FileStore,
        corrections: Callable[[str], Mapping[str, int]],
        min_accuracy: float,
    ) -> None:
        """`corrections` counts those of a model by their labels. `min_accuracy` is what a new label set must reach,
        as it has no base to compare with.
        """
        self._registry = registry
        self._files = files
        self._corrections = corrections
        self._min_accuracy = min_accuracy

    def order(self, request: JobRequest, job_id: str, read: Mapping[DataSet, Mapping[str, int]]) -> JobSpec:
        """What the job `job_id` will do. `read` has the usable pictures per label of what was read for it.

        Raises Unread where that lacks a data set; and Unprocessable, NotFound, BadRef, VersionNotFound, VersionCorrupt,
        ManifestMismatch, DatabaseUnavailable.
        """
        base = self._registry.resolve(Ref.parse(request.model))
        recipe = recipe_of(base, request, job_id, self._min_accuracy)
        if not is_name(recipe.publish_to):
            raise Unprocessable(
                "bad_model_name",
                f"A suffix has a-z, 0-9 and -, and with {base.name}- before it at most 63 characters. Choose another.",
                "suffix",
            )
        if request.training_file == FEEDBACK:
            counts = self._corrections(base.name)
        else:
            counts = self._counts(request.training_file, base.manifest.input, "training_file", read)
        labels = _check_training(counts, base, request)
        _check_watched(counts, recipe.train)
        if request.validation_file is not None:
            if request.validation_file == request.training_file:
                raise Unprocessable(
                    "option_rejected", "What is learned can't judge. Leave the validation file out.", "validation_file"
                )
            judging = self._counts(request.validation_file, base.manifest.input, "validation_file", read)
            _check_validation(judging, labels)
        return JobSpec(
            base=base.ref,
            model=request.model,
            training_file=request.training_file,
            validation_file=request.validation_file,
            publish_to=recipe.publish_to,
            promote=request.supervised.promote == "if_better",
            recipe=recipe.to_json(),
            options=described(recipe, request),
            metadata=request.metadata or {},
        )

    def _counts(
        self, file_id: str, spec: InputSpec, param: str, read: Mapping[DataSet, Mapping[str, int]]
    ) -> Mapping[str, int]:
        """Label -> usable pictures, as the base's preparation finds them."""
        if file_id == FEEDBACK:
            raise Unprocessable(
                "feedback_not_offered",
                "Corrections are there to be learned and judge nothing. Leave the validation file out, or upload one.",
                param,
            )
        try:
            file = self._files.get(file_id)
            if file.input.shape == spec.shape and file.input.prepares_as(spec):
                return {str(label): int(count) for label, count in file.report["per_label"].items()}
            what = self._files.path(file_id), spec
        except NotFound as missing:
            raise NotFound(missing.code, str(missing), param) from None
        if what not in read:
            raise Unread(what)
        return read[what]


def _check_training(counts: Mapping[str, int], base: Version, request: JobRequest) -> Sequence[str]:
    """The labels of the version that will be made."""
    own = base.manifest.labels
    strange = [label for label in counts if label not in own]
    if not strange:
        missing = _LEAST - sum(counts.values())
        if missing > 0:
            raise _too_few(f"{_LEAST - missing} usable pictures are too few to learn from: add {missing} or more.")
        return own
    if request.suffix is None:
        raise Unprocessable(
            "label_unknown",
            f"{base.ref} does not know the {_named(strange)}. Correct the file, or send a suffix to make a model of "
            "its own with the file's labels.",
            "training_file",
        )
    if len(counts) < _LEAST_LABELS:
        raise _too_few(f"A new model needs {_LEAST_LABELS} labels or more, and the file has one: {_named(strange)}.")
    short = {label: _LEAST - count for label, count in counts.items() if count < _LEAST}
    if short:
        missing_of = ", ".join(f"{count} of {label!r}" for label, count in list(short.items())[:_SHOWN])
        more = f" and more of {len(short) - _SHOWN} other labels" if len(short) > _SHOWN else ""
        raise _too_few(f"Each label of a new model needs {_LEAST} pictures: add at least {missing_of}{more}.")
    return tuple(counts)


def _check_watched(counts: Mapping[str, int], train: TrainSpec) -> None:
    if train.validation and max(counts.values()) < _LEAST_WATCHED:
        raise _too_few(
            f"Early stopping and the schedule plateau set pictures apart: add until one label has {_LEAST_WATCHED}."
        )


def _check_validation(counts: Mapping[str, int], labels: Sequence[str]) -> None:
    strange = [label for label in counts if label not in labels]
    if strange:
        raise Unprocessable(
            "label_unknown",
            f"The new version would not know the validation file's {_named(strange)}. Correct the file.",
            "validation_file",
        )
    missing = _LEAST - sum(counts.values())
    if missing > 0:
        sentence = f"{_LEAST - missing} usable pictures are too few to judge by: add {missing} or more."
        raise _too_few(sentence, "validation_file")


def _too_few(sentence: str, param: str = "training_file") -> Unprocessable:
    return Unprocessable("too_few_examples", sentence, param)


def _named(labels: Sequence[str]) -> str:
    more = f" and {len(labels) - _SHOWN:,} more" if len(labels) > _SHOWN else ""
    return f"label{'s' if len(labels) > 1 else ''} {', '.join(map(repr, sorted(labels)[:_SHOWN]))}{more}"
