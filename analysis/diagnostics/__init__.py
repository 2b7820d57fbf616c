"""Whether a fit can be believed: residuals, predicted effects, influence of single prompts; and the account of data."""

from analysis.diagnostics.account import account_of
from analysis.diagnostics.dimension import check_dimension
from analysis.diagnostics.influence import drop_each_prompt
from analysis.diagnostics.residuals import check_effects, check_residuals, quantile_residuals

__all__ = [
    "account_of",
    "check_dimension",
    "check_effects",
    "check_residuals",
    "drop_each_prompt",
    "quantile_residuals",
]
