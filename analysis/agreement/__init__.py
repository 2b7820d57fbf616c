"""Do raters agree? Krippendorff's alpha, Fleiss' kappa, intraclass correlations, split halves, and how many to ask.

All functions take ratings in long form (:class:`Ratings`), so that designs in which every rater sees a part are the
normal case. Bootstrap intervals resample units (pairs of outputs, or outputs), never single ratings.
"""

from analysis.agreement.coefficients import fleiss_kappa, krippendorff_alpha, raw_agreement
from analysis.agreement.ratings import AgreementError, Coefficient, Ratings, from_matrix
from analysis.agreement.reliability import (
    IntraclassCorrelation,
    intraclass_correlations,
    raters_needed,
    single_rater_reliability,
    spearman_brown,
    split_half,
)
from analysis.agreement.study import agreement_rows, ratings_of

__all__ = [
    "AgreementError",
    "Coefficient",
    "IntraclassCorrelation",
    "Ratings",
    "agreement_rows",
    "fleiss_kappa",
    "from_matrix",
    "intraclass_correlations",
    "krippendorff_alpha",
    "raters_needed",
    "ratings_of",
    "raw_agreement",
    "single_rater_reliability",
    "spearman_brown",
    "split_half",
]
