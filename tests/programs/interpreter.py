"""A straightforward interpreter of the resolved tree: what a program means, said once more.

Walks the nodes of a Program in the order the language says; every evaluation is a coroutine, so
that any expression may suspend its process. Independent of compiler/ and core/ on purpose, and
naive on purpose: queries are nested loops, histories are lists of copies.
"""

from __future__ import annotations

import ast
import functools
import inspect
import operator
import types
from collections.abc import Iterator
from typing import Any

from programs.expressions import Made
from programs.queries import QueryEvaluator
from programs.scopes import (
    Bound,
    Env,
    Evaluation,
    Function,
    base_setups,
    has_super_setup,
    is_process,
    now,
    signature_of,
)
from programs.values import Run
from programs.world import Asleep, Handling, Pause, Proc, Twin, Wait, World
from quorate.lang import nodes
from quorate.lang.diagnostics import Diagnostics
from quorate.lang.nodes import Program
from quorate.lang.parse import parse
from quorate.lang.resolve import resolve
from quorate.lang.source import Source

BREAK, CONTINUE = ("break",), ("continue",)
BINARY: dict[str, Any] = {
    "Add": (operator.add, operator.iadd),
    "Sub": (operator.sub, operator.isub),
    "Mult": (operator.mul, operator.imul),
    "Div": (operator.truediv, operator.itruediv),
    "FloorDiv": (operator.floordiv, operator.ifloordiv),
    "Mod": (operator.mod, operator.imod),
    "Pow": (operator.pow, operator.ipow),
    "LShift": (operator.lshift, operator.ilshift),
    "RShift": (operator.rshift, operator.irshift),
    "BitAnd": (operator.and_, operator.iand),
    "BitOr": (operator.or_, operator.ior),
    "BitXor": (operator.xor, operator.ixor),
    "MatMult": (operator.matmul, operator.imatmul),
}
"""How a block may end, besides None (at its end) and ('return', value)."""
CLOCK_WORDS = ("logical_clock", "logical_time", "incr_logical_clock")
STATEMENTS_MAX = 20_000


class Endless(BaseException):
    """The program has run for so long that it is not worth comparing."""


class Interpreter(QueryEvaluator):
    """Runs statements; expressions and queries are in its bases."""

    def __init__(self, program: Program, world: World) -> None:
        super().__init__(world)
        self.program = program
        self.main: Any = None
        self.options: dict[str, Any] = {}
        self.count = 0
        twins = {"print": self._print, "random": Twin(world), "time": Twin(world)}
        self.twins = twins
        self.module_env = Env(
            None, {"process": Proc, "print": self._print, "__name__": "program"}, kind="module"
        )

    def _print(self, *values: Any, sep: str = " ", end: str = "\n") -> None:
        assert self.world.running is not None
        self.world.running.proc.output(*values)

    def load_module(self) -> None:
        now(self.block(self.program.tree.body, self.module_env))

    # Statements.

    def block(self, body: list[ast.stmt], env: Env) -> Evaluation:
        for statement in body:
            done = yield from self.statement(statement, env)
            if done is not None:
                return done
        return None

    def statement(self, node: ast.stmt, env: Env) -> Evaluation:
        self.count += 1
        if self.count > STATEMENTS_MAX:
            raise Endless
        try:
            done = yield from getattr(self, f"do_{type(node).__name__}")(node, env)
        except (GeneratorExit, Endless):
            raise
        except BaseException as error:
            self.locate(error, node)
            raise
        return done

    @staticmethod
    def locate(error: BaseException, node: ast.AST) -> None:
        """Note where an error came from, once: the innermost place is the first to know."""
        if not hasattr(error, "da_line"):
            error.da_line = node.lineno  # type: ignore[attr-defined]

    def do_Expr(self, node: ast.Expr, env: Env) -> Evaluation:
        yield from self.value(node.value, env)

    def do_Pass(self, node: ast.Pass, env: Env) -> Evaluation:
        yield from ()

    def do_Break(self, node: ast.Break, env: Env) -> Evaluation:
        yield from ()
        return BREAK

    def do_Continue(self, node: ast.Continue, env: Env) -> Evaluation:
        yield from ()
        return CONTINUE

    def do_Return(self, node: ast.Return, env: Env) -> Evaluation:
        return ("return", (yield from self.optional(node.value, env)))

    def do_Assign(self, node: ast.Assign, env: Env) -> Evaluation:
        value = yield from self.value(node.value, env)
        for target in node.targets:
            yield from self.assign(target, value, env)

    def do_AnnAssign(self, node: ast.AnnAssign, env: Env) -> Evaluation:
        if node.value is not None:
            value = yield from self.value(node.value, env)
            yield from self.assign(node.target, value, env)

    def do_AugAssign(self, node: ast.AugAssign, env: Env) -> Evaluation:
        apply = BINARY[type(node.op).__name__][1]
        match node.target:
            case ast.Attribute(value=owner, attr=name):
                at = yield from self.value(owner, env)
                old = getattr(at, name)
                setattr(at, name, apply(old, (yield from self.value(node.value, env))))
            case ast.Subscript(value=owner, slice=index):
                at = yield from self.value(owner, env)
                key = yield from self.value(index, env)
                old = at[key]
                at[key] = apply(old, (yield from self.value(node.value, env)))
            case nodes.Field(name=name):
                old = getattr(env.proc, name)
                setattr(env.proc, name, apply(old, (yield from self.value(node.value, env))))
            case ast.Name(id=name):
                old = env.load(name)
                env.store(name, apply(old, (yield from self.value(node.value, env))))

    def do_Delete(self, node: ast.Delete, env: Env) -> Evaluation:
        for target in node.targets:
            match target:
                case ast.Attribute(value=owner, attr=name):
                    delattr((yield from self.value(owner, env)), name)
                case ast.Subscript(value=owner, slice=index):
                    at = yield from self.value(owner, env)
                    del at[(yield from self.value(index, env))]
                case nodes.Field(name=name):
                    delattr(env.proc, name)
                case ast.Name(id=name):
                    env.delete(name)

    def do_If(self, node: ast.If, env: Env) -> Evaluation:
        holds = yield from self.value(node.test, env)
        return (yield from self.block(node.body if holds else node.orelse, env))

    def do_While(self, node: ast.While, env: Env) -> Evaluation:
        while (yield from self.value(node.test, env)):
            done = yield from self.block(node.body, env)
            if done is BREAK:
                return None
            if done not in (None, CONTINUE):
                return done
        return (yield from self.block(node.orelse, env))

    def do_For(self, node: ast.For, env: Env) -> Evaluation:
        for item in (yield from self.value(node.iter, env)):
            yield from self.assign(node.target, item, env)
            done = yield from self.block(node.body, env)
            if done is BREAK:
                return None
            if done not in (None, CONTINUE):
                return done
        return (yield from self.block(node.orelse, env))

    def do_Assert(self, node: ast.Assert, env: Env) -> Evaluation:
        if not (yield from self.value(node.test, env)):
            raise AssertionError((yield from self.optional(node.msg, env)))

    def do_Raise(self, node: ast.Raise, env: Env) -> Evaluation:
        if node.exc is None:
            handled = env.function().handled
            if not handled:
                raise  # noqa: PLE0704 (that of a caller, if there is one)
            raise handled[-1]
        error = yield from self.value(node.exc, env)
        cause = yield from self.optional(node.cause, env)
        if node.cause is not None:
            raise error from cause
        raise error

    def do_Try(self, node: ast.Try, env: Env) -> Evaluation:
        done, error = yield from self.attempt(self.guarded(node, env))
        last = yield from self.during(error, node.finalbody, env)
        if last is not None:
            return last
        if error is not None:
            raise error
        return done

    def attempt(self, evaluation: Evaluation) -> Evaluation:
        """(value, None), or (None, the exception it ended with)."""
        try:
            return (yield from evaluation), None
        except (GeneratorExit, Endless):
            raise
        except BaseException as error:
            return None, error

    def during(self, error: BaseException | None, body: list[ast.stmt], env: Env) -> Evaluation:
        """Run statements while an exception is handled."""
        if error is None:
            return (yield from self.block(body, env))
        trace = error.__traceback__
        try:
            raise error
        except BaseException:
            error.__traceback__ = trace
            return (yield from self.block(body, env))

    def guarded(self, node: ast.Try, env: Env) -> Evaluation:
        """A `try` without its `finally`."""
        done, error = yield from self.attempt(self.block(node.body, env))
        if error is None:
            return done if done is not None else (yield from self.block(node.orelse, env))
        for handler in node.handlers:
            kinds = BaseException if handler.type is None else None
            if kinds is None:
                assert handler.type is not None
                kinds = yield from self.value(handler.type, env)
            if isinstance(error, kinds):
                return (yield from self.handle(handler, error, env))
        raise error

    def handle(self, node: ast.ExceptHandler, error: BaseException, env: Env) -> Evaluation:
        handled = env.function().handled
        handled.append(error)
        if node.name:
            yield from self.store_name(node.name, error, env)
        done, raised = yield from self.attempt(self.during(error, node.body, env))
        handled.pop()
        if node.name:
            holder = vars(env.proc) if self.is_field(node.name, env) else env.values
            holder.pop(node.name, None)
        if raised is not None:
            raise raised
        return done

    def do_With(self, node: ast.With, env: Env) -> Evaluation:
        return (yield from self.with_items(node.items, node.body, env))

    def with_items(self, items: list[ast.withitem], body: list[ast.stmt], env: Env) -> Evaluation:
        if not items:
            return (yield from self.block(body, env))
        manager = yield from self.value(items[0].context_expr, env)
        leave = type(manager).__exit__
        entered = yield from self.call(type(manager).__enter__.__get__(manager), [], {})
        done, error = yield from self.attempt(self.with_body(items, entered, body, env))
        kind = None if error is None else type(error)
        trace = None if error is None else error.__traceback__
        quiet = yield from self.call(leave.__get__(manager), [kind, error, trace], {})
        if error is not None and not quiet:
            raise error
        return done

    def with_body(
        self, items: list[ast.withitem], entered: Any, body: list[ast.stmt], env: Env
    ) -> Evaluation:
        if items[0].optional_vars is not None:
            yield from self.assign(items[0].optional_vars, entered, env)
        return (yield from self.with_items(items[1:], body, env))

    def do_Match(self, node: ast.Match, env: Env) -> Evaluation:
        subject = yield from self.value(node.subject, env)
        for case in node.cases:
            found: dict[str, Any] = {}
            if not (yield from self.match_case(case.pattern, subject, found, env)):
                continue
            for name, value in found.items():
                yield from self.store_name(name, value, env)
            if case.guard is None or (yield from self.value(case.guard, env)):
                return (yield from self.block(case.body, env))
        return None

    def do_Global(self, node: ast.Global, env: Env) -> Evaluation:
        yield from ()

    do_Nonlocal = do_Global

    def do_Import(self, node: ast.Import, env: Env) -> Evaluation:
        yield from ()
        for alias in node.names:
            module = self.twins.get(alias.name) or __import__(alias.name)
            name = alias.asname or alias.name.partition(".")[0]
            yield from self.store_name(name, module, env)

    def do_ImportFrom(self, node: ast.ImportFrom, env: Env) -> Evaluation:
        yield from ()
        module = self.twins.get(str(node.module)) or __import__(str(node.module), fromlist=["x"])
        for alias in node.names:
            value = getattr(module, alias.name)
            yield from self.store_name(alias.asname or alias.name, value, env)

    # The language's own.

    def do_Config(self, node: nodes.Config, env: Env) -> Evaluation:
        yield from ()

    def do_Label(self, node: nodes.Label, env: Env) -> Evaluation:
        yield Pause(node.name)

    def do_Await(self, node: nodes.Await, env: Env) -> Evaluation:
        while True:
            done = yield from self.wait(node, env)
            if not node.loop:
                return done
            if done is BREAK:
                return None
            if done not in (None, CONTINUE):
                return done

    def wait(self, node: nodes.Await, env: Env) -> Evaluation:
        machine, timer = self.process(env).m_, None
        for branch in node.branches:
            if branch.kind == "timeout":
                seconds = yield from self.located(branch.test, env)
                timer = self.world.set_timer(machine, seconds)
        yield Pause(node.label)
        while True:
            body = self.chosen(node, timer, env)
            if body is not None:
                break
            yield Wait(node.lineno)
        if timer is not None:
            timer.cancelled = True
        return (yield from self.block(body, env))

    def chosen(self, node: nodes.Await, timer: Any, env: Env) -> list[ast.stmt] | None:
        for branch in node.branches:
            if branch.kind == "timeout":
                holds = timer.expired
            else:
                holds = now(self.located(branch.test, env))
            if holds:
                return branch.body
        return node.orelse

    def of_Sleep(self, node: nodes.Sleep, env: Env) -> Evaluation:
        seconds = yield from self.value(node.seconds, env)
        yield Asleep(self.world.set_timer(self.process(env).m_, seconds))

    # Functions and classes.

    def do_FunctionDef(self, node: ast.FunctionDef, env: Env) -> Evaluation:
        function = yield from self.function(node, env, node.name)
        for decorator in reversed(node.decorator_list):
            decorate = yield from self.value(decorator, env)
            function = yield from self.call(decorate, [function], {})
        yield from self.store_name(node.name, function, env)

    def of_Lambda(self, node: ast.Lambda, env: Env) -> Evaluation:
        return (yield from self.function(node, env, "<lambda>"))

    def function(self, node: Any, env: Env, name: str, owner: Any = None) -> Evaluation:
        defaults = yield from self.values(node.args.defaults, env)
        kw_defaults = []
        for default in node.args.kw_defaults:
            value = yield from self.optional(default, env)
            kw_defaults.append(inspect.Parameter.empty if default is None else value)
        signature = signature_of(node.args, defaults, kw_defaults)
        outside = env
        while outside.kind == "class":
            assert outside.parent is not None
            outside = outside.parent

        def enter(inside: Env, is_setup: bool) -> Evaluation:
            if isinstance(node, ast.Lambda):
                return self.located(node.body, inside)
            if is_generator(node.body):
                return self.generator(node.body, inside)
            return self.enter(node.body, inside, is_setup)

        return Function(name, signature, enter, outside, node.scope, owner)

    def enter(self, body: list[ast.stmt], env: Env, is_setup: bool) -> Evaluation:
        if is_setup:
            yield from self.set_fields(body, env)
        done = yield from self.block(body, env)
        return done[1] if done is not None else None

    def located(self, node: ast.expr, env: Env) -> Evaluation:
        """The value of what has a line of its own: a lambda's body, the test of a branch."""
        try:
            return (yield from self.value(node, env))
        except (GeneratorExit, Endless):
            raise
        except BaseException as error:
            self.locate(error, node)
            raise

    def generator(self, body: list[ast.stmt], env: Env) -> Evaluation:
        """What a call of a generator answers; running it must not be suspended."""
        yield from ()

        def elements() -> Iterator[Any]:
            for made in self.block(body, env):
                if not isinstance(made, Made):
                    raise RuntimeError("suspended inside a generator")
                yield made.value

        return elements()

    def of_Yield(self, node: ast.Yield, env: Env) -> Evaluation:
        yield Made((yield from self.optional(node.value, env)))  # type: ignore[misc]

    def of_YieldFrom(self, node: ast.YieldFrom, env: Env) -> Evaluation:
        for value in (yield from self.value(node.value, env)):
            yield Made(value)  # type: ignore[misc]

    def set_fields(self, body: list[ast.stmt], env: Env) -> Evaluation:
        """What a `setup` does first: its parameters become fields, its bases are set up."""
        given, env.values = env.values, {}
        for name, value in given.items():
            setattr(env.proc, name, value)
        if has_super_setup(body):
            return
        for setup in base_setups(env.owner):
            if setup in env.proc.m_.setups:
                continue
            names = [n for n in setup.signature.parameters if n in given]
            yield from setup.evaluate(env.proc, (), {name: given[name] for name in names})

    def do_ClassDef(self, node: ast.ClassDef, env: Env) -> Evaluation:
        bases = yield from self.values(node.bases, env)
        inside = Env(env, kind="class")
        yield from self.block(node.body, inside)
        cls: Any = types.new_class(node.name, tuple(bases), {}, lambda n: n.update(inside.values))
        for decorator in reversed(node.decorator_list):
            decorate = yield from self.value(decorator, env)
            cls = yield from self.call(decorate, [cls], {})
        yield from self.store_name(node.name, cls, env)

    def do_ProcessClass(self, node: nodes.ProcessClass, env: Env) -> Evaluation:
        bases = yield from self.values(node.bases, env)
        if not any(is_process(base) for base in bases):
            bases = [*bases, Proc]
        cls: Any = types.new_class(node.name, tuple(bases), {})
        lineage = [base for base in reversed(cls.__mro__) if is_process(base)]
        inside = Env(env, kind="class")
        handlers, options = [], {}
        for member in node.body:
            if isinstance(member, nodes.Handler):
                handlers.append(self.handling(member, env, cls))
            elif isinstance(member, ast.FunctionDef):
                inside.values[member.name] = yield from self.function(member, env, member.name, cls)
            elif isinstance(member, nodes.Config):
                options.update(member.options)
            else:
                yield from self.statement(member, inside)
        initial = {}
        for name, value in inside.values.items():
            if isinstance(value, property) or (isinstance(value, Function) and value.owner is cls):
                setattr(cls, name, value)
            else:
                initial[name] = value
        own = {"handlers": handlers, "options": options, "initial": initial}
        cls.own_, cls.known_ = own, node.info.fields
        every = [base.__dict__.get("own_", {}) for base in lineage]
        cls.handlers_ = [h for each in every for h in each.get("handlers", [])]
        cls.options_ = {k: v for each in every for k, v in each.get("options", {}).items()}
        cls.options_ = {**self.options, **cls.options_}
        cls.initial_ = {k: v for each in every for k, v in each.get("initial", {}).items()}
        if node.is_main:
            self.main = cls
        else:
            env.store(node.name, cls)

    def handling(self, node: nodes.Handler, env: Env, owner: Any) -> Handling:
        def run(proc: Proc, message: Any, peer: Any, stamp: Any) -> Evaluation:
            inside = Env(env, proc=proc, owner=owner)
            parts = [(node.message, message), (node.peer, peer), (node.own, proc.m_.id)]
            found: dict[str, Any] = {}
            for pattern, value in [*parts, (node.stamp, stamp)]:
                if pattern is not None and not self.matches(pattern, value, found, inside):
                    return
            scope: set[str] = node.scope.locals  # type: ignore[attr-defined]
            body_env = Env(env, found, own=set(scope), proc=proc, owner=owner)
            yield from self.block(node.body, body_env)

        return Handling(node.kind, node.labels, run)

    # Calls.

    def of_Call(self, node: ast.Call, env: Env) -> Evaluation:
        match node.func:
            case ast.Name(id="super") if not node.args:
                return super(env.owner, env.proc)
        function = yield from self.value(node.func, env)
        args = yield from self.values(node.args, env)
        kwargs: dict[str, Any] = {}
        for keyword in node.keywords:
            value = yield from self.value(keyword.value, env)
            kwargs.update({keyword.arg: value} if keyword.arg else value)
        return (yield from self.call(function, args, kwargs))

    def call(self, function: Any, args: list[Any], kwargs: dict[str, Any]) -> Evaluation:
        if isinstance(function, Bound):
            return (yield from function.evaluate(args, kwargs))
        if isinstance(function, Function):
            return (yield from function.evaluate(None, args, kwargs))
        if isinstance(function, functools.partial):
            args = [*function.args, *args]
            return (yield from self.call(function.func, args, {**function.keywords, **kwargs}))
        return function(*args, **kwargs)

    def of_Word(self, node: nodes.Word, env: Env) -> Evaluation:
        args = yield from self.values(node.args, env)
        kwargs = {}
        for keyword in node.keywords:
            kwargs[str(keyword.arg)] = yield from self.value(keyword.value, env)
        name = "set_up_processes" if node.name == "setup" else node.name
        return getattr(Proc, name)(self.process(env), *args, **kwargs)

    def process(self, env: Env) -> Any:
        """The process whose method this is; in other functions, the one that runs."""
        assert self.world.running is not None
        return env.proc if env.proc is not None else self.world.running.proc


def is_generator(body: list[ast.stmt]) -> bool:
    """Whether a `yield` stands in `body` itself."""
    nodes_left: list[ast.AST] = list(body)
    while nodes_left:
        node = nodes_left.pop()
        if isinstance(node, (ast.Yield, ast.YieldFrom)):
            return True
        if not isinstance(node, (ast.FunctionDef, ast.Lambda, ast.ClassDef)):
            nodes_left += ast.iter_child_nodes(node)
    return False


def interpret(source: Source) -> Run:
    """Run the program of `source` as the tree says; raises SyntaxError where it is refused."""
    found = Diagnostics(source)
    program = parse(source, found)
    resolve(program, found)
    found.raise_if_errors()
    world = World({}, uses_clock(program.tree))
    interpreter = Interpreter(program, world)
    for statement in program.tree.body:
        if isinstance(statement, nodes.Config):
            interpreter.options.update(statement.options)
        elif isinstance(statement, nodes.ProcessClass) and statement.is_main:
            for node in ast.walk(statement):
                if isinstance(node, nodes.Config):
                    world.options.update(node.options)
    interpreter.load_module()
    return world.run(interpreter.main)


def uses_clock(tree: ast.Module) -> bool:
    """Whether anything in the program reads a logical clock."""
    for node in ast.walk(tree):
        if isinstance(node, nodes.Word) and node.name in CLOCK_WORDS:
            return True
        if isinstance(node, (nodes.Handler, nodes.Messages)) and node.stamp is not None:
            return True
    return False
