"""The embedded exchange: a real server on loopback that speaks the wire of the documents.

It shares nothing with the client but the dataclasses of :mod:`rxbybit.config`, so that what the
client has misread shows.
"""

from rxbybit.sim.accounts import DEMO_KEY, DEMO_SECRET, ApiKey
from rxbybit.sim.exchange import Exchange
from rxbybit.sim.faults import (
    AuthReject,
    Close,
    Corrupt,
    Cut,
    Delay,
    Duplicate,
    Fault,
    Faults,
    Ignore,
    Mute,
    NoPong,
    Redirect,
    Refuse,
    Reorder,
    Restart,
    RestDown,
    Silence,
    Skip,
    SkipUpdate,
    Slow,
    Stall,
    WithholdAck,
    WithholdSnapshot,
    faults_of,
)
from rxbybit.sim.link import Link
from rxbybit.sim.market import Market
from rxbybit.sim.recording import Frame, Recording
from rxbybit.sim.seen import Connect, Request
from rxbybit.sim.thread import ServedExchange, serve_in_thread

__all__ = [
    "DEMO_KEY",
    "DEMO_SECRET",
    "ApiKey",
    "AuthReject",
    "Close",
    "Connect",
    "Corrupt",
    "Cut",
    "Delay",
    "Duplicate",
    "Exchange",
    "Fault",
    "Faults",
    "Frame",
    "Ignore",
    "Link",
    "Market",
    "Mute",
    "NoPong",
    "Recording",
    "Redirect",
    "Refuse",
    "Reorder",
    "Request",
    "RestDown",
    "Restart",
    "ServedExchange",
    "Silence",
    "Skip",
    "SkipUpdate",
    "Slow",
    "Stall",
    "WithholdAck",
    "WithholdSnapshot",
    "faults_of",
    "serve_in_thread",
]
