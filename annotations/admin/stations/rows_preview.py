"""The rows as raters will see them, from the form as it is filled in: nothing is saved, nor has to be saved first."""

from __future__ import annotations

from django.http import HttpResponse
from django.template.response import TemplateResponse

from annotations.admin.frame import Visit
from annotations.blind import BlindTrial, Question, Questionnaire, RaterView
from annotations.enums import Step, SystemRole
from annotations.forms.page import trial_context
from annotations.models import Output, Study

from .dimension_form import dimension_rows, outputs_shown

SAMPLE = "Here stands a text of your study as soon as there is material.\n\nRaters read it before they answer the rows."


def rows_preview(visit: Visit) -> HttpResponse | None:
    """Return the page of one trial with the rows of the posted form; None when the form has faults."""
    study = visit.study
    rows = dimension_rows(study, visit.request.POST, may_change=True)
    if not rows.is_valid() or not rows.drafts():
        return None
    questions = tuple(
        Question(draft.key, draft.label, draft.definition, draft.question_type, draft.options)
        for draft in rows.drafts()
    )
    view = RaterView(
        step=Step.TRIAL,
        study_title=study.title,
        questionnaire=Questionnaire(f"rows-{study.pk}-{hash(repr(questions))}", study.lead, questions),
        trials=(_sample(study),),
        total=1,
        instructions=study.instructions,
    )
    context = {**trial_context(view, preview=True), "study": study, "booklet": 1, "back": visit.url("design")}
    return TemplateResponse(visit.request, "annotations/admin/preview_trial.html", context)


def _sample(study: Study) -> BlindTrial:
    """Return outputs of the first prompt, as many as a trial will show, filled up where there are too few."""
    outputs = outputs_shown(study)
    prompt = study.prompts.filter(is_check=False).first()
    found = Output.objects.filter(prompt=prompt).exclude(system__role=SystemRole.CHECK).order_by("pk") if prompt else ()
    texts = [output.text for output in found[:outputs]]
    shown = (*texts, *[SAMPLE] * (outputs - len(texts)))
    return BlindTrial("rows.1", 1, 1, prompt.text if prompt else "Here stands the prompt.", shown)
