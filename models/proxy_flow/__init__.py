"""Flows of nodes given their parents and an inferred hidden cause, which proxies make identifiable."""

from .model import ProxyFlow

__all__ = ["ProxyFlow"]
