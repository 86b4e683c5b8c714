"""Fuzzing the readers of what people and other programs hand in: manifests, queues, YAML files, ledgers.

    python -m tests.fuzz --minutes 15 --seed 1 [--keep FOLDER]

Each target has a few good files. One of them is damaged a few times, by bytes and by meaning (a value replaced, a cell
of a table changed), and read. Reading it may succeed or be refused by an `InputError`; anything else, and a reader that
takes longer than five seconds, is a crash. Every kind of crash is told once, with the file that showed it first, kept
in FOLDER. The same seed tries the same files in the same order.

A new reader is a new entry of `targets.TARGETS`: its good files, and a function that reads one.
"""
