"""Queries and patterns, written as Python: a comprehension over the rows of views.

    some(received(('accepted', n, v), from_=_a), has=n > m)
    any(frame.set_(n=n, v=v) for n, v in self.accepted_by_a_[a] if n > frame.m)

Where no view can answer, and where none is wanted, it goes over the history, whose entries a
generator function matches: `_accepted_31(self.received_, a)`. That is the oracle of the views.
"""

from __future__ import annotations

import ast
import copy
import keyword
from collections.abc import Iterable, Mapping
from typing import Any

from quorate.compiler.escaping import Escaping, holds_history
from quorate.compiler.extremes import EXTREMES, Extreme, columns_of, extreme_of
from quorate.compiler.fields import Places, choose, cost_of, places_of
from quorate.compiler.joins import DIFFERENT, LASTING, Join, join_of
from quorate.compiler.matchers import MatcherWriter
from quorate.compiler.matching import only_arguments, tag_of
from quorate.compiler.names import Level, assign, call, core, literal, load
from quorate.compiler.pendings import Apart, taken_apart
from quorate.compiler.plan import (
    AWAKE,
    BISECTED,
    BISECTED_AND_ANSWERS,
    HISTORY,
    MATCHES,
    NEW_AND_ANSWERS,
    NEW_ROWS,
    ONE,
    ROWS,
    TOPS,
    Plan,
)
from quorate.compiler.ranges import Range, range_of
from quorate.compiler.rising import Head, Settling, settling
from quorate.compiler.tops import top_of
from quorate.compiler.views import (
    DISTINCT,
    EVERY,
    GREATEST,
    LEAST,
    PENDING,
    RELATION,
    SORTED,
    TOTAL,
    UNLIKE,
    Split,
    View,
    split,
)
from quorate.lang import nodes

COLLECTED = {"setof": ast.SetComp, "listof": ast.ListComp}
LISTED = {"listof", "tupleof", "dictof"}  # in what they answer, values may be changeable
COUNTING = {"listof", "tupleof", "dictof", "sumof", "prodof"}  # equal rows are not one
ORDERED = {"listof", "tupleof", "dictof"}
SUMMED = {"sumof", "prodof"}  # fractions add up to something else in another order


class QueryWriter(MatcherWriter):
    """Writes queries."""

    def __init__(self, program: nodes.Program) -> None:
        super().__init__(program)
        self.lets_out = True  # whether what a query answers may be kept or changed
        self.has_views = True  # else every query goes over the history
        self.branching = False  # whether any witness of a `some` may be left, not just the first
        self.asked_views: list[View] = []  # lately
        self.rising: dict[Head, set[int]] = {}  # messages that carry the time of their sending
        self.settlings: list[Settling] = []  # of the process class around
        self.plan = Plan()
        self.depth = 0  # of queries inside of one another
        self.testing = False  # whether an await is being written

    # Patterns, matched by generator functions.

    def _messages(self, node: nodes.Messages) -> tuple[ast.expr, list[str]]:
        """A call that yields what the matching messages bind, and the names in order."""
        self.views.histories.add(node.kind)
        self.plan.answer(None, HISTORY, f"all that was {node.kind}")
        found = self.matcher((node.message, node.peer, node.stamp))
        names, subjects = self.subjects(node, found)
        hint = tag_of(node.message) or node.kind
        name = self.generator(hint, names, subjects, found, node)
        entries = ast.Attribute(self.process, f"{node.kind}_", ast.Load())
        values = [self.visit(value) for value in found.values.values()]
        return call(load(name), entries, *values), found.bound

    def _domain(
        self, node: nodes.Domain, places: Places, apart: Apart | None, *, ordered: bool
    ) -> tuple[ast.expr, list[str]]:
        collection = self.visit(node.collection)
        chosen, ordered = ordered, ordered and not places
        if apart is not None:
            collection = self._awake(apart, collection, node, ordered=ordered)
        elif not isinstance(collection, (ast.Set, ast.Tuple, ast.List)) or ordered:
            collection = call(core("in_order" if ordered else "members"), collection)
        if isinstance(node.pattern, nodes.BindPattern):
            return collection, [node.pattern.name]
        if isinstance(node.pattern, nodes.AnyPattern):
            return collection, []
        found = self.matcher([node.pattern])
        member = found.own("member")
        hint = tag_of(node.pattern) or "member"
        name = self.generator(hint, [member], [(member, node.pattern)], found, node)
        if places:
            choose(self.matchers[-1], places, found, ordered=chosen)
        values = [self.visit(value) for value in found.values.values()]
        return call(load(name), collection, *values), found.bound

    def visit_Messages(self, node: nodes.Messages) -> ast.expr:
        """Standing as a condition: is there such a message?"""
        with self.plan.query(node):
            return self._has_messages(node)

    def _has_messages(self, node: nodes.Messages) -> ast.expr:
        asked = self._asked(node, set())
        if asked is not None:
            view = self._view(asked, [], DISTINCT, node)
            self.plan.answer(view, ONE)
            of_view = ast.Attribute(self.process, view.name, ast.Load())
            if not asked.keys:
                return ast.copy_location(call(self.builtin("bool"), of_view), node)
            held = ast.Compare(self._key(asked), [ast.In()], [of_view])
            return ast.copy_location(held, node)
        messages, _ = self._messages(node)
        return ast.copy_location(call(self.builtin("any"), messages), node)

    # Patterns as views.

    def _asked(self, node: nodes.Messages, used: set[str]) -> Split | None:
        """What is asked of a view, None where the history itself is gone over."""
        return split(node, used) if self.has_views else None

    def _view(
        self,
        asked: Split,
        rows: list[int],
        kind: str,
        node: nodes.Messages,
        details: tuple[Any, ...] = (),
    ) -> View:
        tag = tag_of(node.message, whole=False)
        plain = node.kind == "received" and tag.isidentifier() and not keyword.iskeyword(tag)
        title = tag if plain else f"{node.kind}_{tag}".rstrip("_")
        view = self.views.view(asked, rows, kind, title, details)
        view.wakes |= self.testing
        view.asked.append([value for _, value in asked.keys])
        self.asked_views.append(view)
        return view

    def _key(self, asked: Split) -> ast.expr:
        values = [self.visit(value) for _, value in asked.keys]
        return values[0] if len(values) == 1 else ast.Tuple(values, ast.Load())

    def _pending(
        self, apart: Apart, asked: Split, names: list[str], node: nodes.Messages
    ) -> ast.expr:
        """`self.pending_request_c_p_.open(...)`: the rows that may decide an outermost query."""
        view = self._rows(asked, names, PENDING, node, AWAKE)
        params = [self.visit(copy.deepcopy(param)) for param in apart.params]
        values = ast.Tuple(params, ast.Load())
        given: dict[str, ast.expr] = {"params": ast.Lambda(only_arguments([]), values)}
        self.asked_views = []
        if apart.final:
            self.levels.append(Level(set(names)))
            tests = [self.visit(copy.deepcopy(part)) for part in apart.final]
            self.levels.pop()
            test = tests[0] if len(tests) == 1 else ast.BoolOp(ast.Or(), tests)
            given["final"] = ast.Lambda(only_arguments([ast.arg(name) for name in names]), test)
        opening = call(ast.Attribute(view, "open", ast.Load()), **given)
        if len(apart.final) == 1 and isinstance(apart.final[0], nodes.Messages):
            (facts,) = self.asked_views
            pending = self.views.named(view)
            found = settling(opening, pending, facts, names, node, self.rising)
            self.settlings += [] if found is None else [found]
        return opening

    def _awake(
        self, apart: Apart, collection: ast.expr, node: nodes.Domain, *, ordered: bool
    ) -> ast.expr:
        """`_members_27.awake(self, self.ps, lambda: (c,))`: the members that may decide."""
        name = self.new_name("_members", node.lineno)  # type: ignore[attr-defined]
        query = call(core("Members"), *([ast.Constant(True)] if ordered else []))
        self.matchers.append(ast.copy_location(assign(ast.Name(name, ast.Store()), query), node))
        params = [self.visit(copy.deepcopy(param)) for param in apart.params]
        values = ast.Lambda(only_arguments([]), ast.Tuple(params, ast.Load()))
        self.asked_views = []
        opening = ast.Attribute(load(name), "awake", ast.Load())
        return call(opening, self.process, collection, values)

    def _watch_resets(self, opening: ast.expr, clause: ast.AST) -> None:
        """Name the views that may begin anew while these rows stay: of the other history, or all
        that are read of members."""
        if isinstance(clause, nodes.Domain) and not isinstance(clause.pattern, nodes.BindPattern):
            assert isinstance(opening, ast.Call)
            opening = opening.args[0]
        assert isinstance(opening, ast.Call)
        kind = clause.kind if isinstance(clause, nodes.Messages) else None
        names = dict.fromkeys(v.name for v in self.asked_views if v.split.kind != kind)
        views: list[ast.expr] = [ast.Attribute(self.process, n, ast.Load()) for n in names]
        if views:
            opening.keywords.append(ast.keyword("views", ast.Tuple(views, ast.Load())))

    def _extreme(
        self, extreme: Extreme, asked: Split, node: nodes.Messages
    ) -> tuple[ast.expr, list[str]]:
        """The rows that can answer a query of this extreme, and the names they bind in order."""
        kind, bound = extreme.kind, extreme.columns
        if kind in (GREATEST, LEAST, TOTAL):
            return self._rows(asked, bound, kind, node, ONE), bound
        compared = len(bound)
        bound = [*bound, *(name for name in asked.rows if name not in bound)]
        details = (None if len(bound) == compared else tuple(range(compared)),)
        cost = ONE if kind == UNLIKE else BISECTED
        rows = self._rows(asked, bound, kind, node, cost, details)
        if extreme.bound is not None:
            wanted = self.visit(copy.deepcopy(extreme.bound))
            rows = call(ast.Attribute(rows, "beyond", ast.Load()), wanted)
        return rows, bound

    def _sorted(
        self, side: Range, asked: Split, names: list[str], node: nodes.Messages
    ) -> ast.expr:
        """`self.sorted_x_c_.within(lambda: self.n, True, False)`: those on one side of a value."""
        alone = len(names) == 1
        nearest = side.nearest and alone
        cost = BISECTED if nearest else BISECTED_AND_ANSWERS
        details = (None if alone else (names.index(side.name),),)
        rows = self._rows(asked, names, SORTED, node, cost, details)
        bound = ast.Lambda(only_arguments([]), self.visit(copy.deepcopy(side.bound)))
        sides = [ast.Constant(side.upward), ast.Constant(nearest)]
        return call(ast.Attribute(rows, "within", ast.Load()), bound, *sides)

    def _all(
        self, asked: Split, names: list[str], query: nodes.Query, node: nodes.Messages
    ) -> ast.expr:
        """The rows of a query that may need each of them, but for those that others top."""
        top = None if query.op in COUNTING else top_of(query)
        if top is not None:
            of, by = (tuple(map(names.index, columns)) for columns in (top.of, top.by))
            details = (None, by) if len(names) == 1 else (of, by)
            return self._rows(asked, names, top.kind, node, TOPS, details)
        side = None if query.op in COUNTING else range_of(query)
        if side is not None:
            return self._sorted(side, asked, names, node)
        first = query.op == "some" and len(query.clauses) == 1 and query.condition is None
        many = ONE if first or not names else MATCHES if asked.keys else ROWS
        return self._rows(asked, names, EVERY if query.op in COUNTING else DISTINCT, node, many)

    def _rows(
        self,
        asked: Split,
        names: list[str],
        kind: str,
        node: nodes.Messages,
        cost: str,
        details: tuple[Any, ...] = (),
    ) -> ast.expr:
        """The rows that bind `names`, in this order."""
        view = self._view(asked, [asked.rows[name] for name in names], kind, node, details)
        self.plan.answer(view, cost)
        of_view = ast.Attribute(self.process, view.name, ast.Load())
        return ast.Subscript(of_view, self._key(asked), ast.Load()) if asked.keys else of_view

    # Queries.

    def visit_Query(self, node: nodes.Query) -> ast.expr:
        extreme = extreme_of(node) if self._is_decided_early(node) else None
        self.depth += 1
        with self.plan.query(node):
            written = self._query(node, extreme)
        self.depth -= 1
        return written

    def _is_decided_early(self, node: nodes.Query) -> bool:
        """Whether a query may be answered by less than all rows for which it holds."""
        return self.has_views and not (self.branching and node.witness)

    def _apart(self, node: nodes.Query) -> Apart | None:
        """The condition of an outermost query, where it pays not to evaluate it for every row."""
        if not self._is_decided_early(node) or self.depth > 1:
            return None
        apart = taken_apart(node, self.given)
        return apart if apart is not None and (apart.final or self.testing) else None

    def _joined(self, join: Join, level: Level, node: nodes.Query) -> ast.comprehension:
        """`for a, c in _joined_27.open(self, (self.relation_x_a_b_.rows, ...), lambda ...)`."""
        counted = join.kept not in (DIFFERENT, LASTING) or node.op in ("lenof", "countof")
        cost = NEW_ROWS if counted else NEW_AND_ANSWERS
        columns: list[list[str]] = []
        relations: list[ast.expr] = []
        for clause in (*join.clauses, *join.denied):
            asked = split(clause, join.used)
            assert asked is not None
            columns.append(list(asked.rows))
            rows = self._rows(asked, columns[-1], RELATION, clause, cost, (len(columns[-1]),))
            plain = isinstance(rows, ast.Attribute)
            relations.append(ast.Attribute(rows, "rows", ast.Load()) if plain else rows)
            level.held |= set(nodes.bound_names(clause.message))
        name = self.new_name("_joined", node.lineno)
        kinds, denied = columns[: len(join.clauses)], columns[len(join.clauses) :]
        facts = [literal(tuple(map(tuple, kinds))), literal(tuple(join.wanted))]
        kept: list[ast.expr] = [] if join.kept == DIFFERENT else [core(join.kept)]
        kept += [literal(tuple(map(tuple, denied)))] if denied else []
        query = assign(ast.Name(name, ast.Store()), call(core("Joined"), *facts, *kept))
        self.matchers.append(ast.copy_location(query, node))
        given: list[ast.expr] = [self.process, ast.Tuple(relations, ast.Load())]
        if join.test is not None:
            self.levels.append(Level(set(join.names)))
            test = self.visit(copy.deepcopy(join.test))
            self.levels.pop()
            given.append(ast.Lambda(only_arguments(list(map(ast.arg, join.names))), test))
        if join.params:
            params = [self.visit(copy.deepcopy(param)) for param in join.params]
            given.append(ast.Lambda(only_arguments([]), ast.Tuple(params, ast.Load())))
        level.names |= set(join.wanted)
        opening = call(ast.Attribute(load(name), "open", ast.Load()), *given)
        return ast.comprehension(_target(join.wanted, level), opening, [], 0)

    def _query(self, node: nodes.Query, extreme: Extreme | None) -> ast.expr:
        apart = self._apart(node) if extreme is None else None
        outermost = self._is_decided_early(node) and self.depth == 1
        join = join_of(node, self.given) if outermost and apart is None else None
        default = node.default and self.visit(node.default)
        lets_out, self.lets_out = self.lets_out, False  # collections and conditions do not
        walrus = {w.id for w in node.witness if isinstance(w, ast.Name) and self.keeps(w.id)}
        again = sorted(walrus | _read_before_bound(node))
        level = Level(set())
        self.levels.append(level)
        for name in again:
            level.renamed[name] = self.unused(f"{name}_")
        ordered = node.op in ORDERED or bool(node.witness)
        generators = [] if join is None else [self._joined(join, level, node)]
        early: list[ast.expr] = []
        for clause in node.clauses if join is None else ():
            if isinstance(clause, (nodes.Domain, nodes.Messages)):
                generators.append(
                    self._clause(clause, level, node, extreme, apart, ordered=ordered)
                )
                generators[-1].ifs += early
                early = []
            elif generators:
                generators[-1].ifs.append(self.visit(clause))
            else:
                early.append(self.visit(clause))
        condition = self.visit(node.condition) if node.condition and join is None else None
        if apart is not None:
            self._watch_resets(generators[0].iter, node.clauses[0])
        self.lets_out = lets_out
        written: ast.expr
        if join is not None and node.op == "each":
            written = ast.UnaryOp(ast.Not(), generators[0].iter)
        elif node.op in ("some", "each"):
            written = self._quantified(node, generators, condition)
        else:
            assert node.result is not None
            written = self._collected(node, generators, default)
        self.levels.pop()
        return ast.copy_location(written, node)

    def _clause(
        self,
        clause: nodes.Domain | nodes.Messages,
        level: Level,
        query: nodes.Query,
        extreme: Extreme | None,
        apart: Apart | None,
        *,
        ordered: bool,
    ) -> ast.comprehension:
        if isinstance(clause, nodes.Domain):
            if holds_history(clause.collection, self._is_held):
                level.held |= set(nodes.bound_names(clause.pattern))
            places = places_of(clause) if self.has_views and query.op not in SUMMED else {}
            self.plan.answer(None, *cost_of(clause, places, query, apart))
            entries, bound = self._domain(clause, places, apart, ordered=ordered)
        else:
            level.held |= set(nodes.bound_names(clause.message))
            asked = self._asked(clause, _used_names(query))
            if asked is None:
                entries, bound = self._messages(clause)
            else:
                bound = list(asked.rows)
                if apart is not None:
                    entries = self._pending(apart, asked, bound, clause)
                elif extreme is not None:
                    entries, bound = self._extreme(extreme, asked, clause)
                else:
                    entries = self._all(asked, bound, query, clause)
        level.names |= set(bound)
        return ast.comprehension(_target(bound, level), entries, [], 0)

    def _is_held(self, name: str) -> bool:
        """Whether a variable holds a part of a message that a history keeps."""
        level = self.level_of(name)
        return level is not None and name in level.held

    def _quantified(
        self, node: nodes.Query, generators: list[ast.comprehension], condition: ast.expr | None
    ) -> ast.expr:
        inner = self.levels[-1]
        values = {_name_of(target): _let_out(_name_of(target), inner) for target in node.witness}
        if values and condition is not None:
            generators[-1].ifs.append(condition)
        if values and self.branching:
            return self._chosen(node, values, generators)
        if not values and condition is None and node.op == "some":
            plainly = self._exists(generators)
            if plainly is not None:
                return plainly
        holds = self._bindings(node, values) or condition or ast.Constant(True)
        function = self.builtin("all" if node.op == "each" else "any")
        return call(function, ast.GeneratorExp(holds, generators))

    def _chosen(
        self,
        node: nodes.Query,
        values: Mapping[str, ast.expr],
        generators: list[ast.comprehension],
    ) -> ast.expr:
        """`bool((row := core_.witness((n,) for n in ...)) and frame.set_(n=row[0]))`."""
        name = self.unused("row")
        rows = ast.GeneratorExp(ast.Tuple([*values.values()], ast.Load()), generators)
        row = ast.NamedExpr(ast.Name(name, ast.Store()), call(core("witness"), rows))
        parts = {
            each: ast.Subscript(load(name), ast.Constant(place), ast.Load())
            for place, each in enumerate(values)
        }
        bindings = self._bindings(node, parts)
        assert bindings is not None
        return call(self.builtin("bool"), ast.BoolOp(ast.And(), [row, bindings]))

    def _exists(self, generators: list[ast.comprehension]) -> ast.expr | None:
        """Whether a view has rows, where a `some` asks for no more."""
        facts = {view.name for view in self.views.views if view.of_facts}
        match generators:
            case [
                ast.comprehension(iter=ast.Subscript(value=ast.Attribute(attr=name)), ifs=[])
            ] if name in facts:
                rows = generators[0].iter
                assert isinstance(rows, ast.Subscript)
                return ast.Compare(rows.slice, [ast.In()], [rows.value])
            case [ast.comprehension(iter=rows, ifs=[])] if _has_length(rows):
                return call(self.builtin("bool"), rows)
        return None

    def _bindings(self, node: nodes.Query, values: Mapping[str, ast.expr]) -> ast.expr | None:
        """An expression, true, that binds the witness of a `some` where its variables live."""
        fields = [w.name for w in node.witness if isinstance(w, nodes.Field)]
        names = [w.id for w in node.witness if isinstance(w, ast.Name)]
        inner = self.levels.pop()
        homes = {name: level.frame for name in names if (level := self.level_of(name))}
        self.levels.append(inner)
        places = [(self.process, fields)] if fields else []
        places += [
            (load(frame), [name for name in names if homes.get(name) == frame])
            for frame in dict.fromkeys(filter(None, homes.values()))
        ]
        parts = [self.setting(at, {name: values[name] for name in own}) for at, own in places]
        plain: list[ast.expr] = [
            ast.NamedExpr(ast.Name(name, ast.Store()), values[name])
            for name in names
            if homes.get(name) is None
        ]
        if plain:
            parts.append(ast.List(plain, ast.Load()))
        if len(parts) > 1:
            return ast.BoolOp(ast.And(), parts)
        return parts[0] if parts else None

    def setting(self, owner: ast.expr, values: Mapping[str, ast.expr]) -> ast.expr:
        """`owner.set_(name=value, ...)`, which is true."""
        given = {self.own_name(name): value for name, value in values.items()}
        return call(ast.Attribute(owner, "set_", ast.Load()), **given)

    def _collected(
        self, node: nodes.Query, generators: list[ast.comprehension], default: ast.expr | None
    ) -> ast.expr:
        op = node.op
        assert node.result is not None
        escaping = Escaping(self._is_held, _own)
        at_last = op in EXTREMES and escaping.is_made_of_parts(node.result)
        if self.lets_out and op in {*LISTED, *EXTREMES} and not at_last:
            node.result = escaping.visit(node.result)
        if op == "dictof":
            assert isinstance(node.result, ast.Tuple)
            key, value = (self.visit(part) for part in node.result.elts)
            return ast.DictComp(key, value, generators)
        result = self.visit(node.result)
        if op in ("lenof", "countof") and self._are_distinct(node, generators):
            if len(node.clauses) == 1:
                self.plan.count()
            return call(self.builtin("len"), generators[0].iter)
        if op in COLLECTED:
            return COLLECTED[op](result, generators)
        if op in ("lenof", "countof"):
            return call(self.builtin("len"), ast.SetComp(result, generators))
        every = ast.GeneratorExp(result, generators)
        if op in ("tupleof", "sumof"):
            return call(self.builtin(op.removesuffix("of")), every)
        if op == "prodof":
            return call(core("product"), every)
        extreme = core("greatest" if op == "maxof" else "least")
        found = call(extreme, every, **({"default": default} if default is not None else {}))
        return _own(found) if at_last and self.lets_out else found

    def _are_distinct(self, node: nodes.Query, generators: list[ast.comprehension]) -> bool:
        """Whether the rows of a view are themselves what is counted."""
        if (
            len(generators) > 1
            or generators[0].ifs
            or not isinstance(node.clauses[0], nodes.Messages)
        ):
            return False
        rows = {n.id for n in ast.walk(generators[0].target) if isinstance(n, ast.Name)}
        counted = columns_of(node.result, rows)
        return _has_length(generators[0].iter) and counted is not None and set(counted) == rows


def _has_length(rows: ast.expr) -> bool:
    """Whether rows are those of a view, or come together from several."""
    if isinstance(rows, ast.Call):
        return isinstance(rows.func, ast.Attribute) and rows.func.attr == "open"
    return isinstance(rows, (ast.Attribute, ast.Subscript))


def _target(names: Iterable[str], level: Level) -> ast.expr:
    """Where a comprehension puts the values of these variables."""
    targets: list[ast.expr] = [
        ast.Name(level.renamed.get(name, name), ast.Store()) for name in names
    ]
    only = targets[0] if targets else ast.Name("_", ast.Store())
    return ast.Tuple(targets, ast.Store()) if len(targets) > 1 else only


def _own(node: ast.expr) -> ast.expr:
    return ast.copy_location(call(core("own"), node), node)


def _name_of(target: ast.expr) -> str:
    """The variable or field that a witness is left in."""
    assert isinstance(target, (ast.Name, nodes.Field))
    return target.id if isinstance(target, ast.Name) else target.name


def _let_out(name: str, level: Level) -> ast.expr:
    """The value of a variable of a query, for a variable outside of it."""
    value = load(level.renamed.get(name, name))
    return call(core("own"), value) if name in level.held else value


def _read_before_bound(query: nodes.Query) -> set[str]:
    """Variables of a query whose names mean something else in it, before they are bound.

    Python's comprehensions have no such thing: there a name is the comprehension's own from the
    start, but for the first collection.
    """
    read: set[str] = set()
    again: set[str] = set()
    first = True
    for clause in query.clauses:
        patterns = nodes.clause_patterns(clause)
        if not (patterns and first):
            read |= {node.id for node in ast.walk(clause) if isinstance(node, ast.Name)}
        first = first and not patterns
        again |= read & {name for pattern in patterns for name in nodes.bound_names(pattern)}
    return again


def _used_names(query: nodes.Query) -> set[str]:
    """The variables whose values a query needs, however it is answered."""
    witness = {w.name for w in query.witness if isinstance(w, nodes.Field)}
    witness |= {w.id for w in query.witness if isinstance(w, ast.Name)}
    return witness | {node.id for node in ast.walk(query) if isinstance(node, ast.Name)}
