"""What can be made to go wrong, and the script that holds it.

A fault waits in :class:`Faults` until something happens that it is about, strikes, and is used
up after ``times`` strikes (``None``: it stays).

Counts of frames are counts of data frames over the life of one link, the first is 1;
acknowledgements and pongs do not count. Times are seconds since the exchange started, by its own
clock: a fault is in force from ``at_s`` on, for ``for_s`` seconds or for ever, and can strike only
then. So ``Cut(at_s=15)`` ends the first link that has carried a frame once 15 seconds have passed,
and ``Refuse(at_s=15, for_s=5, times=None)`` is an outage of five seconds.
"""

from rxbybit.sim.faults.kinds import (
    AuthReject,
    Close,
    Corrupt,
    Cut,
    Delay,
    Duplicate,
    Fault,
    How,
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
)
from rxbybit.sim.faults.reading import faults_of
from rxbybit.sim.faults.script import Faults

__all__ = [
    "AuthReject",
    "Close",
    "Corrupt",
    "Cut",
    "Delay",
    "Duplicate",
    "Fault",
    "Faults",
    "How",
    "Ignore",
    "Mute",
    "NoPong",
    "Redirect",
    "Refuse",
    "Reorder",
    "RestDown",
    "Restart",
    "Silence",
    "Skip",
    "SkipUpdate",
    "Slow",
    "Stall",
    "WithholdAck",
    "WithholdSnapshot",
    "faults_of",
]
