"""The public half of the exchange's REST interface.

Each answer is a pure function of the market and of what was asked, one file a path; only
:mod:`~rxbybit.sim.rest.server` knows of HTTP. V5 manual, "Market".
"""

from rxbybit.sim.rest.answering import PATHS, Answer, answer
from rxbybit.sim.rest.quota import Quota
from rxbybit.sim.rest.server import Around, Handler, add_rest

__all__ = ["PATHS", "Answer", "Around", "Handler", "Quota", "add_rest", "answer"]
