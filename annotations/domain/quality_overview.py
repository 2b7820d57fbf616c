"""What the page "Quality" shows: how many each check found and each rule excludes, raters, and one rater's trials."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Count, Prefetch, Q, QuerySet

from annotations.blind import Question
from annotations.enums import ParticipationState
from annotations.errors import AnswerError
from annotations.models import Examination, Exclusion, Flag, Judgement, Output, Participation, Study
from annotations.registry import quality_checks, question_types

from . import quality_rules as rules
from .frames import frame_of

SHOWN = ("findings", "excluded", "undone", "clean", "all")
JUDGED = (ParticipationState.JUDGING, ParticipationState.FINISHED, ParticipationState.LAPSED)
SECOND = 1000.0
FULL = 100


def summary(*, study: Study) -> dict[str, Any]:
    """Return how many raters were looked at and, for every check that is on, how many it found and excludes."""
    whole = rules.declared(study.quality)
    looked = Examination.objects.filter(participation__study=study).exclude(participation__state="withdrawn")
    found = _raters_by_check(study)
    verdicts = Counter(name for row in looked.values_list("verdicts", flat=True) for name in row)
    out = _exclusions(study)
    rows = [
        {
            "name": name,
            "label": rules.label_of(name),
            "question": _question(name),
            "rule": words,
            "found": verdicts[name] if name == rules.TOGETHER else found[name],
            "would": verdicts[name],
            "excluded": out.filter(check_name=name, undone_at=None).values("participation").distinct().count(),
            "later": rules.needs_peers(name, whole),
        }
        for name, words in _rules(whole)
    ]
    standing = out.filter(undone_at=None)
    return {
        "looked": looked.count(),
        "settled": looked.filter(settled=True).count(),
        "with_findings": _standing(study).values("participation").distinct().count(),
        "excluded": standing.values("participation").distinct().count(),
        "by_hand": standing.filter(check_name="").values("participation").distinct().count(),
        "would": looked.exclude(verdicts={}).count(),
        "checks": sorted(rows, key=lambda row: (-row["excluded"], -row["found"])),
        "quiet": [row for row in rows if not (row["found"] or row["would"] or row["excluded"])],
    }


def _rules(whole: Mapping[str, Any]) -> list[tuple[str, str]]:
    names = [check.name for check in quality_checks if whole["checks"][check.name]["on"]]
    words = [text for _, text in rules.rules_in_words(whole)]
    return list(zip([*names, *([rules.TOGETHER] if whole["together"]["on"] else [])], words, strict=True))


def _question(name: str) -> str:
    if name == rules.TOGETHER:
        return "Do several checks point the same way?"
    return quality_checks.get(name).question


def _standing(study: Study) -> QuerySet[Flag]:
    """Return the findings about raters that hold, of the registered checks."""
    names = quality_checks.names()
    return Flag.objects.filter(participation__study=study, gone_at=None, judgement=None, check_name__in=names)


def _raters_by_check(study: Study) -> Counter[str]:
    rows = _standing(study).order_by().values("check_name").annotate(raters=Count("participation", distinct=True))
    return Counter({row["check_name"]: row["raters"] for row in rows})


def _exclusions(study: Study) -> QuerySet[Exclusion]:
    return Exclusion.objects.filter(participation__study=study).exclude(participation__state="withdrawn")


def raters(*, study: Study, shown: str = "findings", check: str = "") -> QuerySet[Participation]:
    """Return the raters to list, those with the most findings first."""
    found = Q(flags__gone_at=None, flags__judgement=None, flags__check_name__in=quality_checks.names())
    of_check = Q(flags__check_name=check) if check else Q()
    rows = Participation.objects.filter(study=study, state__in=JUDGED).annotate(
        findings=Count("flags", filter=found & of_check, distinct=True),
        out=Count("exclusions", filter=Q(exclusions__undone_at=None), distinct=True),
        taken_back=Count("exclusions", filter=Q(exclusions__undone_by__isnull=False), distinct=True),
    )
    narrowed = {
        "findings": rows.filter(findings__gt=0),
        "excluded": rows.filter(out__gt=0),
        "undone": rows.filter(taken_back__gt=0),
        "clean": rows.filter(findings=0, out=0),
    }
    ordered = narrowed.get(shown, rows).order_by("-out", "-findings", "pk")
    return ordered.select_related("rater").prefetch_related(
        Prefetch("flags", Flag.objects.filter(gone_at=None, judgement=None).order_by("check_name")),
        Prefetch("exclusions", Exclusion.objects.select_related("author", "undone_by").order_by("pk")),
    )


def findings_of(*, study: Study, flags: Sequence[Flag]) -> list[dict[str, Any]]:
    """Return findings about a rater in words, with how far each is on the way to its rule (per cent; 100 excludes)."""
    whole = rules.declared(study.quality)
    known = set(quality_checks.names())
    return [
        {
            "check": flag.check_name,
            "label": rules.label_of(flag.check_name),
            "words": _words(flag),
            "share": _share(flag, whole["checks"][flag.check_name]["rule"]),
            "told_only": whole["checks"][flag.check_name]["rule"]["kind"] == "never",
        }
        for flag in flags
        if flag.check_name in known
    ]


def _words(flag: Flag) -> str:
    """Say what was found; a finding about somebody who withdrew and stays anonymous has lost its details."""
    if not flag.detail:
        return "details went with a withdrawal"
    return quality_checks.get(flag.check_name).sentence(flag.detail)


def _share(flag: Flag, rule: Mapping[str, Any]) -> int:
    if rule["kind"] == "never":
        return FULL // 2
    reached = (flag.score or 0.0) if rule["kind"] == "score" else float(flag.detail.get("failed", 1))
    return int(min(FULL, round(FULL * reached / rule["at_least"])))


def trials_of(*, participation: Participation) -> list[dict[str, Any]]:
    """Return a rater's judgements in order: what was shown, what was answered, how long it took, what was found."""
    judgements = (
        Judgement.objects.filter(lease__participation=participation)
        .select_related("trial__task__prompt", "lease")
        .order_by("lease_id", "trial__position")
    )
    rows = list(judgements)
    texts = dict(
        Output.objects.filter(pk__in={pk for row in rows for pk in row.trial.output_ids}).values_list("pk", "text")
    )
    found: dict[int, list[str]] = defaultdict(list)
    for flag in Flag.objects.filter(participation=participation, gone_at=None, judgement__isnull=False):
        if flag.check_name in quality_checks.names() and flag.judgement_id is not None:
            check = quality_checks.get(flag.check_name)
            found[flag.judgement_id].append(f"{check.label}: {_words(flag)}")
    return [_trial(row, number, texts=texts, found=sorted(found[row.pk])) for number, row in enumerate(rows, start=1)]


def _trial(row: Judgement, number: int, *, texts: Mapping[int, str], found: list[str]) -> dict[str, Any]:
    questions = frame_of(row.lease.plan_id).questionnaire.questions
    away = (row.hidden_ms or 0) + (row.idle_ms or 0)
    return {
        "number": number,
        "kind": row.trial.get_kind_display().lower(),
        "prompt": row.trial.task.prompt.text,
        "texts": [texts.get(pk, "") for pk in row.trial.output_ids],
        "answers": [
            (question.label, in_words(question, row.answers[question.key]))
            for question in questions
            if question.key in row.answers
        ],
        "seconds": max(row.submit_ms - away, 0) / SECOND if row.submit_ms is not None else None,
        "away": away / SECOND,
        "late": row.late,
        "found": found,
    }


def in_words(question: Question, value: Any) -> str:
    """Return a stored answer as the rater saw it, or as it is stored."""
    if isinstance(value, list):
        return ", ".join(in_words(question, one) for one in value)
    kind = question_types.get(question.type)
    for choice in kind.choices(question.options):
        try:
            same = kind.parse(choice.value, question.options) == value
        except AnswerError:
            same = False
        if same:
            return choice.label
    if isinstance(value, dict):
        return "; ".join(f"{name}: {one}" for name, one in value.items() if one not in ("", [], None))
    return str(value)
