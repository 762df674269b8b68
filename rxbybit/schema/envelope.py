"""What surrounds the data of frames: each wire names the one that its frames have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from marshmallow import fields as stock
from marshmallow import validate

from rxbybit.schema import fields
from rxbybit.schema.fields import WireSchema
from rxbybit.schema.legacy import Microseconds

__all__ = [
    "LegacyEnvelope",
    "LegacyKindEnvelope",
    "LegacyTimeEnvelope",
    "PrivateEnvelope",
    "PublicEnvelope",
]


class PublicEnvelope(WireSchema):
    """Of every public V5 topic (V5 manual, "Websocket Stream").

    Keys beside these are ``topic``, by which a frame was routed here, ``cs`` (a cross
    sequence, of tickers) and ``id`` (of options).
    """

    kind = stock.String(
        required=True, data_key="type", validate=validate.OneOf(("snapshot", "delta"))
    )
    sent_ms = fields.Milliseconds(required=True, data_key="ts")
    data = stock.Raw(required=True)
    matched_ms = fields.Milliseconds(data_key="cts", empty=True)

    ignored: ClassVar[Mapping[str, str]] = {
        "topic": "the frame was routed by it",
        "cs": "a cross sequence that nothing else refers to",
        "id": "of options: topic and time once more",
    }


class PrivateEnvelope(WireSchema):
    """Of every private V5 topic: all are of one kind, and tell no time of matching.

    Source: https://bybit-exchange.github.io/docs/v5/websocket/private/position and its sisters.
    """

    sent_ms = fields.Milliseconds(required=True, data_key="creationTime")
    data = stock.Raw(required=True)

    ignored: ClassVar[Mapping[str, str]] = {
        "topic": "the frame was routed by it",
        "id": "of the message; fast executions have none",
    }


class LegacyEnvelope(WireSchema):
    """Of the legacy topics that say nothing but their data: trades, insurance, liquidations, and
    all private ones (legacy manual, inverse perpetual websocket).
    """

    data = stock.Raw(required=True)

    ignored: ClassVar[Mapping[str, str]] = {
        "topic": "the frame was routed by it",
        "action": "always update, or nothing; in frames until 2020 and of the linear sibling",
        "user_id": "of the account, in old frames",
    }


class LegacyTimeEnvelope(WireSchema):
    """Of legacy candles, which say when they were sent."""

    data = stock.Raw(required=True)
    sent_ms = Microseconds(required=True, data_key="timestamp_e6")

    ignored: ClassVar[Mapping[str, str]] = {"topic": "the frame was routed by it"}


class LegacyKindEnvelope(WireSchema):
    """Of legacy tickers and books, which have kinds and a place in the order of a symbol's events.

    The linear sibling sends both numbers as text.
    """

    kind = stock.String(
        required=True, data_key="type", validate=validate.OneOf(("snapshot", "delta"))
    )
    data = stock.Raw(required=True)
    sequence = fields.Whole(data_key="cross_seq")
    sent_ms = Microseconds(required=True, data_key="timestamp_e6")

    ignored: ClassVar[Mapping[str, str]] = {"topic": "the frame was routed by it"}
