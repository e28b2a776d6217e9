"""JobBuilder: a request for a job, held against its base version and its pictures -> what the job will do.

What is refused here would be refused by the training later, when nobody looks.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.errors import NotFound, Unprocessable
from app.files.store import FileStore, StoredFile
from app.jobs.bounds.effort import pictures_of
from app.jobs.job import FEEDBACK, JobSpec
from app.jobs.options import described, recipe_of
from app.jobs.request import JobRequest
from models_store.datasets.splits import judging_part
from models_store.recipe import Recipe
from models_store.refs import Ref, is_name
from models_store.registry import Registry, Version
from models_store.specs import InputSpec, TrainSpec

_LEAST = 5  # pictures: of each label of a new set, of all labels where the base has them
_LEAST_LABELS = 2
_LEAST_VALIDATED = 3  # pictures of one label, so that one of them can be set apart in each of five folds
_SHOWN = 5  # labels that a refusal names


UnreadFile = tuple[Path, InputSpec]  # an upload's bytes, and what its pictures are prepared for
Report = Mapping[str, Any]  # a `clean.CleaningReport` as plain data; an earlier release's has no parts


@dataclass(frozen=True)
class JobDraft:
    """A request whose base and options are settled, and what must be read before it can be a job."""

    id: str
    request: JobRequest
    base: Version
    recipe: Recipe
    unread: tuple[UnreadFile, ...]  # uploads whose reports are for another input than the base's


class JobBuilder:
    """Turns requests into jobs, by what store and files hold now. It blocks: call it from a thread."""

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

    def draft(self, request: JobRequest, job_id: str) -> JobDraft:
        """Settles all that can be without reading a picture, and finds out what has to be read.

        Raises Unprocessable, NotFound, BadRef, VersionNotFound, VersionCorrupt, ManifestMismatch, DatabaseUnavailable.
        """
        base = self._registry.resolve(Ref.parse(request.model))
        recipe = recipe_of(base, request, job_id, self._min_accuracy)
        if not is_name(recipe.publish_to):
            raise Unprocessable(
                "bad_model_name",
                f"A suffix has a-z, 0-9 and -, and with {base.name}- before it at most 63 characters. Choose another.",
                "suffix",
            )
        if request.validation_file is not None and request.validation_file == request.training_file:
            raise Unprocessable(
                "option_rejected", "What is learned can't judge. Leave the validation file out.", "validation_file"
            )
        unread = []
        for file_id, param in _files_of(request):
            file = self._file(file_id, param)
            if not _is_prepared_for(file, base.manifest.input):
                unread.append((self._path(file_id, param), base.manifest.input))
        return JobDraft(job_id, request, base, recipe, tuple(unread))

    def build(self, draft: JobDraft, read: Mapping[UnreadFile, Report]) -> JobSpec:
        """What the job will do. `read` has the reports on what the draft had not read.

        Raises what `draft` raises.
        """
        request, base, recipe = draft.request, draft.base, draft.recipe
        own: Report = {"per_label": self._corrections(base.name)}
        if request.training_file != FEEDBACK:
            own = self._report(request.training_file, "training_file", draft, read)
        counts = _learned(own)
        judged_apart = request.validation_file is not None or "validation" in _parts(own)
        labels = _check_training(counts, base, request)
        _check_validated(counts, recipe.train)
        _check_known(_parts(own).get("test", {}), labels, "training_file")
        if request.validation_file is not None:
            given = self._report(request.validation_file, "validation_file", draft, read)
            _check_validation(_judging(given), labels, "validation_file")
        elif "validation" in _parts(own):
            _check_validation(_parts(own)["validation"], labels, "training_file")
        return JobSpec(
            base=base.ref,
            model=request.model,
            training_file=request.training_file,
            validation_file=request.validation_file,
            publish_to=recipe.publish_to,
            promote=request.supervised.promote,
            recipe=recipe.to_json(),
            options=described(recipe, request),
            metadata=request.metadata or {},
            pictures=pictures_of(recipe, sum(counts.values()), judged_apart=judged_apart),
        )

    def check_base(self, base: str) -> None:
        """Raises VersionNotFound where the version (`digits@1`) is not there any more."""
        self._registry.number(Ref.parse(base))

    def _report(self, file_id: str, param: str, draft: JobDraft, read: Mapping[UnreadFile, Report]) -> Report:
        """What is known of a file's pictures, as the base's preparation finds them."""
        file, spec = self._file(file_id, param), draft.base.manifest.input
        return file.report if _is_prepared_for(file, spec) else read[self._path(file_id, param), spec]

    def _file(self, file_id: str, param: str) -> StoredFile:
        try:
            return self._files.get(file_id)
        except NotFound as missing:
            raise NotFound(missing.code, str(missing), param) from None

    def _path(self, file_id: str, param: str) -> Path:
        try:
            return self._files.path(file_id)
        except NotFound as missing:
            raise NotFound(missing.code, str(missing), param) from None


def _files_of(request: JobRequest) -> Iterator[tuple[str, str]]:
    """The uploads that a request names, and where it names them."""
    if request.training_file != FEEDBACK:
        yield request.training_file, "training_file"
    if request.validation_file == FEEDBACK:
        raise Unprocessable(
            "feedback_not_offered",
            "Corrections are there to be learned and judge nothing. Leave the validation file out, or upload one.",
            "validation_file",
        )
    if request.validation_file is not None:
        yield request.validation_file, "validation_file"


def _parts(report: Report) -> Mapping[str, Mapping[str, int]]:
    return report.get("per_split") or {"train": report["per_label"]}


def _learned(report: Report) -> Mapping[str, int]:
    """Label -> usable pictures to learn from. Raises Unprocessable where a file has none."""
    parts = _parts(report)
    if "train" not in parts:
        named = " and ".join(parts)
        raise _too_few(f"All pictures of the file are in {named}, which only judges. Put some to learn from in train.")
    return parts["train"]


def _judging(report: Report) -> Mapping[str, int]:
    """Label -> usable pictures of the part by which a validation file judges."""
    parts = _parts(report)
    return parts[judging_part(parts, "validation")]


def _is_prepared_for(file: StoredFile, spec: InputSpec) -> bool:
    return file.input.shape == spec.shape and file.input.prepares_as(spec)


def _check_training(counts: Mapping[str, int], base: Version, request: JobRequest) -> Sequence[str]:
    """The labels of the version that will be made."""
    own = base.manifest.labels
    unknown = [label for label in counts if label not in own]
    if not unknown:
        missing = _LEAST - sum(counts.values())
        if missing > 0:
            held = " What is held back does not count: see /held." if request.training_file == FEEDBACK else ""
            raise _too_few(
                f"{_LEAST - missing} usable pictures are too few to learn from: add {missing} or more.{held}"
            )
        return own
    if request.suffix is None:
        raise Unprocessable(
            "label_unknown",
            f"{base.ref} does not know the {_named(unknown)}. Correct the file, or send a suffix to make a model of "
            "its own with the file's labels.",
            "training_file",
        )
    if len(counts) < _LEAST_LABELS:
        raise _too_few(f"A new model needs {_LEAST_LABELS} labels or more, and the file has one: {_named(unknown)}.")
    short = {label: _LEAST - count for label, count in counts.items() if count < _LEAST}
    if short:
        missing_of = ", ".join(f"{count} of {label!r}" for label, count in list(short.items())[:_SHOWN])
        more = f" and more of {len(short) - _SHOWN} other labels" if len(short) > _SHOWN else ""
        raise _too_few(f"Each label of a new model needs {_LEAST} pictures: add at least {missing_of}{more}.")
    return tuple(counts)


def _check_validated(counts: Mapping[str, int], train: TrainSpec) -> None:
    if train.validation and max(counts.values()) < _LEAST_VALIDATED:
        raise _too_few(
            f"Early stopping and the schedule plateau set pictures apart: add until one label has {_LEAST_VALIDATED}."
        )


def _check_validation(counts: Mapping[str, int], labels: Sequence[str], param: str) -> None:
    _check_known(counts, labels, param)
    missing = _LEAST - sum(counts.values())
    if missing > 0:
        sentence = f"{_LEAST - missing} usable pictures are too few to judge by: add {missing} or more."
        raise _too_few(sentence, param)


def _check_known(counts: Mapping[str, int], labels: Sequence[str], param: str) -> None:
    unknown = [label for label in counts if label not in labels]
    if unknown:
        sentence = f"The new version would not know the {_named(unknown)} of the pictures that judge. Correct the file."
        raise Unprocessable("label_unknown", sentence, param)


def _too_few(sentence: str, param: str = "training_file") -> Unprocessable:
    return Unprocessable("too_few_examples", sentence, param)


def _named(labels: Sequence[str]) -> str:
    more = f" and {len(labels) - _SHOWN:,} more" if len(labels) > _SHOWN else ""
    return f"label{'s' if len(labels) > 1 else ''} {', '.join(map(repr, sorted(labels)[:_SHOWN]))}{more}"
