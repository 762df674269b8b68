"""The market behind the embedded exchange: a pure core, without I/O and without a clock.

Orders meet by price and time; everything that the public topics say follows from them. Time is an
argument, chance is seeded: the same seed and the same calls give the same frames, byte for byte.
"""

from rxbybit.sim.market.catalogue import Delisting, Listing, default_instruments, default_script
from rxbybit.sim.market.instruments import Instrument, Temper
from rxbybit.sim.market.many import many_instruments
from rxbybit.sim.market.market import Market, Push

__all__ = [
    "Delisting",
    "Instrument",
    "Listing",
    "Market",
    "Push",
    "Temper",
    "default_instruments",
    "default_script",
    "many_instruments",
]
