"""The market behind the embedded exchange: a pure core, without I/O and without a clock.

Orders meet by price and time; everything that the public topics say follows from them. Time is an
argument, chance is seeded: the same seed and the same calls give the same frames, byte for byte.
"""
