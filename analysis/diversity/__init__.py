"""Mode collapse measured: repetition within systems, likeness between systems, steered against baseline.

    from analysis.diversity import measure, read
    result = measure(read("outputs.csv"), baseline="baseline")
    print(result.sentences[0])
    result.tables["contrasts"]
    result.write("diversity")

Single numbers by their own names: ``vendi_score``, ``hill_number``, ``distinct_classes``, ``cumulative_utility``,
``self_bleu``, ``distinct``, ``compression_ratio``.
"""

from analysis.diversity.lexical import compression_ratio, distinct, number_words, self_bleu
from analysis.diversity.modes import (
    classes_by_similarity,
    cumulative_utility,
    distinct_classes,
    hill_number,
    vendi_score,
)
from analysis.diversity.names import MEASURES, Measure
from analysis.diversity.result import Diversity
from analysis.diversity.run import measure
from analysis.diversity.table import DiversityError, check, read

__all__ = [
    "MEASURES",
    "Diversity",
    "DiversityError",
    "Measure",
    "check",
    "classes_by_similarity",
    "compression_ratio",
    "cumulative_utility",
    "distinct",
    "distinct_classes",
    "hill_number",
    "measure",
    "number_words",
    "read",
    "self_bleu",
    "vendi_score",
]
