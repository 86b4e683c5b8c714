"""What a machine does to a run (a full disk, too little memory, a name in the way), told in a sentence."""

from __future__ import annotations

import errno
import os
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from a2lc.foundation.errors import InputError

_DEEPEST_CAUSE = 5
_LONGEST_REASON = 160  # characters; CUDA appends an account of its memory


@dataclass(frozen=True)
class _Trouble:
    """A kind of trouble, and how it shows.

    Types are given by name and messages by parts of them, so that no library is imported to explain its errors.
    """

    what: str
    advice: str
    numbers: tuple[int, ...] = ()
    types: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()

    def is_behind(self, error: BaseException | None) -> bool:
        """Whether the error shows this trouble."""
        if isinstance(error, OSError) and error.errno in self.numbers:
            return True
        named = any(base.__name__ in self.types for base in type(error).__mro__)
        return named or any(part in str(error) for part in self.parts)


_LOST_WORKER = _Trouble(
    "a process that loads images was lost",
    "the same command with training.workers=0 needs none, takes less memory, and continues",
    parts=("DataLoader worker (pid", "shared memory", "</torch_"),
)
_LOST_PROCESS = _Trouble(
    "another process of this run was lost",
    "the same command continues",
    parts=("Connection closed by peer", "Connection reset by peer"),
)
_FULL_DISK = _Trouble(
    "the disk is full",
    "make room, and the same command continues",
    numbers=(errno.ENOSPC, errno.EDQUOT, errno.EFBIG),
    # SQLite and PyTorch's writer of zip files, which tells a failed write in several ways
    parts=(
        *("database or disk is full", "No space left on device", "Disk quota exceeded"),
        *("PytorchStreamWriter failed", "unexpected pos", "iostream error"),
    ),
)
_NO_ACCESS = _Trouble(
    "access was refused",
    "change the permissions or choose another folder (output=<folder>), and run the command again",
    numbers=(errno.EACCES, errno.EPERM, errno.EROFS),
    parts=("strerror: Permission denied", "strerror: Read-only file system"),
)
_TOO_MANY_FILES = _Trouble(
    "more files are open than the system allows",
    "raise the limit (ulimit -n 4096), or set training.workers=0, and the same command continues",
    numbers=(errno.EMFILE, errno.ENFILE),
    parts=("Too many open files", "unable to open database file", "received 0 items of ancdata"),
)
_LONG_NAME = _Trouble(
    "a name is too long for this file system",
    "choose shorter names of folders and images, and run the command again",
    numbers=(errno.ENAMETOOLONG,),
)
_FILE_FOR_FOLDER = _Trouble(
    "there is a file where a folder is needed",
    "remove or rename it, or choose another folder, and run the command again",
    numbers=(errno.ENOTDIR,),
)
_FOLDER_FOR_FILE = _Trouble(
    "there is a folder where a file is needed",
    "remove or rename it, and run the command again",
    numbers=(errno.EISDIR,),
)
_IN_THE_WAY = _Trouble(
    "something is in the way",
    "see whether another command works there, else remove or rename it, and run the command again",
    numbers=(errno.EEXIST, errno.ENOTEMPTY),
)
_LINK_LOOP = _Trouble(
    "a link leads back to itself",
    "remove the link, and run the command again",
    numbers=(errno.ELOOP,),
    parts=("Symlink loop from",),
)
_NO_PROCESS = _Trouble(
    "the system starts no more processes or threads",
    "raise the limit (ulimit -u) or end others, and the same command continues; OMP_NUM_THREADS=1 and "
    "training.workers=0 need the fewest",
    parts=("can't start new thread", "Thread creation failed", "pthread_create failed"),
)
_OUT_OF_MEMORY = _Trouble(
    "memory ran out",
    "once memory is free the same command continues; to need less, lower training.batch_size or training.crop_size, "
    "set network.output_stride=16 or training.mixed_precision=true, or choose a smaller network.backbone, each in a "
    "new run (experiment=<name>)",
    numbers=(errno.ENOMEM,),
    types=("MemoryError", "OutOfMemoryError"),
    parts=(
        *("out of memory", "can't allocate memory", "not enough memory", "_STATUS_ALLOC_FAILED"),
        *("Cannot allocate memory", "failed to map segment", "Unable to allocate", "std::bad_alloc"),
    ),
)
# a worker that finds no room in shared memory speaks of a full device too, so it comes first
_TROUBLES = (
    *(_LOST_WORKER, _LOST_PROCESS, _FULL_DISK, _NO_ACCESS, _TOO_MANY_FILES, _OUT_OF_MEMORY, _NO_PROCESS),
    *(_LONG_NAME, _FILE_FOR_FOLDER, _FOLDER_FOR_FILE, _IN_THE_WAY, _LINK_LOOP),
)


def explain(error: BaseException) -> str | None:
    """Tell an error in one sentence: what happened, where, and what to do.

    Args:
        error: Whatever ended a command. Bad input speaks for itself; advice is added where a full disk is behind it.

    Returns:
        The sentence, or None when neither the input nor the machine is to blame: then it is a bug.
    """
    if isinstance(error, InputError):
        return f"{error}; {_FULL_DISK.advice}" if _FULL_DISK.is_behind(error.__context__) else str(error)
    for trouble in _TROUBLES:
        if any(trouble.is_behind(cause) for cause in _causes(error)):
            return f"{trouble.what}{_place(error)} ({_reason(error)}): {trouble.advice}"
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it was raised from; libraries tell the system's errors in words of their own."""
    cause: BaseException | None = error
    for _ in range(_DEEPEST_CAUSE):
        if cause is None:
            return
        yield cause
        cause = cause.__cause__


def _place(error: BaseException) -> str:
    notes = getattr(error, "__notes__", [])  # `a2lc.foundation.files.atomic_path` notes the file that was to be written
    if notes:
        return f" {notes[0]}"
    if isinstance(error, OSError) and error.filename is not None:
        return f" at {error.filename}"
    return ""


def _reason(error: BaseException) -> str:
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    lines = str(error).strip().splitlines()  # below the first: SQL, C++ stacks, the traceback of a worker
    reason = re.sub(r"^\[enforce fail at \S+\] (\. )?", "", lines[0]) if lines else type(error).__name__
    return textwrap.shorten(reason, _LONGEST_REASON)
