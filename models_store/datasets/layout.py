"""Where pictures lie in folders -> their labels, and the parts of the data set that they are in."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

from models_store.datasets.rows import Split
from models_store.datasets.splits import split_of, splits_of
from models_store.errors import DataSetRejected
from models_store.text import shown

Folders = tuple[str, ...]  # a path without the file's own name

_HOW = "Put pictures into one folder for each label, at the top or in train, validation and test"


@dataclass(frozen=True)
class Place:
    """Where one picture lies: in which part, None where there are no parts, and in which label's folder, None for one
    that lies beside these."""

    split: Split | None
    label: str | None


def places(names: Sequence[str]) -> Mapping[str, Place]:
    """The place of each picture: `names` are relative, with slashes.

    Labels are the folders that hold the pictures; what they have below them belongs to them too. Folders around all of
    them mean nothing. A folder called as `split_of` knows it is a part, above or below the labels. Raises
    DataSetRejected (`layout_unclear`), naming the folders, where it can't be told which of them are the labels.
    """
    folders_of = {name: tuple(name.split("/")[:-1]) for name in names}
    found = _parted(set(folders_of.values()))
    labels = _labels({path for _, path in found.values() if path})
    placed = {folders: Place(split, labels.get(path)) for folders, (split, path) in found.items()}
    _check_labels(placed)
    return {name: placed[folders] for name, folders in folders_of.items()}


def _parted(every: set[Folders]) -> Mapping[Folders, tuple[Split | None, Folders]]:
    """Each path's part, and what is left of it without the folders that name parts."""
    around = _shared(every)
    if not any(split_of(folder) for folders in every for folder in folders[around:]):
        around = 0  # the one folder around all may itself be a part
    inner = {folders: folders[around:] for folders in every}
    roots = {_above_split(path) for path in inner.values()} - {None}
    found: dict[Folders, tuple[Split | None, Folders]] = {}
    for folders, path in sorted(inner.items()):
        splits = splits_of(path)
        if len(splits) > 1:
            raise _unclear(f"{_path(folders)} is in {_and(splits)} at once. {_HOW}")
        if splits:
            found[folders] = splits.pop(), tuple(folder for folder in path if not split_of(folder))
        elif any(root is not None and root[: len(path)] == path for root in roots):
            found[folders] = None, ()  # around the parts, so beside all labels
        elif roots:
            parted = next(other for other, path in sorted(inner.items()) if _above_split(path) is not None)
            raise _unclear(f"{_path(parted)} is in a part of the data set, and {_path(folders)} is in none. {_HOW}")
        else:
            found[folders] = None, path
    if roots and not any(path for _, path in found.values()):
        parts = _and(_path(folders) for folders, (split, _) in found.items() if split)
        raise _unclear(f"The pictures lie in {parts}, which are parts of a data set and no labels. {_HOW}")
    return found


def _shared(paths: Iterable[Folders]) -> int:
    """How many folders all paths begin with."""
    return sum(1 for _ in takewhile(lambda level: len(set(level)) == 1, zip(*paths, strict=False)))


def _above_split(path: Folders) -> Folders | None:
    return next((path[:depth] for depth, folder in enumerate(path) if split_of(folder)), None)


def _labels(paths: set[Folders]) -> Mapping[Folders, str]:
    """The label of each path: its outermost folder that holds pictures, which all have to lie side by side. A folder
    around several of them is none."""
    label_of = {path: next(path[:n] for n in range(1, len(path) + 1) if path[:n] in paths) for path in paths}
    outermost = sorted(set(label_of.values()))
    if len(outermost) == 1:
        inside = paths - {outermost[0]}
        if len({path[: len(outermost[0]) + 1] for path in inside}) > 1:
            return _labels(inside)  # it is around the labels, and its own pictures lie beside them
        return {path: label[-1] for path, label in label_of.items()}
    depth = _shared(outermost) + 1
    deeper = next((path for path in outermost if len(path) > depth), None)
    if deeper is not None:
        other = next(path for path in outermost if path[:depth] != deeper[:depth])
        raise _unclear(
            f"Pictures lie in {_path(deeper)} and in {_path(other)}, and which folders are the labels can't be told. "
            f"{_HOW}"
        )
    return {path: label[-1] for path, label in label_of.items()}


def _check_labels(placed: Mapping[Folders, Place]) -> None:
    """Refuses labels that differ in upper and lower case only, where each part has another one of them."""
    spelled: dict[str, set[str]] = {}
    splits_of: dict[str, set[Split | None]] = {}
    for place in placed.values():
        if place.label is not None:
            label = place.label.strip()
            spelled.setdefault(label.casefold(), set()).add(label)
            splits_of.setdefault(label, set()).add(place.split)
    for labels in spelled.values():
        splits = [split for label in labels for split in splits_of[label]]
        if len(labels) > 1 and len(splits) == len(set(splits)):
            raise _unclear(f"{_and(map(shown, labels))} are one label in two spellings. Call its folders alike")


def _unclear(sentence: str) -> DataSetRejected:
    return DataSetRejected("layout_unclear", f"{sentence}, or list all in labels.csv.")


def _path(folders: Folders) -> str:
    return shown("/".join(folders)) or "the top"


def _and(words: Iterable[str]) -> str:
    return " and ".join(sorted(words))
