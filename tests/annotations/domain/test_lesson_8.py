"""Row 8 of what peers get wrong: quality-control items bunched at the end, so that raters spot them (Appraise#2)."""

from collections import Counter

import numpy as np
import pytest

from annotations.design import checks
from annotations.domain import planning
from annotations.enums import TrialKind
from annotations.errors import NotReady
from annotations.models import Trial
from tests.annotations.factories import StudyFactory

DESIGN = {
    "raters_per_task": 3,
    "trials_per_rater": 16,
    "attention_trials": 2,
    "repeat_trials": 2,
    "repeat_gap": 5,
    "check_range": [0.1, 0.95],
}
LENGTH, FIRST, LAST = 20, 2, 19


def positions(study):
    rows = Trial.objects.filter(booklet__plan=study.plan, kind=TrialKind.ATTENTION)
    by_booklet = {}
    for booklet, position in rows.order_by("booklet", "position").values_list("booklet", "position"):
        by_booklet.setdefault(booklet, []).append(position)
    return list(by_booklet.values())


def test_attention_trials_stand_evenly_over_the_whole_range_and_differ_between_raters(db):
    study = StudyFactory(frozen=True, prompts=64, design=DESIGN)

    found = positions(study)

    used = Counter(position for booklet in found for position in booklet)
    assert len(found) == 36
    assert set(used) == set(range(FIRST, LAST + 1))
    assert set(used.values()) == {4}
    assert len({tuple(booklet) for booklet in found}) == 9
    assert {later - earlier for earlier, later in found} == {9}


def test_repeats_are_spread_too(db):
    study = StudyFactory(frozen=True, prompts=64, design=DESIGN)

    rows = Trial.objects.filter(booklet__plan=study.plan, kind=TrialKind.REPEAT).values_list("position", flat=True)

    used = Counter(rows)
    assert set(used) <= set(range(1 + DESIGN["repeat_gap"], LAST + 1))
    assert len(used) >= 12
    assert max(used.values()) <= 2 * 72 / len(used)


def test_with_the_protection_taken_out_the_study_cannot_be_frozen(db, monkeypatch):
    """What Appraise does: all checks at the end. The certificate sees it, and freezing refuses."""

    def bunched(places, count):
        return np.array([places[-count:]], dtype=np.int64) if count else np.zeros((1, 0), dtype=np.int64)

    study = StudyFactory(prompts=64, design=DESIGN | {"repeat_trials": 0, "seed": 99})
    monkeypatch.setattr(checks, "_systematic", bunched)

    with pytest.raises(NotReady, match="attention"):
        planning.freeze_study(study=study)
