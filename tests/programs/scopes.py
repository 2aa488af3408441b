"""Variables of the naive interpreter: environments, functions and methods.

Invariant: an `Env` is made for each call, comprehension and combination of a query; what it
does not hold itself is looked up outwards, as Python does.
"""

from __future__ import annotations

import ast
import builtins
import inspect
from collections.abc import Callable, Generator
from typing import Any

from programs.world import Proc, Stop

Evaluation = Generator[Stop, None, Any]


class Env:
    """Names with values. `own` are all names of a function, with values or not yet."""

    def __init__(
        self,
        parent: Env | None,
        values: dict[str, Any] | None = None,
        *,
        own: set[str] | None = None,
        kind: str = "function",
        proc: Any = None,
        owner: Any = None,
    ) -> None:
        self.parent, self.kind, self.own = parent, kind, own or set()
        self.values: dict[str, Any] = {} if values is None else values
        self.proc: Any = proc if proc is not None or parent is None else parent.proc
        self.owner: Any = owner if owner is not None or parent is None else parent.owner
        self.handled: list[BaseException] = []  # what `raise` alone raises again

    def holder(self, name: str) -> Env | None:
        """Where `name` lives, whether or not it has a value."""
        env: Env | None = self
        while env is not None:
            if name in env.values or name in env.own:
                return env
            env = env.parent
        return None

    def load(self, name: str) -> Any:
        env = self.holder(name)
        if env is not None and name in env.values:
            return env.values[name]
        if env is not None:
            raise UnboundLocalError(name)
        if hasattr(builtins, name):
            return getattr(builtins, name)
        raise NameError(name)

    def module(self) -> Env:
        env = self
        while env.parent is not None:
            env = env.parent
        return env

    def function(self) -> Env:
        """The function (or module, or class) around comprehensions and queries."""
        env = self
        while env.kind == "inner":
            assert env.parent is not None
            env = env.parent
        return env

    def store(self, name: str, value: Any) -> None:
        if self.kind == "class":
            self.values[name] = value
        else:
            (self.holder(name) or self.module()).values[name] = value

    def delete(self, name: str) -> None:
        env = self.holder(name)
        if env is None or name not in env.values:
            raise NameError(name)
        del env.values[name]


def now(evaluation: Evaluation) -> Any:
    """The value of what must not be suspended."""
    try:
        next(evaluation)
    except StopIteration as done:
        return done.value
    raise RuntimeError("suspended where nothing can be")


class Function:
    """A function of the program; a method of a process class has `owner` and takes no `self`."""

    def __init__(
        self,
        name: str,
        signature: inspect.Signature,
        enter: Callable[[Env, bool], Evaluation],
        env: Env,
        scope: Any,
        owner: Any = None,
    ) -> None:
        self.__name__, self.signature, self.enter = name, signature, enter
        self.env, self.scope, self.owner = env, scope, owner

    def __get__(self, instance: Any, kind: type | None = None) -> Any:
        return self if instance is None else Bound(self, instance)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return now(self.evaluate(None, args, kwargs))

    def evaluate(self, instance: Any, args: Any, kwargs: Any) -> Evaluation:
        is_method = self.owner is not None
        if is_method and instance is None and args and isinstance(args[0], Proc):
            instance, *args = args  # `Base.method(self, ...)`
        if is_method and self.__name__ == "setup":
            instance.m_.setups.add(self)
        if instance is not None and not is_method:
            args = (instance, *args)
        bound = self.signature.bind(*args, **kwargs)
        bound.apply_defaults()
        env = Env(
            self.env,
            dict(bound.arguments),
            own=set(self.scope.locals),
            proc=instance if is_method else None,
            owner=self.owner,
        )
        return self.enter(env, is_method and self.__name__ == "setup")


class Bound:
    """A method with its process or object."""

    def __init__(self, function: Function, instance: Any) -> None:
        self.function, self.instance = function, instance

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return now(self.evaluate(args, kwargs))

    def evaluate(self, args: Any, kwargs: Any) -> Evaluation:
        return self.function.evaluate(self.instance, args, kwargs)

    def steps(self) -> Evaluation:
        return self.evaluate((), {})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Bound) and (self.function, self.instance) == (
            other.function,
            other.instance,
        )

    def __hash__(self) -> int:
        return hash(self.function)


def signature_of(args: ast.arguments, defaults: list[Any], kw_defaults: list[Any]) -> Any:
    """The signature, with the values of the defaults; ABSENT stands for none."""
    kinds = inspect.Parameter
    empty = kinds.empty
    plain: list[tuple[str, Any]] = [(a.arg, kinds.POSITIONAL_ONLY) for a in args.posonlyargs]
    plain += [(a.arg, kinds.POSITIONAL_OR_KEYWORD) for a in args.args]
    values = [empty] * (len(plain) - len(defaults)) + defaults
    made = [kinds(n, k, default=v) for (n, k), v in zip(plain, values, strict=True)]
    if args.vararg:
        made.append(kinds(args.vararg.arg, kinds.VAR_POSITIONAL))
    for arg, value in zip(args.kwonlyargs, kw_defaults, strict=True):
        made.append(kinds(arg.arg, kinds.KEYWORD_ONLY, default=value))
    if args.kwarg:
        made.append(kinds(args.kwarg.arg, kinds.VAR_KEYWORD))
    return inspect.Signature(made)


def has_super_setup(body: list[ast.stmt]) -> bool:
    """Whether a `setup` calls `super().setup(...)` or `Base.setup(self, ...)` itself."""
    for statement in body:
        for node in ast.walk(statement):
            match node:
                case ast.Attribute(attr="setup", value=ast.Call(func=ast.Name(id="super"))):
                    return True
                case ast.Call(func=ast.Attribute(attr="setup", value=ast.Name())):
                    return True
    return False


def base_setups(cls: type) -> list[Function]:
    """The `setup`s of the bases, which run before that of the class itself."""
    found = [vars(base).get("setup") or _inherited(base) for base in cls.__bases__]
    return [each for each in found if isinstance(each, Function)]


def _inherited(cls: type) -> Any:
    return next((vars(b)["setup"] for b in cls.__mro__[1:] if "setup" in vars(b)), None)


def is_process(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, Proc)
