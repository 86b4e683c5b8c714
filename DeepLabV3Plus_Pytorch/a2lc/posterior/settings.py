"""Settings of the answer posterior."""

from __future__ import annotations

from pydantic import Field

from a2lc.foundation.settings import Settings


class PosteriorSettings(Settings):
    """How the model of the answers is fitted and how far answers are believed."""

    regularisation: float = Field(default=0.1, gt=0)
    """Inverse strength of the L2 penalty on the standardised features."""

    error_rate: float = Field(default=0.0, ge=0, lt=0.5)
    """Share of the answers expected to be wrong, in [0, 0.5). With 0 an answer is the truth; above, it is evidence:
    one that the model finds unlikely is asked for again, or overruled."""

    opinions: int = Field(default=3, ge=1)
    """Most answers asked for about one mask where answers may be wrong; each is a click."""

    folds: int = Field(default=3, ge=2)
    """Parts the answered masks are split into where answers may be wrong: each is judged by a model of the others."""

    calibration: bool = False
    """Whether probabilities are calibrated per initial class and size of the masks, as far as that explains answers
    better that the model did not see."""

    network_statistics: bool = True
    """Whether the mean probabilities of a trained network, where there is one, add candidates and features."""

    least_evidence: float = Field(default=0.1, ge=0, le=1)
    """Probability from which the likeliest mask of a class that labels nothing any more is asked about first."""

    few_answers: int = Field(default=2, ge=0)
    """A mask is never taken out of a pseudo-class with fewer answers than this."""
