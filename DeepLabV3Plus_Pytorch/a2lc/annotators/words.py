"""The words of an answer: what people write into a cell, and which answer that is."""

from __future__ import annotations

import difflib

from a2lc.annotators.inbox import Kind
from a2lc.classes import ClassSet
from a2lc.foundation.ids import Names, folded

_WORDS: dict[str, Kind] = {"yes": "yes", "y": "yes", "no": "no", "void": "void", "skip": "skip"}
_LONGEST = 80  # characters of an answer that are looked at and shown where it is no class
_MOST_DIGITS = 3  # of a class number


class AnswerWords:
    """Finds what is meant by an answer, by the first of these that fits it: a word (yes, y, no, void, skip); a class
    name, exactly, in another Unicode form, or in another case; the number of a class; the beginning of one name alone.

    Args:
        classes: The classes that an answer may name.

    Example:
        >>> from a2lc.classes import parse_classes
        >>> words = AnswerWords(parse_classes({"classes": ["road", "car", "cat"]}, "classes"))
        >>> words.read("Y"), words.read("ROAD"), words.read("2"), words.read("r")
        (('yes', None), ('class', 0), ('class', 2), ('class', 0))
    """

    def __init__(self, classes: ClassSet) -> None:
        self._names = classes.names
        self._words = Names(_WORDS)
        self._exact = Names(classes.names)
        self._folded = {folded(name): name for name in (*classes.names, *_WORDS)}

    def read(self, written: str) -> tuple[Kind, int | None]:
        """The kind of an answer, and its class where it names one.

        Raises:
            ValueError: With a sentence, when nothing can be meant, or more than one thing.
        """
        word = self._words.find(written)
        if word is not None:
            return _WORDS[word], None
        name = self._exact.find(written) or self._by_number(written)
        if name is None:
            name = self._by_beginning(written)
            if name in _WORDS:
                return _WORDS[name], None
        return "class", self._names.index(name)

    def _by_number(self, written: str) -> str | None:
        """The class with that number, where there is one."""
        if not (written.isascii() and written.isdecimal() and len(written) <= _MOST_DIGITS):
            return None
        return self._names[int(written)] if int(written) < len(self._names) else None

    def _by_beginning(self, written: str) -> str:
        """The only name that begins so."""
        start = folded(written[:_LONGEST])
        found = [name for plain, name in self._folded.items() if plain.startswith(start)]
        if len(found) > 1:
            raise ValueError(f"the answer '{written[:_LONGEST]}' is ambiguous: write {_either(found)}")
        if found and len(written) <= _LONGEST:
            return found[0]
        near = difflib.get_close_matches(start, self._folded, n=1)
        listed = "write yes, no, skip, void or a class of classes.txt"
        hint = f"did you mean {self._folded[near[0]]}?" if near else listed
        raise ValueError(f"the answer '{written[:_LONGEST]}' is no class: {hint}")


def _either(names: list[str]) -> str:
    """Names as the end of a sentence."""
    return f"{', '.join(names[:-1])} or {names[-1]}"


def answer_for(classes: ClassSet, label: int) -> str:
    """What is written to answer a class: its name, or its number where the name is one of the words."""
    name = classes.names[label]
    return str(label) if Names(_WORDS).find(name) else name


def describe_answers(classes: ClassSet) -> str:
    """What may be written into the column `answer`, as a text for people."""
    numbered = "".join(_numbered(classes, label) for label in range(len(classes)))
    return (
        "Write into the column 'answer' of the queue:\n\n"
        "  yes (or y)  the mask is what the row says\n"
        "  a class     name, number or the beginning of one name alone, from the list below\n"
        "  no          it is not, and you do not know what it is\n"
        "  void        it is none of the classes\n"
        "  skip        nobody could say\n\n"
        "A row without an answer waits. Classes:\n\n"
        f"{numbered}"
    )


def _numbered(classes: ClassSet, label: int) -> str:
    """A line about a class."""
    name = classes.names[label]
    note = "" if answer_for(classes, label) == name else "  (write the number: the name is one of the words)"
    return f"{label:>5}  {name}{note}\n"
