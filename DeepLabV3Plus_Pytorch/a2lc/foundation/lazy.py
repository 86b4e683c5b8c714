"""Packages whose names are imported when they are first used, so that the light ones among them stay light."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from typing import Any


def lazily(package: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` of a package: the names that its `__init__` imports for type checkers, loaded late.

    Args:
        package: Its `__name__`.

    Example:
        >>> if TYPE_CHECKING:
        ...     from a2lc.acquisition.scoring import score_masks
        ... else:
        ...     __getattr__, __dir__ = lazily(__name__)
    """

    @cache
    def homes() -> dict[str, str]:
        """The name of the module that each name comes from."""
        return dict(_imported_for_types(sys.modules[package]))

    def load(name: str) -> Any:
        if name.startswith("__") or name not in homes():
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        is_submodule = homes()[name] == package
        module = import_module(f"{package}.{name}" if is_submodule else homes()[name])
        value = module if is_submodule else getattr(module, name)
        setattr(sys.modules[package], name, value)  # which a submodule of this name would hide otherwise
        return value

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *homes()})

    return load, names


def _imported_for_types(module: Any) -> Iterator[tuple[str, str]]:
    """(name, module it comes from) of the imports below `if TYPE_CHECKING` in the source of a package."""
    import ast

    for block in ast.parse(module.__loader__.get_source(module.__name__)).body:
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING":
            for statement in block.body:
                if isinstance(statement, ast.ImportFrom):
                    yield from ((alias.name, str(statement.module)) for alias in statement.names)
