"""Studies whose material is the clean set, spoiled or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from annotations.domain.material_staging import content_hash
from annotations.models import Output, Prompt, Study, System
from annotations.registry import AuditedText
from tests.annotations.factories import StudyFactory
from tests.annotations.plugins.audits.clean import AROUND, LEAKS, SYSTEMS, clean, copied, spoiled


def study_of(texts: Sequence[AuditedText], **kwargs: object) -> Study:
    """A draft with these texts as its material."""
    study = StudyFactory(prompts=0, systems=(), **kwargs)
    systems = {name: System.objects.create(study=study, name=name, role=AROUND.roles[name]) for name in SYSTEMS}
    prompts = {text.prompt: text.question for text in texts}
    made = {key: Prompt.objects.create(study=study, key=key, text=question) for key, question in prompts.items()}
    Output.objects.bulk_create(
        Output(
            prompt=made[text.prompt],
            system=systems[text.system],
            sample=text.sample,
            text=text.text,
            content_hash=content_hash(
                prompt_key=text.prompt, prompt=text.question, system=text.system, sample=text.sample, text=text.text
            ),
        )
        for text in texts
    )
    return study


def leaky(*names: str) -> list[AuditedText]:
    """The clean set with these leaks planted, all of them without names."""
    texts = clean()
    # What replaces a text comes first, or it would take the others' leaks away again.
    for name in names or sorted(LEAKS, key=lambda one: one != "language"):
        spoil, every, _ = LEAKS[name]
        texts = spoiled(texts, spoil, every=every)
    return [replace(text) for text in (texts if names else copied(texts))]
