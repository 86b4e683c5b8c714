"""Which methods, mixings and kinds of trust there are; imports no PyTorch, so that settings can name one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from a2lc.foundation.registry import Registry

if TYPE_CHECKING:
    from a2lc.segmentation.consistency.base import Method, Mixing, Trust


@dataclass(frozen=True)
class MethodEntry:
    """A way to learn from labelled and unlabelled images.

    Attributes:
        make: `ConsistencySettings`, void index → the method; None = it leaves unlabelled images aside.
    """

    make: Callable[[Any, int], Method] | None


METHODS: Registry[MethodEntry] = Registry("consistencies")
MIXINGS: Registry[Callable[[Any], Mixing]] = Registry("mixings")  # of `ConsistencySettings`
TRUST: Registry[Callable[[Any], Trust]] = Registry("trust")  # of `ConsistencySettings`


def _fixmatch(settings: Any, void: int) -> Method:
    from a2lc.segmentation.consistency.methods import FixMatch

    return FixMatch(settings, void)


def _unimatch(settings: Any, void: int) -> Method:
    from a2lc.segmentation.consistency.methods import UniMatch

    return UniMatch(settings, void)


def _mean_teacher(settings: Any, void: int) -> Method:
    from a2lc.segmentation.consistency.methods import MeanTeacher

    return MeanTeacher(settings, void)


def _dacs(settings: Any, void: int) -> Method:
    from a2lc.segmentation.consistency.methods import Dacs

    return Dacs(settings, void)


def _no_mixing(settings: Any) -> Mixing:
    from a2lc.segmentation.consistency.mixing import NoMixing

    return NoMixing()


def _cutmix(settings: Any) -> Mixing:
    from a2lc.segmentation.consistency.mixing import CutMix

    return CutMix(settings.cutmix)


def _classmix(settings: Any) -> Mixing:
    from a2lc.segmentation.consistency.mixing import ClassMix

    return ClassMix()


def _pixels(settings: Any) -> Trust:
    from a2lc.segmentation.consistency.pseudo_labels import ConfidentPixels

    return ConfidentPixels(settings.threshold)


def _share(settings: Any) -> Trust:
    from a2lc.segmentation.consistency.pseudo_labels import ConfidentShare

    return ConfidentShare(settings.threshold)


METHODS.register("supervised", MethodEntry(None))
METHODS.register("fixmatch", MethodEntry(_fixmatch))
METHODS.register("unimatch", MethodEntry(_unimatch))
METHODS.register("mean_teacher", MethodEntry(_mean_teacher))
METHODS.register("dacs", MethodEntry(_dacs))
MIXINGS.register("none", _no_mixing)
MIXINGS.register("cutmix", _cutmix)
MIXINGS.register("classmix", _classmix)
TRUST.register("pixels", _pixels)
TRUST.register("share", _share)
