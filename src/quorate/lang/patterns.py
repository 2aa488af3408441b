"""Reading patterns and queries: the part of the parser that works on expressions.

A name in a pattern is free unless the place says that names are values (a plain Boolean
`received(...)`); what the names mean is the resolver's business.
"""

from __future__ import annotations

import ast

from quorate.lang import nodes
from quorate.lang.diagnostics import Diagnostics, nearest
from quorate.lang.nodes import HistoryKind, Pattern, make
from quorate.lang.words import HISTORIES, QUANTIFYING, QUERIES, RESERVED, WORDS

PEER = {"received": "from_", "sent": "to"}


class ExpressionReader(ast.NodeTransformer):
    """Turns the language's words inside expressions into nodes."""

    def __init__(self, found: Diagnostics) -> None:
        self.found = found
        self.time_modules: set[str] = set()  # names that mean the module `time`
        self.sleepers: set[str] = set()  # names that mean `time.sleep`
        self.shadowed: set[str] = set()  # words of queries that are names of the program here
        self.in_property = False  # where `p.received(...)` asks a process

    def expression(self, node: ast.expr) -> ast.expr:
        result: ast.expr = self.visit(node)
        return result

    # Patterns.

    def pattern(self, node: ast.expr, *, values: bool = False) -> Pattern:
        """The pattern written as `node`; with `values`, bare names are values too."""
        match node:
            case ast.Name(id="_"):
                return make(nodes.AnyPattern, node)
            case ast.Name(id="self"):
                return self._value(node, node)
            case ast.Name(id=name) if name.startswith("_"):
                meant = ast.copy_location(ast.Name(name[1:], ast.Load()), node)
                return self._value(node, meant, marked=True)
            case ast.Name(id=name) if not values:
                return make(nodes.BindPattern, node, name=name)
            case ast.Tuple(elts=elements):
                return self._sequence("tuple", node, elements, values)
            case ast.List(elts=elements):
                return self._sequence("list", node, elements, values)
            case ast.Starred():
                help = "write it inside a tuple or list: `('tag', *rest)`"
                message = "a starred element outside of a tuple or list"
                self.found.error("Q051", message, node, help=help)
                return make(nodes.AnyPattern, node)
            case _:
                return self._value(node, node)

    def _value(self, at: ast.expr, value: ast.expr, *, marked: bool = False) -> Pattern:
        return make(nodes.ValuePattern, at, value=self.expression(value), marked=marked)

    def _sequence(
        self, kind: str, node: ast.expr, elements: list[ast.expr], values: bool
    ) -> Pattern:
        stars = [element for element in elements if isinstance(element, ast.Starred)]
        if len(stars) > 1:
            help = "leave one `*`: what stands between the two would be ambiguous"
            self.found.error("Q050", "two starred elements in one pattern", stars[1], help=help)
        read = [self._element(element, values) for element in elements]
        return make(nodes.SequencePattern, node, kind=kind, elements=read)

    def _element(self, node: ast.expr, values: bool) -> Pattern:
        if not isinstance(node, ast.Starred):
            return self.pattern(node, values=values)
        if not isinstance(node.value, ast.Name):
            message = "`*` in a pattern is followed by a name"
            self.found.error("Q051", message, node, help="write `*rest`, or `*_`")
        read = self.pattern(node.value, values=values)
        star = make(nodes.StarPattern, node, name=None, value=None, marked=False)
        if isinstance(read, nodes.BindPattern):
            star.name = read.name
        elif isinstance(read, nodes.ValuePattern):
            star.value, star.marked = read.value, read.marked
        return star

    # Histories.

    def messages(self, call: ast.Call, *, values: bool) -> ast.expr:
        """`received(...)` or `sent(...)`; in a property, `p.received(...)`."""
        func = call.func
        assert isinstance(func, (ast.Attribute, ast.Name))
        kind = func.attr if isinstance(func, ast.Attribute) else func.id
        parts: dict[str, ast.expr] = {}
        if len(call.args) == 1:
            parts["msg"] = call.args[0]
        for keyword in call.keywords:
            self._history_keyword(kind, keyword, parts)
        if len(call.args) > 1 or "msg" not in parts:
            what = "one pattern" if call.args else "a pattern"
            help = f"write `{kind}(('tag', x), {PEER[kind]}=p)`"
            self.found.error("Q053", f"`{kind}` takes {what}", call, help=help)
            parts.setdefault("msg", ast.copy_location(ast.Name("_", ast.Load()), call))
        return make(
            nodes.Messages,
            call,
            kind=kind,
            of=self.expression(func.value) if isinstance(func, ast.Attribute) else None,
            message=self.pattern(parts["msg"], values=values),
            peer=self._part(parts, PEER[kind], values),
            stamp=self._part(parts, "clk", values),
        )

    def _part(self, parts: dict[str, ast.expr], name: str, values: bool) -> Pattern | None:
        return self.pattern(parts[name], values=values) if name in parts else None

    def _history_keyword(self, kind: str, keyword: ast.keyword, parts: dict[str, ast.expr]) -> None:
        allowed = ("msg", PEER[kind], "clk")
        if keyword.arg == "msg" and "msg" in parts:
            help = "keep one of them"
            self.found.error("Q053", f"`{kind}` takes one pattern", keyword, help=help)
        elif keyword.arg in allowed:
            parts[str(keyword.arg)] = keyword.value
        elif keyword.arg == "has":
            help = f"write `some({kind}(...), has=...)`"
            self.found.error("Q063", f"`has=` inside `{kind}(...)`", keyword, help=help)
        else:
            near = nearest(str(keyword.arg), allowed) or PEER[kind]
            message = f"`{kind}` has no keyword `{keyword.arg}`"
            self.found.error("Q052", message, keyword, help=f"did you mean `{near}=`?")

    def _paired(self, left: ast.expr, right: ast.expr) -> HistoryKind | None:
        """`(pattern, peer) in received`: the history's name."""
        pair = isinstance(left, ast.Tuple) and len(left.elts) == 2
        if pair and isinstance(right, ast.Name) and right.id in HISTORIES:
            return right.id  # type: ignore[return-value]
        return None

    def _paired_messages(
        self, node: ast.expr, kind: HistoryKind, left: ast.expr, *, values: bool
    ) -> nodes.Messages:
        assert isinstance(left, ast.Tuple)
        message, peer = (self.pattern(part, values=values) for part in left.elts)
        return make(nodes.Messages, node, kind=kind, message=message, peer=peer, stamp=None)

    # Queries.

    def query(self, call: ast.Call) -> ast.expr:
        """`setof(...)`, `some(...)` and their kin."""
        assert isinstance(call.func, ast.Name)
        op = call.func.id
        if any(isinstance(arg, ast.Starred) for arg in call.args):
            help = "write each domain and condition as an argument of its own"
            self.found.error("Q066", f"a starred argument in `{op}`", call, help=help)
        quantified = op in QUANTIFYING
        clauses = [self.clause(arg) for arg in call.args[0 if quantified else 1 :]]
        query = make(
            nodes.Query,
            call,
            op=op,
            result=None if quantified or not call.args else self.expression(call.args[0]),
            clauses=clauses,
            condition=None,
            default=None,
            witness=[],
        )
        for keyword in call.keywords:
            self._query_keyword(query, keyword)
        self._check_query(query, call)
        return query

    def _query_keyword(self, query: nodes.Query, keyword: ast.keyword) -> None:
        allowed = ["has"] if query.op in QUANTIFYING else []
        allowed += ["default"] if query.op in ("maxof", "minof") else []
        if keyword.arg == "has" and "has" in allowed:
            query.condition = self.expression(keyword.value)
        elif keyword.arg == "default" and "default" in allowed:
            query.default = self.expression(keyword.value)
        else:
            near = f"did you mean `{allowed[0]}=`?" if allowed else "write it as a condition"
            message = f"`{query.op}` has no keyword `{keyword.arg}`"
            self.found.error("Q062", message, keyword, help=near)

    def _check_query(self, query: nodes.Query, call: ast.Call) -> None:
        op = query.op
        starred = any(isinstance(arg, ast.Starred) for arg in call.args)  # Q066 has said it
        domains = [c for c in query.clauses if isinstance(c, (nodes.Domain, nodes.Messages))]
        if op in QUANTIFYING and not starred:
            if not domains:
                help = self._with_domain(query, call.args)
                self.found.error("Q060", f"`{op}` has no domain", call, help=help)
            elif len(domains) < len(query.clauses):
                pairs = zip(query.clauses, call.args, strict=True)
                self._misplaced(query, [arg for clause, arg in pairs if clause not in domains])
        elif not domains and not starred:
            help = f"write `{op}(x, x in s)` or `{op}(x, received(('tag', x)))`"
            code = "Q060" if call.args else "Q064"
            self.found.error(code, f"`{op}` has no domain to go over", call, help=help)
        pair = isinstance(query.result, ast.Tuple) and len(query.result.elts) == 2
        if op == "dictof" and query.result is not None and not pair:
            help = "write `dictof((key, value), ...)`"
            self.found.error("Q065", "`dictof` needs a pair", query.result, help=help)

    def _misplaced(self, query: nodes.Query, conditions: list[ast.expr]) -> None:
        """Q061: what is to stand in `has=`, with what stands there already."""
        first, *others = conditions
        every = [*([query.condition] if query.condition else []), *conditions]
        text = self.found.source.phrase(first)
        message = f"`{text}` is a condition, and stands among the domains of `{query.op}`"
        labels = [(other, "and so does this") for other in others]
        help = f"write `has={self._conjunction(every)}`"
        self.found.error("Q061", message, first, labels=labels, help=help)

    def _conjunction(self, conditions: list[ast.expr]) -> str:
        phrase = self.found.source.phrase
        several = len(conditions) > 1
        return " and ".join(
            f"({phrase(it)})" if _binds_less(it, several) else phrase(it) for it in conditions
        )

    def _with_domain(self, query: nodes.Query, args: list[ast.expr]) -> str:
        """How a `some` or `each` without a domain was probably meant."""
        op, phrase = query.op, self.found.source.phrase
        match args:
            case [ast.Name() | ast.Attribute() as several]:
                return f"write `{op}(x in {phrase(several)}, has=...)`"
            case [ast.BoolOp(op=ast.And(), values=[domain, *conditions])] if _may_be_domain(domain):
                every = [*conditions, *([query.condition] if query.condition else [])]
                return f"write `{op}({phrase(domain)}, has={self._conjunction(every)})`"
        return f"write `{op}(x in s, has=...)` or `{op}(received(pattern), has=...)`"

    def clause(self, node: ast.expr) -> ast.AST:
        """A clause of a query: a domain, or else a condition."""
        match node:
            case ast.Compare(left=left, ops=[ast.In()], comparators=[right]):
                if kind := self._paired(left, right):
                    return self._paired_messages(node, kind, left, values=False)
                pattern, collection = self.pattern(left), self.expression(right)
                return make(nodes.Domain, node, pattern=pattern, collection=collection)
            case ast.Call() if self._asks_history(node):
                return self.messages(node, values=False)
            case _:
                return self.expression(node)

    # Expressions.

    def _asks_history(self, node: ast.Call) -> bool:
        """Whether a call is `received(...)` or `sent(...)`; `receive(...)` is taken for one."""
        if not isinstance(node.func, ast.Name):
            of_process = self.in_property and isinstance(node.func, ast.Attribute)
            return of_process and node.func.attr in HISTORIES  # type: ignore[attr-defined]
        if node.func.id == "receive":
            help = "write `received(pattern)` to ask whether a message has come"
            self.found.error("Q034", "`receive` is a definition, not a call", node, help=help)
            node.func.id = "received"
        return node.func.id in HISTORIES

    def visit_Call(self, node: ast.Call) -> ast.expr:
        func = node.func
        if self._asks_history(node):
            return self.messages(node, values=True)
        if isinstance(func, ast.Name):
            name = func.id
            if name in QUERIES and name not in self.shadowed:
                return self.query(node)
            if name in self.sleepers:
                return self._sleep(node)
            if name in WORDS:
                return self._word(node, name)
        elif (
            isinstance(func, ast.Attribute)
            and func.attr == "sleep"
            and isinstance(func.value, ast.Name)
            and func.value.id in self.time_modules
        ):
            return self._sleep(node)
        return self.generic_visit(node)  # type: ignore[return-value]

    def _sleep(self, node: ast.Call) -> ast.expr:
        if len(node.args) == 1 and not node.keywords:
            return make(nodes.Sleep, node, seconds=self.expression(node.args[0]))
        self.found.error("Q091", "`sleep` takes one argument", node, help="write `sleep(0.5)`")
        return node

    def _word(self, node: ast.Call, name: str) -> ast.expr:
        args = [self.expression(arg) for arg in node.args]
        if name == "reset" and len(node.args) == 1:
            args = [self._reset_argument(node.args[0])]
        keywords = [
            ast.copy_location(ast.keyword(k.arg, self.expression(k.value)), k)
            for k in node.keywords
        ]
        word = make(nodes.Word, node, name=name, args=args, keywords=keywords)
        word.call = node
        return word

    def _reset_argument(self, node: ast.expr) -> ast.expr:
        """`received`, `sent`, or either as a string: always the string."""
        match node:
            case ast.Name(id=which) | ast.Constant(value=str(which)) if which.lower() in HISTORIES:
                return ast.copy_location(ast.Constant(which.lower()), node)
        help = "write `reset(received)`, `reset(sent)` or `reset()`"
        self.found.error("Q090", f"`reset` of `{ast.unparse(node)}`", node, help=help)
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        if len(node.ops) == 1 and isinstance(node.ops[0], (ast.In, ast.NotIn)):
            left, right = node.left, node.comparators[0]
            if kind := self._paired(left, right):
                asked = self._paired_messages(node, kind, left, values=True)
                if isinstance(node.ops[0], ast.In):
                    return asked
                return ast.copy_location(ast.UnaryOp(ast.Not(), asked), node)
        return self.generic_visit(node)  # type: ignore[return-value]

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in HISTORIES and isinstance(node.ctx, ast.Load):
            return make(nodes.History, node, kind=node.id)
        own = node.id in self.shadowed
        if node.id in RESERVED and not own and not isinstance(node.ctx, ast.Load):
            help = "choose another name"
            self.found.error("Q014", f"`{node.id}` is a word of the language", node, help=help)
        return node

    def visit_Await(self, node: ast.Await) -> ast.expr:
        place = self.found.source.span(node)
        if not any(it.code == "Q040" and place.holds(it.span) for it in self.found.items):
            help = "write it as a statement of its own: `await(c)`, or `if await(c): ... elif ...`"
            self.found.error("Q042", "`await` inside an expression", node, help=help)
        return self.expression(node.value)


def _binds_less(node: ast.expr, than_and: bool) -> bool:
    """Whether what follows `has=`, or stands beside an `and`, needs parentheses."""
    is_or = isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or)
    choice = isinstance(node, (ast.IfExp, ast.Lambda)) or is_or
    return isinstance(node, ast.NamedExpr) or (choice and than_and)


def _may_be_domain(node: ast.expr) -> bool:
    """Whether what was read as a condition would be a domain where one can stand."""
    inside = isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In)
    return inside or isinstance(node, nodes.Messages)
