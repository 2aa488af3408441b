"""Likely mistakes in a program that compiles: what can never happen, though it is written down.

Invariant: no false alarm. A warning is given only when nothing that the program does can make it
wrong; what depends on values that are not plain to see, or on modules that are not, is not
judged. A module without `main` is a library: nothing is said of what others may complete.
"""

from __future__ import annotations

import ast
import re

from quorate.lang import nodes
from quorate.lang.diagnostics import Diagnostic, Diagnostics, nearest
from quorate.lang.hopes import assigned, constant_fields, may_hold
from quorate.lang.nodes import Program
from quorate.lang.overview import Kind, Looking, Overview, Sending, overview
from quorate.lang.scopes import parameters
from quorate.lang.shapes import Sequence, Shape, may_match, tag
from quorate.lang.source import Source, Span
from quorate.lang.words import RESERVED, WORDS, word_method

_TAGS_MAX = 6
_OWN = frozenset((*map(word_method, WORDS), *RESERVED, "id", "setup", "run", "receive"))
"""What every process has, whatever its class."""


def lint(program: Program, source: Source | None = None) -> list[Diagnostic]:
    """The warnings about a resolved program, in the order of places."""
    view = overview(program)
    linter = _Linter(view, Diagnostics(source or Source(program.path, program.text)))
    linter.queries()
    if view.whole:
        linter.patterns()
        linter.messages()
        linter.fields()
        linter.awaits()
        linter.labels()
    return linter.found.items


class _Linter:
    """One look at a whole program. What one warning shows is not the place of another."""

    def __init__(self, view: Overview, found: Diagnostics) -> None:
        self.view = view
        self.found = found
        self.sent = [(shape, each) for each in view.sendings for shape in each.shapes]
        self.unmatched: set[int] = set()  # ids of Handler and Messages nodes
        self.shown: set[int] = set()  # ids of the nodes of sends

    # Q201: patterns that no message matches.

    def patterns(self) -> None:
        if not self.view.sends_known:
            return
        unmatched = [
            looking
            for looking in self.view.lookings
            if not any(may_match(shape, looking.shape) for shape, _ in self.sent)
        ]
        self.unmatched = {id(looking.node) for looking in unmatched}
        for looking in unmatched:
            if self.view.is_own(looking.node):
                self._warn_pattern(looking, self._nearest_message(looking.shape))

    def _nearest_message(self, wanted: Shape) -> tuple[Shape, Sending] | None:
        """What was probably meant: a message of the same tag, or of one nearly the same.

        One that nobody receives comes first, then one of the same tag, then of the same size.
        """
        name = tag(wanted)
        if name is None:
            return None
        return min(
            ((shape, each) for shape, each in self.sent if _alike(tag(shape), name)),
            key=lambda it: (
                self._received(it[1]),
                tag(it[0]) != name,
                _size(it[0]) != _size(wanted),
                not self.view.is_own(it[1].node),
            ),
            default=None,
        )

    def _warn_pattern(self, looking: Looking, near: tuple[Shape, Sending] | None) -> None:
        text = self.found.source.phrase(looking.pattern)
        labels: list[tuple[ast.AST, str]] = [(looking.pattern, "nobody sends this")]
        help, cause = self._tags(), None
        if near is not None:
            shape, sending = near
            self.shown.add(id(sending.node))
            one, two = _size(looking.shape), _size(shape)
            help = "make the two agree"
            if tag(shape) != tag(looking.shape):
                help = f"did you mean `{tag(shape)!r}`?"
                cause = (tag(looking.shape), tag(shape))
            elif one != two:
                labels[0] = (looking.pattern, one)
            if self.view.is_own(sending.node):
                size = "" if one == two else f"{two}: "
                labels.append((sending.node.args[0], f"{size}the nearest message that is sent"))
            else:
                help += (
                    f"; the nearest message is sent at {sending.module.path}:{sending.node.lineno}"
                )
        labels += [
            (node.branches[0].test, "so this waits for ever")
            for node, _ in self.view.awaits
            if not self._can_end(node, {}) and looking.node in ast.walk(node)
        ]
        message = f"no message of the program matches `{text}`"
        self.found.warning("Q201", message, looking.pattern, labels=labels, help=help, cause=cause)

    def _tags(self) -> str:
        tags = sorted({repr(name) for shape, _ in self.sent if (name := tag(shape))})
        if not tags:
            return "add the `send` of such a message, or take this out"
        more = ", ..." if len(tags) > _TAGS_MAX else ""
        return f"the messages that are sent begin with {', '.join(tags[:_TAGS_MAX])}{more}"

    # Q202: messages that no pattern matches.

    def messages(self) -> None:
        for sending in self.view.sendings:
            mine = self.view.is_own(sending.node) and id(sending.node) not in self.shown
            if mine and not self._received(sending):
                self._warn_message(sending)

    def _received(self, sending: Sending) -> bool:
        """Whether some pattern may match it, or all messages are looked at one by one."""
        return bool(self.view.browsed) or any(
            may_match(shape, looking.shape)
            for shape in sending.shapes
            for looking in self.view.lookings
        )

    def _warn_message(self, sending: Sending) -> None:
        shape, pattern = sending.shapes[0], self._nearest_pattern(sending.shapes[0])
        if pattern is not None and id(pattern.node) in self.unmatched:
            return  # Q201 has said it
        message = sending.node.args[0]
        labels: list[tuple[ast.AST, str]] = []
        help = "add a handler `def receive(msg=...)` for it, or take this `send` out"
        if (name := self._nearly_handler()) is not None:
            help = f"did you mean `receive` by `def {name}(msg=...)`?"
        if pattern is not None:
            one, two = _size(shape), _size(pattern.shape)
            size = "" if one == two else f"{two}: "
            labels = [(message, one if size else "nobody receives this")]
            labels.append((pattern.pattern, f"{size}the nearest pattern"))
            same = tag(shape) == tag(pattern.shape)
            help = "make the two agree" if same else f"did you mean `{tag(pattern.shape)!r}`?"
        self.found.warning(
            "Q202", "nobody receives this message", message, labels=labels, help=help
        )

    def _nearly_handler(self) -> str | None:
        """The name of a method that looks like a handler, and is none."""
        members = (m for kind in self.view.kinds for node in kind.lineage for m in node.body)
        methods = (member for member in members if isinstance(member, ast.FunctionDef))
        names = (method.name for method in methods if "msg" in parameters(method.args))
        return next((name for name in names if nearest(name, ["receive"])), None)

    def _nearest_pattern(self, shape: Shape) -> Looking | None:
        """The pattern in this module that was probably meant for a message."""
        own = [looking for looking in self.view.lookings if self.view.is_own(looking.node)]
        name = tag(shape)
        return min(
            (looking for looking in own if _alike(tag(looking.shape), name)),
            key=lambda it: (tag(it.shape) != name, _size(it.shape) != _size(shape)),
            default=None,
        )

    # Q203: fields without a value.

    def fields(self) -> None:
        for kind in self.view.kinds:
            if kind.opaque:
                continue
            known = set(_OWN)
            for node in kind.lineage:
                known |= node.info.members() | node.info.mixed()
            every = [part for process in kind.lineage for part in ast.walk(process)]
            self._changed_fields(kind, every)
            for part in every:
                match part:
                    case ast.Attribute(value=nodes.Self(whole=True), attr=name):
                        if name not in known and not name.startswith("_"):
                            self._warn_field(kind, part, known)

    def _warn_field(self, kind: Kind, node: ast.Attribute, known: set[str]) -> None:
        if not self.view.is_own(node):
            return
        near = nearest(node.attr, known - _OWN)
        help = f"did you mean `self.{near}`?" if near else f"assign `self.{node.attr}` in `setup`"
        message = f"`self.{node.attr}` is neither a field nor a method of `{kind.node.name}`"
        self.found.warning("Q203", message, node, help=help, cause=node.attr)

    def _changed_fields(self, kind: Kind, every: list[ast.AST]) -> None:
        """Fields that `self.x += 1` and the like change, and nothing gives a first value."""
        changes = [node.target for node in every if isinstance(node, ast.AugAssign)]
        given = {name for node in every if node not in changes for name in assigned(node)}
        given = given.union(*(process.info.mixed() for process in kind.lineage))
        for target in changes:
            name = getattr(target, "name", "")
            if isinstance(target, nodes.Field) and name not in given and self.view.is_own(target):
                near = nearest(name, given)
                help = f"give it a first value in `setup`: `self.{name} = 0`"
                help = f"did you mean `self.{near}`?" if near else help
                message = f"`self.{name}` is changed here, and nothing gives it a first value"
                self.found.warning("Q203", message, target, help=help, cause=name)

    # Q204: awaits that nothing can end.

    def awaits(self) -> None:
        for node, process in self.view.awaits:
            kinds = [kind for kind in self.view.kinds if process in kind.lineage]
            if not self.view.is_own(node) or any(kind.opaque for kind in kinds):
                continue
            lineage = [one for kind in kinds for one in kind.lineage]
            mixed: set[str] = set().union(*(one.info.mixed() for one in lineage))
            constant = constant_fields(lineage).items()
            fields = {name: values for name, values in constant if name not in mixed}
            if self._can_end(node, {}) and not self._can_end(node, fields):
                self._warn_await(node, fields)

    def _can_end(self, node: nodes.Await, fields: dict[str, list[ast.Constant]]) -> bool:
        """Whether some branch may be taken; `await(False)` is taken for what it says."""
        if node.orelse is not None or any(branch.kind == "timeout" for branch in node.branches):
            return True
        tests = [branch.test for branch in node.branches]
        return any(
            isinstance(test, ast.Constant) or may_hold(test, self.unmatched, fields)
            for test in tests
        )

    def _warn_await(self, node: nodes.Await, fields: dict[str, list[ast.Constant]]) -> None:
        test = node.branches[0].test
        names = {
            part.name
            for branch in node.branches
            for part in ast.walk(branch.test)
            if isinstance(part, nodes.Field) and part.name in fields
        }
        labels: list[tuple[ast.AST, str]] = [(test, "this waits for ever")]
        for name in sorted(names):
            values = " or ".join(dict.fromkeys(ast.unparse(value) for value in fields[name]))
            labels.append((fields[name][0], f"`{name}` is only ever {values}"))
        which = " or ".join(f"`{name}`" for name in sorted(names))
        help = f"assign {which} where the awaited happens, for instance in a handler"
        self.found.warning("Q204", "nothing can make this true", test, labels=labels, help=help)

    # Q205: handlers at labels that are nowhere.

    def labels(self) -> None:
        for looking in self.view.lookings:
            if isinstance(looking.node, nodes.Handler) and self.view.is_own(looking.node):
                for name in looking.node.labels or ():
                    if name not in self.view.labels:
                        self._warn_label(looking.node, name)

    def _warn_label(self, node: nodes.Handler, name: str) -> None:
        near = nearest(name, self.view.labels)
        help = f"did you mean `{near}`?" if near else f"write `-- {name}` where it may run"
        message = f"no yield point has the label `{name}`"
        self.found.warning("Q205", message, self._label_span(node, name), help=help)

    # Q206: `each` without what shall hold.

    def queries(self) -> None:
        for node in (node for part in self.view.root.parts() for node in ast.walk(part)):
            if isinstance(node, nodes.Query) and node.op == "each" and node.condition is None:
                self._warn_each(node)

    def _warn_each(self, node: nodes.Query) -> None:
        help = "say what shall hold of each: `each(..., has=...)`"
        labels: list[tuple[ast.AST, str]] = []
        *others, last = node.clauses
        if others and isinstance(last, nodes.Messages):
            help = f"write `has={self.found.source.phrase(last)}`"
            labels = [(last, "what shall hold is written `has=`")]
        message = "this `each` is always true: it says nothing of what it goes over"
        self.found.warning("Q206", message, node, labels=labels, help=help)

    def _label_span(self, node: nodes.Handler, name: str) -> Span:
        """Where a handler names a label; labels have no places of their own."""
        source = self.found.source
        for line in range(node.lineno, node.body[0].lineno + 1):
            found = re.search(rf"\bat\s*=.*?\b({name})\b", source.lines[line - 1])
            if found:
                return Span(line, found.start(1), line, found.end(1))
        return Span(node.lineno, node.col_offset, node.lineno, node.col_offset + 3)


def _alike(one: str | None, two: str | None) -> bool:
    """Whether two tags are the same, or one may be a misspelling of the other."""
    if one is None or two is None:
        return False
    return one == two or nearest(one, [two]) is not None or nearest(two, [one]) is not None


def _size(shape: Shape) -> str:
    if not isinstance(shape, Sequence):
        return "one value"
    kind = "list" if shape.kind == "list" else "tuple"
    least = "at least " if shape.rest else ""
    return f"a {kind} of {least}{shape.least}"
