"""Judging histories of operations, whoever recorded them: a library of its own.

Histories come from `read_file`, `read` or a `Recorder`. Every judgement has a `verdict`, and what
shows that it is right. Invariant: nothing here knows of processes, worlds or the compiler.
"""

from quorate.consistency.anomalies import Anomaly, Transactions, check_transactions
from quorate.consistency.history import History, HistoryError, Operation, Recorder
from quorate.consistency.limits import Limits, Verdict
from quorate.consistency.linearizability import Linearizability, check_linearizability
from quorate.consistency.models import MODELS, REFUSED, Model
from quorate.consistency.reading import lines_of, read, read_file
from quorate.consistency.sequential import Sequential, check_sequential
from quorate.consistency.sessions import Sessions, check_sessions
from quorate.consistency.values import UNKNOWN

__all__ = [
    "MODELS",
    "REFUSED",
    "UNKNOWN",
    "Anomaly",
    "History",
    "HistoryError",
    "Limits",
    "Linearizability",
    "Model",
    "Operation",
    "Recorder",
    "Sequential",
    "Sessions",
    "Transactions",
    "Verdict",
    "check_linearizability",
    "check_sequential",
    "check_sessions",
    "check_transactions",
    "lines_of",
    "read",
    "read_file",
]
