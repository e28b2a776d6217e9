"""ShadowKeeper: brings rows and aliases of challengers together, and takes people's labels.

The alias `challenger` is the one truth of who reads beside the champion: who points it at a version begins a
comparison, who takes it away ends one. A row has what was found.
"""

import contextlib
import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import structlog
from sqlalchemy import Connection

from app.errors import Conflict, NotFound, Unprocessable
from app.shadow import ledger
from app.shadow.course import Act, Step, next_step
from app.shadow.record import Pair, Phase, Shadow
from app.shadow.sample import UNREADABLE, Sample
from app.storage.audit import trail
from app.storage.audit.acting import acting_as, because_of
from app.storage.audit.moves import moved
from app.storage.audit.record import ActOutcome, Details, What
from app.storage.audit.trail import Trail
from app.storage.db import Database
from models_store.errors import AliasConflict, StoreError, VersionNotFound
from models_store.refs import CHALLENGER, CHAMPION, Ref
from models_store.registry import Registry

_MOST_STEPS = 12  # of one look: a promotion and a new challenger after it take six
_SHOWN_LABELS = 20  # in a sentence
_MOVES_ALIASES = frozenset({Act.CROWN, Act.TURN, Act.TAKE_AWAY})
_ACTOR = "shadow"  # in the audit log: the course moves aliases, whoever gave the label that it waited for

_log = structlog.get_logger("digitserve.shadow")


class ShadowKeeper:
    """Any number of processes may have one. Every method blocks, and may raise one of NOTHING_LASTS or StoreError."""

    def __init__(self, registry: Registry, database: Database, sample: Sample) -> None:
        self._registry = registry
        self._database = database
        self._sample = sample
        self._trail = Trail(database)
        self._tried: set[tuple[str, Act]] = set()  # steps that were announced

    def look(self, model: str) -> Shadow | None:
        """The comparison of a model that goes on, or the last one; what is due is done before."""
        with self._database.reading() as connection:
            known = ledger.active(connection, model)
        step = next_step(known, model, self._registry.aliases(model))
        if step is None:
            if known is not None:
                return known
            with self._database.reading() as connection:
                return ledger.newest(connection, model)
        if step.act not in _MOVES_ALIASES:
            return self._go_on(model, None)
        assert known is not None, "without a comparison nothing moves"
        with acting_as(_ACTOR), because_of(shadow=known.id), self._announced(known, step) as told:
            return self._go_on(model, told)

    @contextlib.contextmanager
    def _announced(self, shadow: Shadow, step: Step) -> Iterator[dict[str, Any]]:
        """Writes into the audit log what comes: a crash shall not hide a promotion. Once: a store that can't be written
        is tried again every few seconds."""
        key = shadow.id, step.act
        if key in self._tried:
            yield {}
            return
        self._tried.add(key)
        with self._trail.around(What.SHADOW_STEPPED, shadow.pair.model, {"step": str(step.act)}) as told:
            yield told

    def _go_on(self, model: str, told: dict[str, Any] | None) -> Shadow | None:
        """Takes the steps that are due; those that move an alias only where that was announced, and else after another
        look. The announcement is `told` what was refused."""
        gone: list[str] = []
        trouble = None
        unannounced = False
        with self._database.writing() as connection:
            ledger.one_at_a_time(connection)
            for _ in range(_MOST_STEPS):
                shadow = ledger.active(connection, model)  # first: who ends one takes the alias away before
                aliases = self._registry.aliases(model)
                step = next_step(shadow, model, aliases)
                unannounced = step is not None and step.act in _MOVES_ALIASES and told is None
                if step is None or unannounced:
                    break
                try:
                    gone += self._take(connection, shadow, step)
                except AliasConflict:  # moved this moment: the next look sees where
                    continue
                except VersionNotFound:  # its files were taken away from the store
                    if shadow is None:
                        break
                    if self._registry.aliases(model) != aliases:
                        continue
                    gone += self._end(connection, shadow, Phase.ENDED, "One of the two versions is gone.")
                except StoreError as refusal:
                    _log.error("challenger_not_moved", model=model, why=str(refusal))
                    trouble = str(refusal)
                    break
            found = ledger.newest(connection, model)
        self._sample.remove(gone)
        if unannounced:
            return self.look(model)
        if told is not None and trouble is not None:
            told |= {"outcome": ActOutcome.REFUSED, "why": trouble}
        return found if found is None or trouble is None else dataclasses.replace(found, why=trouble)

    def count(self, pair: Pair, compared: int, differed: int) -> Shadow | None:
        """Adds what was compared; the comparison, where these two still are."""
        shadow = self.look(pair.model)
        if shadow is None or not shadow.is_active or shadow.pair != pair:
            return None
        with self._database.writing() as connection:
            ledger.count(connection, pair, compared, differed)
        return shadow

    def label(self, model: str, picture_id: str, label: str) -> Shadow:
        """Counts a person's label of a picture that was shown, lets the picture go, and does what is due then.

        Raises NotFound, Conflict (`shadow_over`, `labelled_already`, `not_asked`), Unprocessable (`label_unknown`).
        """
        shadow = self._active(model)
        self._check_label(shadow.pair, label)
        with self._database.writing() as connection:
            ledger.one_at_a_time(connection)
            now_active = ledger.active(connection, model)
            if now_active is None or now_active.id != shadow.id:
                raise _over()
            reading = self._sample.answered(connection, shadow, picture_id, label)
            right = {reading.champion_label: "champion", reading.challenger_label: "challenger"}.get(label, "")
            ledger.tally(connection, shadow, right)
        self._sample.remove([picture_id])
        found = self.look(model)
        assert found is not None, "it has a row"
        return found

    def end(self, model: str) -> Shadow:
        """Ends a comparison and deletes its pictures; who answers goes on. Raises NotFound, Conflict."""
        shadow = self._active(model)
        try:
            with self._trail.around(*_taken_away(shadow.pair)):
                self._registry.unalias(model, CHALLENGER, expected=shadow.pair.challenger)
        except VersionNotFound:  # somebody was quicker, or its files are gone, so that no alias of it can be moved
            self._end_gone(shadow)
        except AliasConflict:
            raise _over() from None
        found = self.look(model)
        assert found is not None, "it has a row"
        return found

    def _end_gone(self, shadow: Shadow) -> None:
        with self._database.writing() as connection:
            ledger.one_at_a_time(connection)
            found = ledger.active(connection, shadow.pair.model)
            is_same = found is not None and found.id == shadow.id
            gone = self._end(connection, shadow, Phase.ENDED, "Somebody ended it.") if is_same else []
        self._sample.remove(gone)

    def labels(self, pair: Pair) -> list[str]:
        """All labels that one of the two knows."""
        every: dict[str, None] = {}
        for number in (pair.champion, pair.challenger):
            every |= dict.fromkeys(self._registry.resolve(Ref(pair.model, None, number)).manifest.labels)
        return list(every)

    def sweep(self) -> None:
        """Does what is due of every model, and forgets what is over."""
        with self._database.reading() as connection:
            names = ledger.models(connection)
        for name in names:
            try:
                self.look(name)
            except StoreError as refusal:  # unreadable aliases of one model
                _log.error("challenger_not_moved", model=name, why=str(refusal))
        self._sample.sweep()
        self._database.making_room(ledger.forget_surplus)

    def _active(self, model: str) -> Shadow:
        shadow = self.look(model)
        if shadow is None:
            raise no_shadow(model)
        if not shadow.is_active:
            raise _over()
        return shadow

    def _check_label(self, pair: Pair, label: str) -> None:
        if label == UNREADABLE:
            return
        every = self.labels(pair)
        if label not in every:
            some = ", ".join(every[:_SHOWN_LABELS])
            raise Unprocessable(
                "label_unknown", f"{pair.model} has no such label. It has {some}; or say {UNREADABLE}.", "label"
            )

    def _take(self, connection: Connection, shadow: Shadow | None, step: Step) -> Sequence[str]:
        """Takes one step; returns the pictures that go. Raises StoreError."""
        pair, store = step.pair, self._registry
        if step.act is Act.CROWN:
            store.promote(pair.model, pair.challenger, expected=pair.champion, alias=CHAMPION)
            trail.write(connection, *moved(pair.model, pair.challenger, pair.champion, CHAMPION))
            _log.warning("champion_moved", version=pair.ref(pair.challenger), before=pair.ref(pair.champion))
        elif step.act is Act.TURN:
            store.promote(pair.model, pair.champion, expected=pair.challenger, alias=CHALLENGER)
            trail.write(connection, *moved(pair.model, pair.champion, pair.challenger, CHALLENGER))
        elif step.act is Act.TAKE_AWAY:
            store.unalias(pair.model, CHALLENGER, expected=pair.challenger)
            trail.write(connection, *_taken_away(pair))
        elif step.act is Act.BEGIN:
            store.number(Ref(pair.model, None, pair.challenger))
            ledger.begin(connection, pair)
            _log.info("shadow_begins", champion=pair.ref(pair.champion), challenger=pair.ref(pair.challenger))
        else:
            assert shadow is not None, "only what goes on ends"
            gone = self._end(connection, shadow, step.phase, step.why)
            if step.act is Act.FOLLOW:
                ledger.begin(connection, pair, Phase.PROMOTED, step.why)
            return gone
        return []

    def _end(self, connection: Connection, shadow: Shadow, phase: Phase, why: str) -> Sequence[str]:
        ledger.end(connection, shadow, phase, why)
        _log.info("shadow_ends", state=str(phase), why=why)
        return self._sample.forget(connection, shadow.id)


def _taken_away(pair: Pair) -> tuple[What, str, Details]:
    return What.ALIAS_REMOVED, f"{pair.model}@{CHALLENGER}", {"version": pair.challenger}


def no_shadow(model: str) -> NotFound:
    """There never was a challenger, or it is forgotten."""
    return NotFound(
        "shadow_not_found",
        f"No version reads beside the champion of {model[:63]}. Make a job with promote: shadow, or point the alias "
        "challenger at a version.",
    )


def _over() -> Conflict:
    return Conflict("shadow_over", "The comparison is over. See how it ended.")
