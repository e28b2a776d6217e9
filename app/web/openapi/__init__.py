"""The OpenAPI document as a product: short names, every status with its codes, examples that agree with themselves."""

from app.web.openapi.document import install
from app.web.openapi.raised import raises

__all__ = ["install", "raises"]
