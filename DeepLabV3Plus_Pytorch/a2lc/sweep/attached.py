"""A command of `a2lc` that ends when the process that started it does, however that ended.

python -m a2lc.sweep.attached run demo < a pipe that the other process holds open
"""

from __future__ import annotations

import os
import threading

from a2lc.cli import main


def _end_with_parent() -> None:
    os.read(0, 1)  # standard input: returns when its other end is closed
    os._exit(1)  # at once: a run can be killed at any moment


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    raise SystemExit(main())
