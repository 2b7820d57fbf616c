"""Studies whose systems ask the stand-in for a chat server, and generations that run to their end here and now."""

from annotations.domain import generating, generating_systems, studies
from annotations.models import Output, Prompt

KEY = "sk-Quagga-0123456789abcdef"


def draft(server, *, systems=("plain", "steered"), prompts=3, **settings):
    study = studies.create_study(title="Bridges", template="pairwise_creativity")
    for number in range(prompts):
        Prompt.objects.create(study=study, key=f"p{number}", text=f"What is thing {number} good for?", declared=True)
    for name in systems:
        generating_systems.save_system(
            study=study,
            name=name,
            role="baseline" if name == "plain" else "treatment",
            generator="openai_compatible",
            settings={"base_url": server.base_url, "model": f"model-{name}", **settings},
            secrets={"api_key": KEY},
        )
    return study


def run(study, *, samples=2, seconds=60, **more):
    made = generating.request_generation(study=study, samples=samples, **more)
    generating.run_generation(generation_id=made.pk, seconds=seconds)
    made.refresh_from_db()
    return made


def go_on(generation):
    generating.run_generation(generation_id=generation.pk)
    generation.refresh_from_db()
    return generation


def outputs(study):
    return Output.objects.filter(prompt__study=study)


def states(generation):
    return sorted(generation.samples.values_list("state", flat=True))


def said(text, finish="stop", **more):
    return {"finish_reason": finish, "message": {"role": "assistant", "content": text, **more}}
