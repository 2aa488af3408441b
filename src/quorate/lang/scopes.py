"""Which names a piece of program gives values to, by Python's rules and the language's."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Iterator

from quorate.lang import nodes

BUILTINS = frozenset(dir(builtins)) | {"process", "import_da", "__builtins__", "__annotations__"}
BUILTINS |= {"__file__", "__path__", "__class__", "__module__", "__qualname__"}
"""Names that have a meaning without a definition, where some of them stand in classes only."""

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def argument_nodes(args: ast.arguments) -> list[ast.arg]:
    """All parameters."""
    every = [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]
    return [arg for arg in every if arg is not None]


def parameters(args: ast.arguments) -> list[str]:
    """The names of all parameters."""
    return [arg.arg for arg in argument_nodes(args)]


def stored_names(body: Iterable[ast.AST]) -> tuple[set[str], set[str]]:
    """(names given a value in `body` itself, names it declares global or nonlocal).

    Nested functions and classes count by their own names only; the witnesses of a `some` count.
    """
    return _stored(own_nodes(body))


def changed_names(body: Iterable[ast.AST]) -> dict[str, ast.Name]:
    """The names that `body` changes, as by `x += 1`, and never gives a first value."""
    body = list(body)
    every = list(own_nodes(body))
    changes = [node.target for node in every if isinstance(node, ast.AugAssign)]
    given, _ = _stored(node for node in every if node not in changes)
    for node in (inner for statement in body for inner in ast.walk(statement)):
        given |= set(node.names) if isinstance(node, ast.Nonlocal) else set()
    names = {target.id: target for target in reversed(changes) if isinstance(target, ast.Name)}
    return {name: target for name, target in names.items() if name not in given}


def _stored(every: Iterable[ast.AST]) -> tuple[set[str], set[str]]:
    stored: set[str] = set()
    declared: set[str] = set()
    for node in every:
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                stored.add(name)
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                stored.add(name)
            case nodes.ProcessClass(name=name, is_main=False):
                stored.add(name)
            case ast.ExceptHandler(name=str(name)) | ast.MatchStar(name=str(name)):
                stored.add(name)
            case ast.MatchAs(name=str(name)) | ast.MatchMapping(rest=str(name)):
                stored.add(name)
            case ast.alias(name=module, asname=asname):
                stored.add(asname or module.partition(".")[0])
            case ast.Global(names=names) | ast.Nonlocal(names=names):
                declared |= set(names)
            case nodes.Query(op="some"):
                stored |= witness_names(node)
    return stored - declared, declared


def global_names(body: Iterable[ast.AST]) -> set[str]:
    """The names that `body` itself declares global."""
    return {name for node in own_nodes(body) if isinstance(node, ast.Global) for name in node.names}


def witness_names(query: nodes.Query) -> set[str]:
    """The names that a `some` binds: those of its patterns, of the `some`s it comes with too.

    Where these cannot be joined to it, only its own.
    """
    own, _ = bound_and_marked(query)
    return own if (inner := joined(query)) is None else own.union(*map(witness_names, inner))


def joined(query: nodes.Query) -> list[nodes.Query] | None:
    """The `some`s that stand as conjuncts in the condition of a `some`, to be one query with it.

    None where a name would change its meaning: one that two of them bind, or one marks.
    """
    names, marked = bound_and_marked(query)
    parts = [p for p in conjuncts(query.condition) if isinstance(p, nodes.Query)]
    somes = [part for part in parts if part.op == "some"]
    for part in somes:
        if witness_names(part) & (names | marked):
            return None
        names |= witness_names(part)
        marked |= bound_and_marked(part)[1]
    return somes


def bound_and_marked(query: nodes.Query) -> tuple[set[str], set[str]]:
    """(names that the patterns of a query bind, those that mean values since `_x` occurred)."""
    names: set[str] = set()
    marked: set[str] = set()
    for clause in query.clauses:
        for pattern in nodes.clause_patterns(clause):
            marked |= _marked(pattern) - names
            names |= set(nodes.bound_names(pattern)) - marked
    return names, marked


def _marked(pattern: ast.AST) -> set[str]:
    kept = (nodes.ValuePattern, nodes.StarPattern)
    return {
        node.value.id
        for node in ast.walk(pattern)
        if isinstance(node, kept) and node.marked and isinstance(node.value, ast.Name)
    }


def conjuncts(condition: ast.AST | None) -> list[ast.AST]:
    """The parts of a conjunction, in order."""
    if condition is None:
        return []
    if isinstance(condition, ast.BoolOp) and isinstance(condition.op, ast.And):
        return [part for value in condition.values for part in conjuncts(value)]
    return [condition]


def own_nodes(body: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """All nodes of `body`, without what has a scope of its own."""
    for node in body:
        yield node
        if isinstance(node, (*FUNCTIONS, ast.ClassDef, nodes.ProcessClass, nodes.Handler)):
            outside = list(getattr(node, "decorator_list", []))
            if isinstance(node, FUNCTIONS):
                outside += [d for d in (*node.args.defaults, *node.args.kw_defaults) if d]
            yield from own_nodes(outside)
        elif isinstance(node, (*COMPREHENSIONS, nodes.Query)):
            yield from _assigned_inside(node)
        else:
            yield from own_nodes(ast.iter_child_nodes(node))


def _assigned_inside(node: ast.AST) -> Iterator[ast.AST]:
    """The targets of `:=` inside a comprehension or query: they belong to the function."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.NamedExpr):
            yield inner.target


def target_names(target: ast.AST) -> set[str]:
    """The names in the target of a loop or comprehension."""
    return {node.id for node in ast.walk(target) if isinstance(node, ast.Name)}


def field_names(process: nodes.ProcessClass) -> set[str]:
    """The fields a process class defines: setup's parameters, `self.f = ...`, class-level names."""
    fields: set[str] = set()
    for member in process.body:
        if isinstance(member, (ast.FunctionDef, nodes.Handler)):
            fields |= {
                node.attr
                for node in _with_this_self(member)
                if isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id == "self"
                and isinstance(node.ctx, ast.Store)
            }
            if isinstance(member, ast.FunctionDef) and member.name == "setup":
                fields |= set(parameters(member.args))
        else:
            fields |= stored_names([member])[0]
    return fields - aliases(process).keys()


def aliases(process: nodes.ProcessClass) -> dict[str, str]:
    """Other names of methods, which the body of the class gives them: `n = m`."""
    methods = {m.name for m in process.body if isinstance(m, ast.FunctionDef)}
    found: dict[str, str] = {}
    for member in process.body:
        match member:
            case ast.Assign(targets=targets, value=ast.Name(id=name)) if name in methods | {*found}:
                method = found.get(name, name)
                found |= {t.id: method for t in targets if isinstance(t, ast.Name)}
    return found


def plain_class(node: ast.ClassDef, bases: list[nodes.ClassInfo | None]) -> nodes.ClassInfo:
    """What is known of a class that is no process class; `bases` has None for unknown ones."""
    info = nodes.ClassInfo(node.name, fields=stored_names(node.body)[0])
    info.mixins = [base for base in bases if base is not None]
    info.strange = any(base is None or base.strange for base in bases)
    info.strange |= bool(node.keywords or node.decorator_list)
    for method in node.body:
        if isinstance(method, ast.FunctionDef):
            info.methods.add(method.name)
            own, whole = _attributes_of(method)
            info.fields |= own
            info.strange |= whole or method.name in _DYNAMIC
    info.fields -= info.methods
    return info


_DYNAMIC = ("__getattr__", "__getattribute__", "__setattr__")


def _attributes_of(method: ast.FunctionDef) -> tuple[set[str], bool]:
    """(attributes that a method gives its first parameter, whether it does more with that)."""
    first = parameters(method.args)[:1]
    own = [n for n in ast.walk(method) if isinstance(n, ast.Attribute) and _is_name(n.value, first)]
    whole = {id(n) for n in ast.walk(method) if _is_name(n, first)} - {id(n.value) for n in own}
    return {n.attr for n in own if isinstance(n.ctx, ast.Store)}, bool(whole)


def _is_name(node: ast.AST, names: list[str]) -> bool:
    return isinstance(node, ast.Name) and node.id in names


def module_names(tree: ast.Module) -> tuple[set[str], bool]:
    """The names that a module defines, and whether it may define others by `exec` and the like."""
    names, _ = stored_names(tree.body)
    for node in ast.walk(tree):
        if isinstance(node, ast.Global):
            names |= set(node.names)
    names.discard("*")
    return names, any(_is_name(node, ["exec", "globals"]) for node in ast.walk(tree))


def _with_this_self(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes in a method where `self` is the process, and no parameter of something nested."""
    yield node
    for child in ast.iter_child_nodes(node):
        nested = isinstance(child, (ast.FunctionDef, ast.Lambda))
        if not (nested and "self" in parameters(child.args)):  # type: ignore[attr-defined]
            yield from _with_this_self(child)
