"""Simulated atomic objects, random histories of them, and judging by trying every order.

Nothing here uses the models or the search of the checker: objects are functions on plain Python
values. Histories are small, and their lines are numbered from 1 without gaps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any

from hypothesis import strategies as st

from quorate.consistency import UNKNOWN, History, Operation, Recorder, lines_of, read

Apply = Callable[[Any, Any, str, tuple[Any, ...]], tuple[Any, Any]]
"""(state, client, name, arguments) -> (result, state)"""


def register(state: Any, client: Any, name: str, args: tuple[Any, ...]) -> tuple[Any, Any]:
    if name == "read":
        return state, state
    if name == "write":
        return None, args[0]
    return (True, args[1]) if state == args[0] else (False, state)


def kv(state: Any, client: Any, name: str, args: tuple[Any, ...]) -> tuple[Any, Any]:
    store = dict(state or ())
    key, *rest = args
    held = store.get(key)
    result: Any = None
    if name == "get":
        result = held
    elif name == "put":
        store[key] = rest[0]
    elif name == "append":
        store[key] = (held or "") + rest[0]
    elif name == "delete":
        store.pop(key, None)
    else:
        result = held == rest[0]
        if result:
            store[key] = rest[1]
    return result, tuple(sorted(store.items()))


def queue(state: Any, client: Any, name: str, args: tuple[Any, ...]) -> tuple[Any, Any]:
    members = tuple(state or ())
    if name == "enqueue":
        return None, (*members, args[0])
    return (members[0], members[1:]) if members else (None, members)


def set_(state: Any, client: Any, name: str, args: tuple[Any, ...]) -> tuple[Any, Any]:
    members = frozenset(state or ())
    if name == "read":
        return sorted(members), members
    value = args[0]
    if name == "contains":
        return value in members, members
    if name == "add":
        return value not in members, members | {value}
    return value in members, members - {value}


def lock(state: Any, client: Any, name: str, args: tuple[Any, ...]) -> tuple[Any, Any]:
    held = dict(state or ())
    holder = held.get(args[0])
    if name == "acquire":
        free = holder is None
        return free, tuple(sorted({**held, args[0]: client}.items())) if free else state
    right = holder == client
    return (None, tuple((k, v) for k, v in held.items() if k != args[0])) if right else ("!", state)


OBJECTS: dict[str, Apply] = {
    "register": register,
    "kv": kv,
    "queue": queue,
    "set": set_,
    "lock": lock,
}

Calls = Callable[[Random], tuple[Any, ...]]


def _one(chance: Random) -> int:
    return chance.randint(1, 3)


def _key(chance: Random) -> str:
    return chance.choice("xy")


def _text(chance: Random) -> str:
    return chance.choice(["a", "b", "ab"])


CALLS: dict[str, list[Calls]] = {
    "register": [
        lambda _: ("read",),
        lambda chance: ("write", _one(chance)),
        lambda chance: ("cas", _one(chance), _one(chance)),
    ],
    "kv": [
        lambda chance: ("get", _key(chance)),
        lambda chance: ("get", _key(chance)),
        lambda chance: ("put", _key(chance), _text(chance)),
        lambda chance: ("append", _key(chance), _text(chance)),
        lambda chance: ("cas", _key(chance), _text(chance), _text(chance)),
        lambda chance: ("delete", _key(chance)),
    ],
    "queue": [lambda _: ("dequeue",), lambda chance: ("enqueue", _one(chance))],
    "set": [
        lambda chance: (chance.choice(["add", "remove", "contains"]), _one(chance)),
        lambda chance: (chance.choice(["add", "remove", "contains"]), _one(chance)),
        lambda _: ("read",),
    ],
    "lock": [lambda chance: (chance.choice(["acquire", "acquire", "release"]), _key(chance))],
}
_TRUTHS = (True, False)
RESULTS: dict[str, tuple[Any, ...]] = {
    "read": (None, 1, 2, 3),
    "get": (None, "a", "b", "ab", "aa"),
    "cas": _TRUTHS,
    "dequeue": (None, 1, 2, 3),
    "contains": _TRUTHS,
    "add": _TRUTHS,
    "remove": _TRUTHS,
    "acquire": _TRUTHS,
}


def histories(
    model: str, *, right: bool, operations: int = 6, clients: int = 3
) -> st.SearchStrategy[History]:
    """Histories of a simulated object; unless they are to be `right`, some results are others."""
    return st.builds(
        lambda seed, count: _history(Random(seed), model, right, count, clients),
        st.integers(0, 1 << 32),
        st.integers(1, operations),
    )


def _history(chance: Random, model: str, right: bool, left: int, clients: int) -> History:
    apply, recorder = OBJECTS[model], Recorder()
    state: Any = None
    open_: dict[int, list[Any]] = {}  # client -> [name, arguments, has taken effect, result]
    while left or open_:
        client = chance.randrange(clients) if left else chance.choice(sorted(open_))
        if client not in open_:
            left -= 1
            name, *args = chance.choice(CALLS[model])(chance)
            recorder.invoke(client, name, *args)
            open_[client] = [name, tuple(args), False, None]
            continue
        entry = open_[client]
        if not entry[2] and chance.random() > 0.1:
            result, after = apply(state, client, entry[0], entry[1])
            if result != "!":  # else it releases what it does not hold: such a client gives up
                state = after
                entry[2:] = [True, result]
                continue
        if not entry[2] or chance.random() < 0.1:
            recorder.loses(client)
        else:
            recorder.returns(client, _answer(chance, model, entry, right))
        del open_[client]
    return recorder.history()


def _answer(chance: Random, model: str, entry: list[Any], right: bool) -> Any:
    name, _, _, result = entry
    if right or name not in RESULTS or chance.random() < 0.7:
        return result
    if model == "set" and name == "read":
        return chance.sample([1, 2, 3], chance.randint(0, 3))
    return chance.choice(RESULTS[name])


def agrees(said: Any, result: Any) -> bool:
    """Whether what an operation has said is what an object says."""
    if said is UNKNOWN or (said is None and isinstance(result, bool)):
        return True
    if isinstance(result, list):
        return sorted(said) == result
    return bool(said == result)


def holds(history: History, apply: Apply) -> bool:
    """Whether it is linearizable, by trying every order (Wing and Gong 1993, without memory)."""
    return _any_order(
        [each for each in history.operations if each.outcome != "failed"], None, apply
    )


def _any_order(left: list[Operation], state: Any, apply: Apply) -> bool:
    if all(each.returned is None for each in left):
        return True
    first = min(each.returned for each in left if each.returned is not None)
    for each in left:
        if each.invoked < first:
            result, after = apply(state, each.client, each.name, each.args)
            if result != "!" and agrees(each.result, result):
                if _any_order([other for other in left if other is not each], after, apply):
                    return True
    return False


def prefix(history: History, line: int) -> History:
    """What is known of the history after that line."""
    return read([each.encode() for each in lines_of(history)[:line]])


def follows(order: Sequence[Operation], apply: Apply) -> bool:
    """Whether the object, asked in this order, says what the operations have said."""
    state: Any = None
    for each in order:
        result, state = apply(state, each.client, each.name, each.args)
        if not agrees(each.result, result):
            return False
    return True


def out_of_order(order: Sequence[Operation]) -> Iterator[tuple[Operation, Operation]]:
    """The pairs of which the second returned before the first was invoked."""
    for index, one in enumerate(order):
        for other in order[index + 1 :]:
            if other.returned is not None and other.returned < one.invoked:
                yield one, other
