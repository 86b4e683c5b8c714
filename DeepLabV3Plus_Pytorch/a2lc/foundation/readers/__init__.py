"""Reading files that others may have written or damaged: one reader per kind, each with bounds and clear refusals.

A reader gives plain data of the type asked for, or raises `InputError` with the file, the place in it, what was
expected and what to do. None of them runs code that a file brings along.
"""
