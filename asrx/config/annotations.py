"""Whether a plain value fits an annotation, which is read from a source and not imported."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

LISTS = {"list", "List", "tuple", "Tuple", "Sequence", "Iterable", "Collection"}
MAPPINGS = {"dict", "Dict", "Mapping"}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


# what a name takes, in words for one and for several
PLAIN: dict[str, tuple[Callable[[Any], bool], str, str]] = {
    "int": (lambda value: type(value) is int, "a whole number", "whole numbers"),
    "float": (_is_number, "a number", "numbers"),
    "bool": (lambda value: isinstance(value, bool), "true or false", "true or false"),
    "str": (lambda value: isinstance(value, str), "a text", "texts"),
    "Path": (lambda value: isinstance(value, str), "a path", "paths"),
    "None": (lambda value: value is None, "null", "null"),
    **dict.fromkeys(LISTS, (lambda value: isinstance(value, list), "a list", "lists")),
    **dict.fromkeys(MAPPINGS, (lambda value: isinstance(value, dict), "a mapping", "mappings")),
}


def is_plain(annotation: str) -> bool:
    """Whether it speaks of nothing but texts, numbers, switches, and lists and mappings of them."""
    return all(isinstance(option, ast.Constant) or _name(option) in PLAIN for option in _everything(annotation))


def fits(value: Any, annotation: str) -> bool:
    """Whether a value is what a plain annotation says."""
    return any(_fits(value, option) for option in _options(_parsed(annotation)))


def words(annotation: str) -> str:
    """What a plain annotation says, such as `a whole number or null`."""
    return " or ".join(dict.fromkeys(_words(option) for option in _options(_parsed(annotation))))


@cache
def _parsed(annotation: str) -> ast.expr:
    try:
        body = ast.parse(annotation, mode="eval").body
        quoted = isinstance(body, ast.Constant) and isinstance(body.value, str)
        return ast.parse(body.value, mode="eval").body if quoted else body
    except SyntaxError:
        return ast.Name("Any")


def _name(node: ast.expr) -> str:
    """The last part of a name, also of one with brackets; a text for what has none."""
    node = node.value if isinstance(node, ast.Subscript) else node
    return (
        node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ast.unparse(node)
    )


def _inner(node: ast.Subscript) -> list[ast.expr]:
    return node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]


def _options(node: ast.expr) -> Iterator[ast.expr]:
    """The sides of a union; of a literal, its values."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        yield from _options(node.left)
        yield from _options(node.right)
    elif isinstance(node, ast.Subscript) and _name(node) in ("Union", "Optional", "Literal"):
        for inner in _inner(node):
            yield from _options(inner)
        if _name(node) == "Optional":
            yield ast.Name("None")
    elif isinstance(node, ast.Constant) and node.value is None:
        yield ast.Name("None")
    else:
        yield node


def _everything(annotation: str) -> Iterator[ast.expr]:
    """All sides of all unions in it, inner ones too."""
    nodes = [_parsed(annotation)]
    while nodes:
        for option in _options(nodes.pop()):
            yield option
            if isinstance(option, ast.Subscript):
                nodes += _inner(option)


def _fits(value: Any, node: ast.expr) -> bool:
    if isinstance(node, ast.Constant):
        return value == node.value
    if not PLAIN[_name(node)][0](value):
        return False
    if not isinstance(node, ast.Subscript):
        return True
    of = [inner for inner in _inner(node) if not (isinstance(inner, ast.Constant) and inner.value is ...)]
    return all(
        any(_fits(one, option) for inner in of for option in _options(inner))
        for one in (value if isinstance(value, list) else value.values())
    )


def _words(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    one = PLAIN[_name(node)][1]
    if not isinstance(node, ast.Subscript) or _name(node) in MAPPINGS:
        return one
    inner = {_name(option) for inner in _inner(node) for option in _options(inner)} - {"..."}
    return f"{one} of {PLAIN[inner.pop()][2]}" if len(inner) == 1 else one
