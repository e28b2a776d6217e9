"""What was set: values that can't be used, names that nothing reads, settings that contradict each other, keys."""

from collections.abc import Iterator, Sequence

from app.cli.doctor.finding import Finding, bad, note, ok
from app.errors import NOTHING_LASTS
from app.settings import Settings, unknown
from app.supervision import exposure
from app.web.access.key_store import KeysFound
from app.web.access.loopback import listens_on_loopback


def unusable(refused: Sequence[str]) -> Iterator[Finding]:
    """`refused` are sentences about settings in whose place the defaults are taken here."""
    for sentence in refused:
        yield bad("settings", sentence, "Correct or unset it: no process starts so.")
    for slip in unknown():
        yield note("settings", slip, "Nothing reads it: rename or unset it.")


def contradictions(settings: Settings) -> Iterator[Finding]:
    """Two settings of which one has no effect, or refuses what the other allows."""
    found = list(_contradictions(settings))
    yield from found
    if not found:
        yield ok("settings", "no setting contradicts another")


def _contradictions(settings: Settings) -> Iterator[Finding]:
    if max(settings.max_body_bytes, settings.max_file_bytes) > settings.max_bytes_waiting // 2:
        yield note(
            "settings",
            "one client holds at most half of DIGITSERVE_MAX_BYTES_WAITING, which is less than "
            "DIGITSERVE_MAX_BODY_BYTES or DIGITSERVE_MAX_FILE_BYTES let in",
            "double the first, or lower the others: bodies in between get 503.",
        )
    if settings.feedback_promote != "never" and not settings.feedback_job_after:
        yield note(
            "settings", "DIGITSERVE_FEEDBACK_PROMOTE has no effect, because no job starts by itself",
            "set DIGITSERVE_FEEDBACK_JOB_AFTER too, or leave both.",
        )  # fmt: skip
    if settings.feedback_promote == "shadow" and not settings.shadow_share:
        yield note(
            "settings", "DIGITSERVE_FEEDBACK_PROMOTE is shadow, and DIGITSERVE_SHADOW_SHARE 0 lets challengers read "
            "nothing", "give them a share, such as 0.2.",
        )  # fmt: skip
    if settings.jobs_max_per_client > settings.jobs_max_waiting:
        yield note(
            "settings", "DIGITSERVE_JOBS_MAX_PER_CLIENT is above DIGITSERVE_JOBS_MAX_WAITING, so that one client can "
            "take every place", "lower it.",
        )  # fmt: skip
    if settings.job_streams_per_client > settings.job_streams:
        yield note(
            "settings", "DIGITSERVE_JOB_STREAMS_PER_CLIENT is above DIGITSERVE_JOB_STREAMS, so that one client "
            "can take every place", "lower it.",
        )  # fmt: skip
    if settings.root_path and not settings.trusted_proxies:
        yield note(
            "settings", "DIGITSERVE_ROOT_PATH says that a proxy stands in front, and DIGITSERVE_TRUSTED_PROXIES names "
            "none, so that all who come through it are one client", "name its address.",
        )  # fmt: skip


def keys(settings: Settings, database_seconds: float) -> Iterator[Finding]:
    """Who gets in."""
    try:
        found = exposure.count(settings, database_seconds)
    except NOTHING_LASTS:  # said of the database already
        yield note("keys", "keys: the database does not say which there are; nobody is let in until it does")
        return
    why = exposure.refusal(settings, found, is_local=listens_on_loopback(settings.host))
    if why:
        yield bad("keys", "keys: the server would refuse to start.", why)
    else:
        yield from _let_in(settings, found)


def _let_in(settings: Settings, found: KeysFound) -> Iterator[Finding]:
    make = "`digitserve keys create` makes one"
    if found.usable:
        yield ok("keys", f"keys: {len(found.usable)} of them count, and nobody is let in without one")
    elif found.ever_made:
        yield note("keys", "keys: none counts any longer, so nobody is let in", make)
    else:
        who = f"whoever reaches {settings.host}" if settings.insecure else "this machine"
        yield note("keys", f"keys: there is none, and {who} may do all that the service does", make)
    if settings.insecure and found.ever_made:
        yield note("keys", "DIGITSERVE_INSECURE has no effect since the first key was made", "unset it.")
