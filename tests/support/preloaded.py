"""Everything that a verb imports; a process that has imported this and computed nothing can be forked for each verb."""

from __future__ import annotations

import contextlib
import importlib
import pkgutil

import PIL.Image
import sqlalchemy.dialects.sqlite  # noqa: F401  loaded for the forks, which use it

import a2lc
import grounded_sam
import tests.support.gsam_fake  # noqa: F401

for package in (a2lc, grounded_sam):
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        with contextlib.suppress(ImportError):  # of packages that only some users install
            importlib.import_module(module.name)
PIL.Image.init()
