"""What a verb is given, and what it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from a2lc.commands.options import Options
from a2lc.foundation.errors import InputError
from a2lc.foundation.processes import Processes

if TYPE_CHECKING:
    from a2lc.loop.config import RunConfig

Given = TypeVar("Given", bound=Options)


@dataclass(frozen=True)
class Request(Generic[Given]):
    """One command, parsed.

    Attributes:
        verb: The verb.
        config: Name or path of the configuration; None = not given.
        settings: "key=value", which win over the configuration.
        options: The options of the verb.
        command: The command that a reader can run to get the same.
        processes: Those that work on it together.
    """

    verb: str
    config: str | None
    settings: tuple[str, ...]
    options: Given
    command: str
    processes: Processes = field(default_factory=Processes)

    def config_name(self) -> str:
        """The configuration's name or path.

        Raises:
            InputError: When none is given.
        """
        if self.config is None:
            raise InputError(f"name a configuration, for example: a2lc {self.verb} demo")
        return self.config

    def configs(self) -> list[RunConfig]:
        """The composed configuration of every method.

        Raises:
            InputError: When none is given, or it is not valid.
        """
        from a2lc.loop.config import load_config

        return load_config(self.config_name(), self.settings)


def _alone(options: Any) -> bool:
    return False


def always(options: Any) -> bool:
    """Several processes work on it, whatever the options."""
    return True


@dataclass(frozen=True)
class Positional:
    """What the arguments of a verb that are no options are called in its help.

    Attributes:
        first: Name of the first, which `Request.config` holds.
        about_first: What it is.
        others: Name of all others, which `Request.settings` holds.
        about_others: What they are.
    """

    first: str = "CONFIG"
    about_first: str = "built-in configuration (demo, pascal, cityscapes, kvasir, folder) or a YAML file"
    others: str = "key=value"
    about_others: str = "settings, for example rounds=3 training.batch_size=8; 'a2lc run --keys' lists all of them"


@dataclass(frozen=True)
class Verb:
    """A verb of the command line.

    Attributes:
        name: What is typed.
        summary: What it does, in a line.
        details: More about it, with examples.
        handler: "module:function" of this room, imported when the verb is used.
        options: Its options.
        needs_config: Whether a configuration must be given.
        together: Whether several processes work on it; else all but the main one have nothing to do.
        positional: What its other arguments are.
    """

    name: str
    summary: str
    details: str
    handler: str
    options: type[Options] = Options
    needs_config: bool = True
    together: Callable[[Any], bool] = _alone
    positional: Positional = Positional()

    def load(self) -> Callable[[Request[Any]], None]:
        """The function that does it."""
        module, _, function = self.handler.partition(":")
        handler: Callable[[Request[Any]], None] = getattr(import_module(f"a2lc.commands.{module}"), function)
        return handler
