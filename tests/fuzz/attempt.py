"""One damaged file, read."""

from __future__ import annotations

import random
import shutil
import signal
import traceback
from pathlib import Path

from a2lc.foundation.errors import InputError
from tests.fuzz.mutations import mutated, with_other_cell
from tests.fuzz.targets import Target

_PATIENCE = 5  # seconds for one file


class TooLong(BaseException):
    """A reader did not end in time."""


def attempt(target: Target, folder: Path, draw: random.Random) -> tuple[str | None, Path]:
    """Damage a good file, read it; what crashed, in a line, and the file."""
    shutil.rmtree(folder, ignore_errors=True)
    path = draw.choice(target.good(folder))
    if target.by_cells and draw.random() < 0.7:
        with_other_cell(path, draw)
    else:
        path.write_bytes(mutated(path.read_bytes(), draw))
    before = signal.signal(signal.SIGALRM, _give_up)
    signal.alarm(_PATIENCE)
    try:
        target.read(path)
    except InputError:
        return None, path
    except (Exception, TooLong) as error:
        return _described(error), path
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    return None, path


def _give_up(number: int, frame: object) -> None:
    raise TooLong(f"more than {_PATIENCE} s")


def _described(error: BaseException) -> str:
    """The kind of an error and the place in our code where it came up."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "/a2lc/" in frame.filename or "/grounded_sam/" in frame.filename]
    place = f"{Path(ours[-1].filename).name}:{ours[-1].lineno} {ours[-1].name}" if ours else "?"
    return f"{type(error).__name__} in {place}"
