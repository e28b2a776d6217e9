"""What operations and their groups are called."""

from typing import Any

from fastapi.routing import APIRoute

# In the order in which a reader needs them.
TAGS: tuple[dict[str, Any], ...] = (
    {"name": "predict", "description": "Pictures are read: one, many, or a page of digits."},
    {"name": "feedback", "description": "Corrections: what a picture really shows. They come, are looked at, and go."},
    {"name": "review", "description": "Pictures that a version was uncertain of, and that wait for a person."},
    {"name": "files", "description": "Data sets that jobs learn from, in OpenAI's shapes."},
    {"name": "fine-tuning", "description": "Jobs that make new versions, in OpenAI's shapes."},
    {"name": "models", "description": "What versions there are, which one serves, and which reads beside it."},
    {"name": "operation", "description": "How the service does, for whoever operates it."},
    {"name": "audit", "description": "Who decided what, and when."},
    {"name": "v2", "description": "The Open Inference Protocol: what `tritonclient` and KServe's tools speak."},
    {"name": "health", "description": "How the process is, for whoever starts and watches it."},
)


def operation_id(route: APIRoute) -> str:
    """An operation is called as the function is that answers it: `list_models` is `listModels`. Clients that are
    generated have methods of these names, so that none of them ever changes.
    """
    first, *more = route.name.split("_")
    return first + "".join(word.capitalize() for word in more)
