"""The arguments of a class or function, read from its source without importing it.

Importing torch and Lightning takes seconds; a misspelt key should be answered at once.
"""

from __future__ import annotations

import ast
from contextlib import suppress
from functools import cache
from importlib.machinery import PathFinder
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple


class Signature(NamedTuple):
    """The arguments, each with its annotation as written, and whether the target takes any other keyword too."""

    arguments: dict[str, str]
    open: bool


@cache
def signature(target: str) -> Signature | None:
    """The signature behind a dotted path such as `torch.optim.AdamW`; None where the source does not tell.

    Raises:
        LookupError: there is no such module, class or function.
    """
    found = _find(target)
    if found is None:
        return None
    module, node = found
    if isinstance(node, ast.ClassDef):
        return _of_class(module, node)
    return _of_arguments(node.args, skip=0)


def annotations(target: str) -> dict[str, str]:
    """The arguments behind a dotted path, each with its annotation; none where the source does not tell."""
    with suppress(LookupError):
        if known := signature(target):
            return known.arguments
    return {}


def _find(target: str):
    """The module's path list and the definition in it, following `from x import y`."""
    *parts, name = target.split(".")
    if not parts:
        raise LookupError("it names no module")
    module = ".".join(parts)
    path = _source(module)
    if path is None:
        return None
    for node in _statements(path):
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == name:
            return module, node
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    return _find(f"{_absolute(module, path, node)}.{alias.name}")
                if alias.name == "*":
                    with suppress(LookupError):
                        return _find(f"{_absolute(module, path, node)}.{name}")
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in node.targets):
            return None
    raise LookupError(f"{module} has no {name}")


@cache
def _source(module: str) -> Path | None:
    search, path = None, None
    for i, _ in enumerate(parts := module.split(".")):
        # a submodule is looked for in its package's folders, as find_spec would import the package
        name = ".".join(parts[: i + 1])
        if i and not search:
            raise LookupError(f"{'.'.join(parts[:i])} has no modules in it")
        spec = PathFinder.find_spec(name, search) if search else find_spec(name)
        if spec is None:
            raise LookupError(f"there is no module {module}")
        search, path = spec.submodule_search_locations, spec.origin
    return Path(path) if path and path.endswith(".py") else None


@cache
def _statements(path: Path) -> list[ast.stmt]:
    """The statements at the top level of a module, those inside `if` and `try` among them."""
    flat, queue = [], list(ast.parse(path.read_text(encoding="utf-8")).body)
    while queue:
        node = queue.pop(0)
        flat.append(node)
        if isinstance(node, ast.If | ast.Try):
            queue = [*node.body, *node.orelse, *queue]
    return flat


def _absolute(module: str, path: Path, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    base = package[: len(package) - node.level + 1]
    return ".".join([*base, *([node.module] if node.module else [])])


def _of_class(module: str, node: ast.ClassDef) -> Signature | None:
    for statement in node.body:
        if isinstance(statement, ast.FunctionDef) and statement.name == "__init__":
            own = _of_arguments(statement.args, skip=1)
            above = _inherited(module, node) if _hands_on(statement) else None
            return Signature(above.arguments | own.arguments, above.open) if above else own
    inherited = _inherited(module, node)
    if inherited is None or not any("dataclass" in ast.unparse(decorator) for decorator in node.decorator_list):
        return inherited
    fields = {
        statement.target.id: ast.unparse(statement.annotation)
        for statement in node.body
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)
    }
    return Signature(inherited.arguments | fields, inherited.open)


def _hands_on(init: ast.FunctionDef) -> bool:
    """Whether `super().__init__` gets the keywords that the signature leaves open."""
    calls = (c for c in ast.walk(init) if isinstance(c, ast.Call) and ast.unparse(c.func) == "super().__init__")
    names = {ast.unparse(keyword.value) for call in calls for keyword in call.keywords if keyword.arg is None}
    return init.args.kwarg is not None and init.args.kwarg.arg in names


def _inherited(module: str, node: ast.ClassDef) -> Signature | None:
    """Of the first class above that takes any arguments, as Python looks for `__init__`."""
    inherited = Signature({}, False)
    for base in node.bases:
        if ast.unparse(base) in ("ABC", "Protocol"):  # they add no arguments
            continue
        try:
            found = _find(f"{module}.{ast.unparse(base)}")
        except LookupError:
            return None
        above = _of_class(*found) if found else None
        if above is None or above.arguments:
            return above
        inherited = above
    return inherited


def _of_arguments(arguments: ast.arguments, skip: int) -> Signature:
    named = [*arguments.posonlyargs, *arguments.args][skip:] + arguments.kwonlyargs
    annotations = {a.arg: ast.unparse(a.annotation) if a.annotation else "" for a in named}
    return Signature(annotations, arguments.kwarg is not None)
