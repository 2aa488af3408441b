"""The methods of a process class that begin its views and add to them.

    match message:
        case ['accepted', n, v]:
            self.accepted_by_n_.add(n, v)

Where an await reads the view, the process is marked as stale if that changes it. Invariant: every
view that a method of the class reads is begun and kept here, and nothing else is kept.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Sequence

from quorate.compiler.fusing import Written, fused
from quorate.compiler.growing import settled_by
from quorate.compiler.matching import constant_at_head, guarded, only_arguments, pack
from quorate.compiler.names import CORE, assign, call, core, literal, load
from quorate.compiler.queries import QueryWriter
from quorate.compiler.views import DISTINCT, PENDING, Shape, View, Views, pattern_of, repeated


class KeeperWriter(QueryWriter):
    """Writes the methods that keep views."""

    grows: set[str] = set()  # the fields of the process class around that only grow

    def keepers(self, views: Views, handlers: list[Written], at: ast.AST) -> list[ast.stmt]:
        """What a class whose queries and handlers have been written defines for its views."""
        self._drop_facts()
        written: list[ast.stmt] = []
        told: list[ast.expr] = []
        joined: list[ast.expr] = []
        for kind in ("received", "sent"):
            own = [view for view in views.views if view.split.kind == kind]
            for view in own:
                view.settled = None if view.kind == PENDING else settled_by(view, self.grows)
            if own:
                written.append(self._beginning(kind, own))
            shapes: dict[Shape, list[View]] = {}
            for view in own:
                shapes.setdefault(view.split.shape, []).append(view)
            for shape, of_shape in shapes.items():
                name = views.free(f"keep_{views.prefix}{of_shape[0].title}_")
                written.append(_method(name, PARAMETERS, self._matching(shape, of_shape, at)))
                tag = [] if (head := _head(shape, at)) is None else [head]
                told.append(call(core("Keeper"), ast.Constant(kind), load(name), *tag))
                for handler in handlers if kind == "received" else ():
                    if (both := fused(handler, shape, of_shape)) is not None:
                        written.append(both)
                        parts = (name, handler.function.name, both.name)
                        joined.append(call(core("Fused"), *map(load, parts)))
        for what, facts in (("own_keepers_", told), ("own_fused_", joined)):
            if facts:
                told_as = ast.Tuple(facts, ast.Load())
                written.append(assign(ast.Name(what, ast.Store()), told_as))
        for statement in written:
            for node in ast.walk(statement):
                if "lineno" in node._attributes and not hasattr(node, "lineno"):
                    ast.copy_location(node, at)
        return written

    def _drop_facts(self) -> None:
        """Have facts dropped with the rows they settle, where nobody else asks for them."""
        for found in self.settlings:
            if found.holds() and not any(k.arg == "views" for k in found.opening.keywords):
                process = found.opening.func.value.value  # type: ignore[attr-defined]
                facts = ast.Attribute(copy.deepcopy(process), found.facts.name, ast.Load())
                found.opening.keywords.append(ast.keyword("settles", facts))
                found.pending.details = found.places
                found.facts.dropped = True

    def _beginning(self, kind: str, views: Sequence[View]) -> ast.stmt:
        body: list[ast.stmt] = [
            assign(ast.Attribute(load("self"), view.name, ast.Store()), _new(view))
            for view in views
        ]
        return _method(f"{kind}_views_", ["self"], body)

    def _matching(self, shape: Shape, views: Sequence[View], at: ast.AST) -> list[ast.stmt]:
        """One `match` for all views of messages of a shape."""
        names = _slot_names(shape, views)
        found = self.matcher(())
        found.taken |= {*PARAMETERS, *names.values()}
        if _head(shape, at) is not None:
            found.tuples.add("message")
        cases: list[tuple[ast.expr, ast.pattern]] = []
        for subject, part in zip(PARAMETERS[1:], shape, strict=True):
            if part[0] == "again":
                found.guards.append(ast.Compare(load(subject), [ast.Eq()], [load(names[part[1]])]))
            elif part[0] != "slot":
                pattern = found.add(pattern_of(part, names, at), subject)
                cases.append((load(subject), pattern))
        return guarded(cases, found.guard(), [_adding(view, names) for view in views])


PARAMETERS = ["self", "message", "peer", "stamp"]


def _head(shape: Shape, at: ast.AST) -> ast.Constant | None:
    """The constant that the messages of a shape, which are tuples, begin with."""
    return constant_at_head(pattern_of(shape[0], {}, at))


def _slot_names(shape: Shape, views: Sequence[View]) -> dict[int, str]:
    """What the slots are called that some view needs, or that occur more than once."""
    wanted = {slot for view in views for slot in (*view.keys, *view.rows)} | repeated(shape)
    hints = {slot: hint for view in reversed(views) for slot, hint in view.split.hints.items()}
    whole = {
        part[1]: name for part, name in zip(shape, PARAMETERS[1:], strict=True) if part[0] == "slot"
    }
    names = {slot: name for slot, name in whole.items() if slot in wanted}
    taken = {*PARAMETERS, CORE}
    for slot in sorted(wanted - names.keys()):
        name = hints.get(slot, "value")
        while name in taken:
            name += "_"
        taken.add(name)
        names[slot] = name
    return names


def _adding(view: View, names: dict[int, str]) -> ast.stmt:
    """`self.view.add(key, row)`, and what follows from it."""
    key = [_packed(view.keys, names)] if view.keys else []
    row = [] if view.of_facts else [_packed(view.rows, names)]
    add = ast.Attribute(ast.Attribute(load("self"), view.name, ast.Load()), "add", ast.Load())
    added = call(add, *key, *row)
    if not (view.wakes or view.checked):
        return ast.Expr(added)
    mark = ast.Attribute(load("self"), "unseen_" if view.checked else "stale_", ast.Store())
    return ast.If(added, [assign(mark, ast.Constant(True))], [])


def _packed(slots: Sequence[int], names: dict[int, str]) -> ast.expr:
    return pack([names[slot] for slot in slots])


def _new(view: View) -> ast.expr:
    if view.kind == PENDING and not view.keys:
        plain = call(core(view.kind))
        if not view.details:
            return plain
        in_order = ast.Attribute(load("self"), "in_order_", ast.Load())
        return ast.IfExp(in_order, call(core(view.kind), *map(literal, view.details)), plain)
    kind: list[ast.expr] = [] if view.kind == DISTINCT else [core(view.kind)]
    if any(detail is not None for detail in view.details):
        kind = [call(core("partial"), *kind, *map(literal, view.details))]
    if not view.keys:
        return call(core("Rows"), *kind)
    name = "Facts" if view.of_facts else "Groups"
    plain = call(core(name), *kind)
    if view.settled is None:
        return plain
    place = literal(view.settled[0] if len(view.keys) > 1 else None)
    alone = ast.Attribute(load("self"), "alone_", ast.Load())
    return ast.IfExp(alone, call(core(f"Settled{name}"), place, *kind), plain)


def _method(name: str, parameters: list[str], body: list[ast.stmt]) -> ast.stmt:
    method = ast.FunctionDef(
        name=name,
        args=only_arguments([ast.arg(p) for p in parameters]),
        body=body,
        decorator_list=[],
    )
    method.type_params = []  # type: ignore[attr-defined]
    return method
