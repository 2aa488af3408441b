"""What compiled programs use of the core: the generated code imports this module and no other."""

import builtins
from functools import partial

from quorate.core.ambient import here, random, show, time
from quorate.core.choosing import Branches, witness
from quorate.core.classes import Fused, Handler, Keeper
from quorate.core.containers import chosen, chosen_in_order, observed, type_of
from quorate.core.errors import ProgramError
from quorate.core.extremes import (
    Falling,
    Greatest,
    Highest,
    Least,
    Lowest,
    Rising,
    Sorted,
    Total,
    Unlike,
)
from quorate.core.frames import SERVE, WAIT, Frame, begin, routine
from quorate.core.history import entries_of, greatest, least, members, product
from quorate.core.history import members_in_order as in_order
from quorate.core.ids import ProcessId
from quorate.core.iteration import END, items
from quorate.core.joins import Bottom, First, Joined, Lasting, Relation, Top
from quorate.core.members import Members
from quorate.core.messages import own_copy as own
from quorate.core.pending import Pending
from quorate.core.process import Process
from quorate.core.properties import News, Property, Question, Reading, Specification
from quorate.core.settled import SettledFacts, SettledGroups
from quorate.core.views import Every, Facts, Groups, Rows

__all__ = [
    "END",
    "SERVE",
    "WAIT",
    "Bottom",
    "Branches",
    "Every",
    "Facts",
    "Falling",
    "First",
    "Frame",
    "Fused",
    "Greatest",
    "Groups",
    "Handler",
    "Highest",
    "Joined",
    "Keeper",
    "Lasting",
    "Least",
    "Lowest",
    "Members",
    "News",
    "Pending",
    "Process",
    "ProcessId",
    "ProgramError",
    "Property",
    "Question",
    "Reading",
    "Relation",
    "Rising",
    "Rows",
    "SettledFacts",
    "SettledGroups",
    "Sorted",
    "Specification",
    "Top",
    "Total",
    "Unlike",
    "begin",
    "builtins",
    "chosen",
    "chosen_in_order",
    "entries_of",
    "greatest",
    "here",
    "in_order",
    "items",
    "least",
    "members",
    "observed",
    "own",
    "partial",
    "product",
    "random",
    "routine",
    "show",
    "time",
    "type_of",
    "witness",
]
