"""Properties as questions: functions that go over processes for what should not be, or should.

    each(p in L, q in L, has=p.v == q.v)  ->  (p, q) for p in p_in for q in q_in if not p.v == q.v

A clause over the messages of a process has a function of its own too, that begins with those that
are new: what it binds is then compared with in the other clauses. Invariant: views of properties
are theirs alone, so that a program does the same with and without them.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from quorate.compiler.matching import only_arguments
from quorate.compiler.names import OWN, Level, assign, call, core, literal, load
from quorate.compiler.normal import normalize
from quorate.compiler.plan import NEW_ROWS, PROCESSES
from quorate.compiler.routines import RoutineWriter, function
from quorate.compiler.views import DISTINCT, Views
from quorate.lang import nodes
from quorate.lang.nodes import ClassInfo, Program, make
from quorate.lang.printer import expression_text
from quorate.lang.properties import Members, Walker, domain_class
from quorate.lang.scopes import conjuncts
from quorate.lang.words import QUANTIFYING

MADE = "_properties_"
"""What a module calls the list of its properties; `import *` does not take it along."""


@dataclass
class Asked:
    """One question as it stands in the program: `test` is what an answer passes, if anything.

    Without `clauses`, the one answer is that `test` holds.
    """

    clauses: list[ast.AST]
    test: ast.expr | None
    members: Members = field(default_factory=dict)
    of_set: bool = False  # whether `test` is a set, all of which is asked for

    @property
    def names(self) -> list[str]:
        patterns = [p for clause in self.clauses for p in nodes.clause_patterns(clause)]
        return list(dict.fromkeys(n for p in patterns for n in nodes.bound_names(p)))


def questions(each: nodes.Property, program: Program) -> list[Asked]:
    """What a property must never find, or for `sometimes` is to find."""
    if each.kind == "leads_to":
        return []
    if each.kind == "sometimes":
        return [_question(each.value, program, wanted=True)]
    parts = conjuncts(each.value)
    return [_question(part, program, wanted=False) for part in parts if isinstance(part, ast.expr)]


def _question(value: ast.expr, program: Program, *, wanted: bool) -> Asked:
    """The question for what makes an expression true, or false."""
    while isinstance(value, ast.UnaryOp) and isinstance(value.op, ast.Not):
        value, wanted = value.operand, not wanted
    op = "some" if wanted else "each"
    if isinstance(value, nodes.Query) and value.op == op:
        asked = Asked([], None)
        test: ast.expr | None = value
        while isinstance(test, nodes.Query) and test.op == op and _apart(test, asked):
            asked.clauses += test.clauses
            for clause in test.clauses:
                if (info := domain_class(clause, program)) is not None:
                    names = nodes.bound_names(clause.pattern)  # type: ignore[attr-defined]
                    asked.members |= dict.fromkeys(names, info)
            test = test.condition
        if asked.members:
            asked.test = test
            if not wanted:
                true = make(ast.Constant, value, value=True, kind=None)
                asked.test = _opposite(true if test is None else test)
            return asked
    return Asked([], value if wanted else _opposite(value))


def _opposite(value: ast.expr) -> ast.expr:
    """`not value`, and of `not c` again `c`."""
    if isinstance(value, ast.UnaryOp) and isinstance(value.op, ast.Not):
        return value.operand
    return make(ast.UnaryOp, value, op=ast.Not(), operand=value)


def _apart(query: nodes.Query, asked: Asked) -> bool:
    """Whether a query inside of others can be one with them: it binds no name again."""
    patterns = [p for clause in query.clauses for p in nodes.clause_patterns(clause)]
    return not {n for p in patterns for n in nodes.bound_names(p)} & set(asked.names)


# What a question reads ----------------------------------------------------------------------------


@dataclass
class Reads:
    """The fields that are read of a process, and whether its histories are asked."""

    fields: set[str] = field(default_factory=set)
    histories: bool = False


class Reader(Walker):
    """Finds what a question reads: `own` by variable of its clauses, `inside` by class.

    `sign` says what more messages do, as far as histories only grow: bring answers (1), only take
    some away (-1), or either (0). What can only take answers away need not be asked again.
    """

    def __init__(self, program: Program, members: Members, *, grow: bool = False) -> None:
        super().__init__(program, members)
        self.grow = grow
        self.sign = self.of_clauses = 0
        self.own = {name: Reads() for name in members}
        self.inside: dict[str, tuple[ast.expr, Reads]] = {}
        self.hidden: set[str] = set()  # variables of queries inside

    def _reads(self, name: str) -> list[Reads]:
        """Where to note what is read of a variable: of two of one name, for both."""
        found = [self.own[name]] if name in self.own else []
        if name in self.hidden and (inner := self.inside.get(self.members[name].name)):
            found.append(inner[1])
        return found

    def within(self, clause: nodes.Domain, info: ClassInfo) -> None:
        self.inside.setdefault(info.name, (clause.collection, Reads()))
        self.hidden |= set(nodes.bound_names(clause.pattern))

    def field(self, node: ast.Attribute, name: str) -> ast.expr:
        for reads in self._reads(name) if node.attr != "id" else ():
            reads.fields.add(node.attr)
        return node

    def visit(self, node: ast.AST) -> Any:
        around = self.sign
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            self.sign = -around
        elif not isinstance(node, (ast.BoolOp, nodes.Query, nodes.Messages)):
            self.sign = 0
        visited = super().visit(node)
        self.sign = around
        return visited

    def visit_Query(self, node: nodes.Query) -> ast.AST:
        around = self.sign, self.of_clauses
        self.sign = self.sign if node.op in QUANTIFYING else 0
        self.of_clauses = -self.sign if node.op == "each" else self.sign
        visited = super().visit_Query(node)
        self.sign, self.of_clauses = around
        return visited

    def clause(self, clause: ast.AST) -> ast.AST:
        around, self.sign = self.sign, self.of_clauses
        visited = super().clause(clause)
        self.sign = around
        return visited

    def asked(self, node: nodes.Messages) -> None:
        if isinstance(node.of, ast.Name) and not (self.grow and self.sign < 0):
            for reads in self._reads(node.of.id):
                reads.histories = True


def fields_read(properties: list[nodes.Property], program: Program) -> set[str]:
    """The fields that properties read: what is assigned to them is to be observed."""
    found: set[str] = set()
    for each in properties:
        reader = Reader(program, {})
        reader.visit(copy.deepcopy(each.value))
        found = found.union(*(reads.fields for _, reads in reader.inside.values()))
    return found


class Namer(Walker):
    """Writes what stands for processes as Python has them: `p` becomes `p.id_`."""

    def __init__(self, program: Program, members: Members, writer: PropertyWriter) -> None:
        super().__init__(program, members)
        self.writer = writer

    def field(self, node: ast.Attribute, name: str) -> ast.expr:
        node.attr = "id_" if node.attr == "id" else self.writer.own_name(node.attr)
        return node

    def member(self, node: ast.Name) -> ast.expr:
        return ast.copy_location(ast.Attribute(node, "id_", ast.Load()), node)

    def within(self, clause: nodes.Domain, info: ClassInfo) -> None:
        clause.collection = ast.copy_location(
            call(load(self.writer.processes), clause.collection), clause.collection
        )

    def asked(self, node: nodes.Messages) -> None:
        assert isinstance(node.of, ast.Name)
        node.of_class = self.members[node.of.id]  # type: ignore[attr-defined]


# Clauses in another order -------------------------------------------------------------------------


def turned(asked: Asked, first: nodes.Messages) -> list[ast.AST] | None:
    """The clauses with `first` before all but the processes that it names; None if it needs others.

    What other clauses bound before it is now bound by it, and compared with there.
    """
    bound_before: set[str] = set()
    for clause in asked.clauses:
        if clause is first:
            break
        bound_before |= {n for p in nodes.clause_patterns(clause) for n in nodes.bound_names(p)}
    needed = {n.id for n in ast.walk(first) if isinstance(n, ast.Name)} & set(asked.names)
    free = {n.id for n in _plain_values(first) if isinstance(n, ast.Name)}
    if needed - asked.members.keys() - (free & bound_before):
        return None
    processes = [c for c in asked.clauses if _member_of(c, asked) in needed & asked.members.keys()]
    others = [c for c in asked.clauses if c is not first and c not in processes]
    clauses = [copy.deepcopy(c) for c in (*processes, first, *others)]
    bound: set[str] = set()
    for clause in clauses:
        for part in ("pattern", "message", "peer", "stamp"):
            pattern = getattr(clause, part, None)
            if pattern is not None:
                setattr(clause, part, _rebound(pattern, bound, set(asked.names)))
    return clauses


def _member_of(clause: ast.AST, asked: Asked) -> str:
    """The variable of a clause over processes."""
    if isinstance(clause, nodes.Domain) and isinstance(clause.pattern, nodes.BindPattern):
        return clause.pattern.name if clause.pattern.name in asked.members else ""
    return ""


def _plain_values(node: ast.AST) -> Iterator[ast.expr]:
    """The values in patterns that are the names of earlier clauses."""
    for part in ast.walk(node):
        if isinstance(part, nodes.ValuePattern) and not part.marked:
            yield part.value


def _rebound(pattern: nodes.Pattern, bound: set[str], names: set[str]) -> nodes.Pattern:
    """A pattern where the first place of each name binds it, and the others compare."""
    match pattern:
        case nodes.SequencePattern(elements=elements):
            pattern.elements = [_rebound(each, bound, names) for each in elements]
        case nodes.BindPattern(name=name) if name in bound:
            value = make(ast.Name, pattern, id=name, ctx=ast.Load())
            return make(nodes.ValuePattern, pattern, value=value, marked=False)
        case nodes.ValuePattern(value=ast.Name(id=name), marked=False) if (
            name in names and name not in bound
        ):
            bound.add(name)
            return make(nodes.BindPattern, pattern, name=name)
        case nodes.BindPattern(name=name):
            bound.add(name)
    return pattern


# Writing ------------------------------------------------------------------------------------------


class PropertyWriter(RoutineWriter):
    """Writes properties, and begins the views that they ask, by process class."""

    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self.program = program
        self.properties: list[nodes.Property] = []
        self.checked: dict[str, Views] = {}
        self.resets = False  # whether the program empties histories
        self.view_names: set[str] = set()
        self.new_of = self.new_view = ""  # whose rows were given last, and from which view
        self.processes = self.unused("processes")

    def view_prefix(self, info: ClassInfo) -> str:
        """What views of a derived class have before their names, so that they are no base's."""
        depth = _depth(info)
        number = f"{depth}_" if depth > 1 else ""
        return f"{info.name}_{number}" if depth or info.open else ""

    def free_name(self, hint: str) -> str:
        """A name for a view, that nothing else in the module has."""
        name, number = self.unused(hint), 2
        while name in self.view_names or name in OWN:
            name, number = self.unused(f"{hint}{number}_"), number + 1
        self.view_names.add(name)
        return name

    def write_properties(self) -> list[ast.stmt]:
        """The functions of all properties, and the list of them; before any class is written."""
        made: list[ast.expr] = []
        written: list[ast.stmt] = []
        for each in self.properties:
            text = expression_text(each.value)
            own = copy.deepcopy(each)
            if self.has_views:
                normalize(own, self.given)
            self.depth += 1  # so that no condition is answered by what is read in vain
            with self.plan.query(each.value, is_property=True):
                lines, parts = self._property(own)
            self.depth -= 1
            written += lines
            facts = [each.kind, each.name, each.value.lineno, text]
            kind = call(core("Property"), *map(literal, facts), ast.Tuple(parts, ast.Load()))
            if each.within is not None:
                kind.args.append(literal(each.within))
            made.append(ast.copy_location(kind, each))
        if not made:
            return []
        listed = assign(ast.Name(MADE, ast.Store()), ast.Tuple(made, ast.Load()))
        return [*written, ast.copy_location(listed, self.properties[-1])]

    def _property(self, each: nodes.Property) -> tuple[list[ast.stmt], list[ast.expr]]:
        written: list[ast.stmt] = []
        made: list[ast.expr] = []
        if each.kind == "leads_to":
            assert isinstance(each.value, ast.Tuple)
            pairs = [self._set(each, part) for part in each.value.elts]
        else:
            pairs = [self._question(each, asked) for asked in questions(each, self.program)]
        for lines, part in pairs:
            written += lines
            made.append(part)
        return written, made

    def _set(self, each: nodes.Property, value: ast.expr) -> tuple[list[ast.stmt], ast.expr]:
        """One side of `leads_to`: a function that answers the members of a set."""
        asked = Asked([], value, of_set=True)
        reader = self._read(asked)
        value = Namer(self.program, {}, self).visit(value)
        self.levels.append(Level({self.processes}))
        written = self._function(each, [], self.visit(value))
        self.levels.pop()
        return [written], self._told(written.name, asked, reader, [])

    def _read(self, asked: Asked) -> Reader:
        """What all of a question reads, but the rows of its own clauses over messages.

        Who looks at every interleaving goes back, so that to it no history only grows.
        """
        grow = not (self.resets or self.branching)
        reader = Reader(self.program, asked.members, grow=grow)
        for clause in copy.deepcopy(asked.clauses):
            if isinstance(clause, nodes.Messages):
                for pattern in nodes.clause_patterns(clause):
                    reader.visit(pattern)
            elif not _member_of(clause, asked):
                reader.visit(clause)
        if asked.test is not None:
            reader.sign = 0 if asked.of_set else 1
            reader.visit(copy.deepcopy(asked.test))
        return reader

    def _question(self, each: nodes.Property, asked: Asked) -> tuple[list[ast.stmt], ast.expr]:
        reader = self._read(asked)
        written: list[ast.stmt] = []
        news: list[ast.expr] = []
        for name in asked.members:
            self.plan.answer(
                None, PROCESSES, f"the processes `{name}`, or the one that has changed"
            )
        for clause in asked.clauses:
            if isinstance(clause, nodes.Messages):
                assert isinstance(clause.of, ast.Name)
                found = self._news(each, asked, clause)
                if found is None:
                    reader.own[clause.of.id].histories = True
                else:
                    written.append(found[0])
                    news.append(found[1])
        all_new = news and not any(reads.histories for reads in reader.own.values())
        with self.plan.unsaid() if all_new else nullcontext():
            whole = self._finding(each, asked, asked.clauses)
        assert whole is not None
        told = self._told(whole.name, asked, reader, news)
        return [whole, *written], told

    def _news(
        self, each: nodes.Property, asked: Asked, clause: nodes.Messages
    ) -> tuple[ast.stmt, ast.expr] | None:
        """The function that begins with new messages, where nothing else decides which."""
        clauses = turned(asked, clause)
        if clauses is None or not self.has_views:
            return None
        first = next(c for c in clauses if _same(c, clause))
        written = self._finding(each, asked, clauses, first)
        if written is None:
            return None
        assert isinstance(clause.of, ast.Name)
        facts = (literal(clause.of.id), literal(self.new_view), load(written.name))
        return written, call(core("News"), *facts)

    def _finding(
        self,
        each: nodes.Property,
        asked: Asked,
        clauses: list[ast.AST],
        first: ast.AST | None = None,
    ) -> ast.FunctionDef | None:
        """`def name(processes, p_in, q_in): return (... for p in p_in ...)`.

        The rows of the clause `first` are given; None where no view has all its rows.
        """
        namer = Namer(self.program, {}, self)
        sets = {name: self.unused(f"{name}_in") for name in asked.members}
        rows = self.unused("rows")
        params = [*sets.values(), *([rows] if first is not None else [])]
        answer = ast.Tuple([*map(load, asked.names)], ast.Load())
        query = make(nodes.Query, each, op="each", result=answer, default=None, witness=[])
        level = Level({self.processes})
        self.levels.append(level)
        given = [copy.deepcopy(clause) for clause in clauses]
        query.clauses = [self._named(namer, clause, asked) for clause in given]
        query.condition = None
        test = None if asked.test is None else namer.visit(copy.deepcopy(asked.test))
        generators: list[ast.comprehension] = []
        for clause, original in zip(query.clauses, clauses, strict=True):
            made: ast.comprehension | None
            if name := _member_of(clause, asked):
                level.names.add(name)
                made = ast.comprehension(ast.Name(name, ast.Store()), load(sets[name]), [], 0)
            elif original is first:
                made = self._new_rows(clause, query, rows, level)
            elif isinstance(clause, (nodes.Domain, nodes.Messages)):
                made = self._clause(clause, level, query, None, None, ordered=False)
            else:
                generators[-1].ifs.append(self.visit(clause))
                continue
            if made is None:
                self.levels.pop()
                return None
            generators.append(made)
        found: ast.expr
        if generators:
            generators[-1].ifs += [self.visit(test)] if test is not None else []
            found = ast.GeneratorExp(answer, generators)
        else:
            assert test is not None
            one = ast.Tuple([answer], ast.Load())
            found = ast.IfExp(self.visit(test), one, ast.Tuple([], ast.Load()))
        written = self._function(each, params, found, new="" if first is None else self.new_of)
        self.levels.pop()
        return written

    def _named(self, namer: Namer, clause: ast.AST, asked: Asked) -> ast.AST:
        """A clause with its processes as Python has them; its own domain of them stays."""
        name = _member_of(clause, asked)
        if not name:
            return namer.clause(clause)
        namer.members = {**namer.members, name: asked.members[name]}
        return clause

    def _function(
        self, each: nodes.Property, params: list[str], answer: ast.expr, new: str = ""
    ) -> ast.FunctionDef:
        """A function named by its property, and by the variable whose messages are new."""
        name = self.new_name(f"{each.name}_new_{new}" if new else each.name, each.lineno)
        arguments = only_arguments([ast.arg(p) for p in (self.processes, *params)])
        written = function(name, arguments, [ast.Return(answer)])
        for node in ast.walk(written):
            if "lineno" in node._attributes and not hasattr(node, "lineno"):
                nodes.copy_place(node, each.value)
        return written

    def _new_rows(
        self, clause: ast.AST, query: nodes.Query, rows: str, level: Level
    ) -> ast.comprehension | None:
        """`for s, c in rows`, where a view has all rows of a clause; None where it has not."""
        assert isinstance(clause, nodes.Messages) and isinstance(clause.of, ast.Name)
        used = {n.id for n in ast.walk(query) if isinstance(n, ast.Name)}
        with self._asking(clause):
            asked = self._asked(clause, used)
            if asked is None or asked.keys or not asked.rows:
                return None
            bound = list(asked.rows)
            view = self._view(asked, [asked.rows[n] for n in bound], DISTINCT, clause)
            self.plan.answer(view, NEW_ROWS)
        self.new_of, self.new_view = clause.of.id, view.name
        level.held |= set(bound)
        level.names |= set(bound)
        targets: list[ast.expr] = [ast.Name(n, ast.Store()) for n in bound]
        target = targets[0] if len(targets) == 1 else ast.Tuple(targets, ast.Store())
        return ast.comprehension(target, load(rows), [], 0)

    def _told(
        self,
        name: str,
        asked: Asked,
        reader: Reader,
        news: list[ast.expr],
    ) -> ast.expr:
        """`core_.Question(find, over, names, reads, inside, news)`, as far as there is any."""
        parts: dict[str, ast.expr] = {}
        if asked.members:
            domains = [c for c in asked.clauses if isinstance(c, nodes.Domain)]
            over = {of: c.collection for c in domains if (of := _member_of(c, asked))}
            keys: list[ast.expr | None] = [literal(n) for n in over]
            parts["over"] = ast.Dict(keys, copy.deepcopy([*over.values()]))
            parts["names"] = literal(tuple(asked.names))
            reads = {n: self._reading(r) for n, r in reader.own.items() if r != Reads()}
            if reads:
                keys = [literal(n) for n in reads]
                parts["reads"] = ast.Dict(keys, [*reads.values()])
        if reader.inside:
            pairs = [
                ast.Tuple([copy.deepcopy(of), self._reading(reads)], ast.Load())
                for of, reads in reader.inside.values()
            ]
            parts["inside"] = ast.Tuple([*pairs], ast.Load())
        if news:
            parts["news"] = ast.Tuple(news, ast.Load())
        return call(core("Question"), load(name), **parts)

    def _reading(self, reads: Reads) -> ast.expr:
        fields = literal(tuple(sorted(map(self.own_name, reads.fields))))
        return call(core("Reading"), fields, *([literal(True)] if reads.histories else []))

    # Messages of a process.

    @contextmanager
    def _asking(self, node: ast.AST) -> Iterator[None]:
        """While a history is written that is asked of a process: its views, and the process."""
        info: ClassInfo | None = getattr(node, "of_class", None)
        if info is None:
            yield
            return
        assert isinstance(node, nodes.Messages) and isinstance(node.of, ast.Name)
        around = self.views
        prefix = f"seen_{self.view_prefix(info)}"
        self.views = self.checked.setdefault(info.name, Views(prefix, self.free_name, checked=True))
        self.levels.append(Level(set(), process=node.of.id))
        yield
        self.levels.pop()
        self.views = around

    def visit_Messages(self, node: nodes.Messages) -> ast.expr:
        with self._asking(node):
            return super().visit_Messages(node)

    def _clause(self, clause: nodes.Domain | nodes.Messages, *others: Any, **options: Any) -> Any:
        with self._asking(clause):
            return super()._clause(clause, *others, **options)


def _same(one: ast.AST, other: ast.AST) -> bool:
    places = [(n.lineno, n.col_offset) for n in (one, other)]  # type: ignore[attr-defined]
    return isinstance(one, nodes.Messages) and places[0] == places[1]


def _depth(info: ClassInfo) -> int:
    """How many process classes stand above another, at most."""
    return max((1 + _depth(base) for base in info.bases), default=0)
