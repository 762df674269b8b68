"""The websockets of the embedded exchange, by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, get_args

from rxbybit.config import Category

__all__ = ["PATHS", "PUBLIC_ENDPOINTS", "Endpoint", "PublicEndpoint"]

PublicEndpoint = Literal[Category, "legacy"]
"""Those with topics of the market: one of V5 a category, and that of the withdrawn wire."""
PUBLIC_ENDPOINTS: tuple[PublicEndpoint, ...] = get_args(PublicEndpoint)
Endpoint = Literal[PublicEndpoint, "private"]
"""Those, and the private one of V5."""
PATHS: Mapping[Endpoint, str] = MappingProxyType(
    {
        "inverse": "/v5/public/inverse",
        "linear": "/v5/public/linear",
        "spot": "/v5/public/spot",
        "option": "/v5/public/option",
        "private": "/v5/private",
        "legacy": "/realtime",
    }
)
