"""How a process is at the moment, wired: whom its gauges ask."""

from app.decoding.decoder import Decoder
from app.inference.engine import Engine
from app.settings import Settings
from app.telemetry import machine
from app.telemetry.measures import Measures
from app.web.budget import ByteBudget


def gauges(measures: Measures, settings: Settings, engine: Engine, decoder: Decoder, budget: ByteBudget) -> None:
    """Each asks what changes on the event loop, and is asked there."""
    measures.waiting_rows.read = lambda: {(): sum(loaded.batcher.waiting_rows for loaded in engine.pool.loaded)}
    measures.waiting_decodes.read = lambda: {(kind,): count for kind, count in decoder.waiting.items()}
    measures.waiting_bytes.read = lambda: {(): budget.held}
    measures.waiting_bytes_limit.read = lambda: {(): settings.max_bytes_waiting}
    measures.loaded_versions.read = lambda: {
        (loaded.version.ref, loaded.model.candidate, loaded.model.device): 1 for loaded in engine.pool.loaded
    }
    machine.gauges(measures)
