"""Models: the only forward pass and softmax. Only here do probabilities arise."""

from models_store.model.fastest import PassedOver, agrees, load_fastest, quickest
from models_store.model.model import BUCKETS, PLAIN, Model, predict_all
from models_store.model.processor import Processor, best_device, use_threads

__all__ = [
    "BUCKETS", "PLAIN", "Model", "PassedOver", "Processor", "agrees", "best_device", "load_fastest", "predict_all",
    "quickest", "use_threads",
]  # fmt: skip
