"""Attention trials: their texts, that they do not stand out, and what an attentive rater does with them."""

import struct

import pytest

from annotations.blind import Question
from annotations.domain import attention, attention_texts, planning
from annotations.models import Output, Prompt, Task
from annotations.registry import question_types
from tests.annotations.factories import StudyFactory

pytestmark = pytest.mark.django_db
LONG = "A sentence of the study that goes on about the use of a thing. " * 12
ENGLISH = "A short check that the text is being read."
SHOWN = ("c/a/0", "c/a/1", "c/a/2")


def ask(kind: str, **options) -> Question:
    return Question("x", "x", "x", kind, question_types.get(kind).clean_options(options))


def compiled(words: dict[str, str]) -> bytes:
    """A catalogue as gettext reads it: a head, two tables of lengths and places, and the texts."""
    pairs = [(key.encode() + b"\0", value.encode() + b"\0") for key, value in sorted(words.items())]
    table, place = [], 28 + 16 * len(pairs)
    for at in (0, 1):
        for pair in pairs:
            table += [len(pair[at]) - 1, place]
            place += len(pair[at])
    head = struct.pack("<7I", 0x950412DE, 0, len(pairs), 28, 28 + 8 * len(pairs), 0, 0)
    return head + struct.pack(f"<{len(table)}I", *table) + b"".join(pair[at] for at in (0, 1) for pair in pairs)


def lengthen(study) -> None:
    for number, output in enumerate(Output.objects.filter(prompt__study=study)):
        output.text = f"{number} {LONG}"
        output.save()


@pytest.mark.parametrize("outputs", [1, 2, 4])
def test_checks_have_as_many_texts_as_a_task_and_are_always_the_same(outputs):
    study = StudyFactory(systems=("a", "b", "c", "d"))

    checks = attention.checks_of(study=study, outputs=outputs, degraded=1)

    assert [check.key for check in checks] == [f"check-{n}" for n in (1, 2, 3)] + [f"degraded-{n}" for n in range(1, 7)]
    assert {len(check.texts) for check in checks} == {outputs}
    assert checks == attention.checks_of(study=study, outputs=outputs, degraded=1)
    assert {check.key for check in checks} <= set(attention.KEYS)


@pytest.mark.parametrize("outputs", [1, 2, 3])
def test_texts_of_checks_are_about_as_long_as_those_of_the_study(outputs):
    study = StudyFactory()
    lengthen(study)

    checks = attention.checks_of(study=study, outputs=outputs, degraded=1)

    usual = len(LONG) + 2
    assert all(0.75 * usual < len(text) < 1.25 * usual for check in checks for text in check.texts)


def test_degraded_checks_show_a_real_prompt_with_one_broken_answer():
    study = StudyFactory()

    check = attention.checks_of(study=study, outputs=2, degraded=1)[-1]

    prompt = Prompt.objects.get(study=study, key=check.source)
    real = set(prompt.outputs.values_list("text", flat=True))
    assert check.prompt == prompt.text
    assert check.texts[0] not in real
    assert check.texts[1] in real
    assert check.expected == {"last": f"{check.key}/attention-check/0", "rows": "most"}


@pytest.mark.parametrize("text", ["One two three four five six.", "一二三四五六七八九", "ab", "word " * 100, LONG])
def test_broken_texts_differ_keep_their_length_and_are_the_same_again(text):
    for rule in attention_texts.BROKEN:
        broken = rule(text)

        assert broken != text
        assert broken == rule(text)
    assert len(attention_texts.scrambled(text)) == len(text.strip())
    assert abs(len(attention_texts.off_topic(text)) - len(text)) < 60  # half a sentence, or one word of a short text


def test_checks_speak_the_language_of_the_study(settings, tmp_path):
    study = StudyFactory(language="de")
    folder = tmp_path / "de" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    german = {"": "Content-Type: text/plain; charset=UTF-8\n", ENGLISH: "Eine kurze Probe, ob der Text gelesen wird."}
    (folder / "django.mo").write_bytes(compiled(german))
    settings.LOCALE_PATHS = [tmp_path]

    check = attention.checks_of(study=study, outputs=1, degraded=0)[0]

    assert check.prompt == "Eine kurze Probe, ob der Text gelesen wird."


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (ask("graded_preference"), 2, True),
        (ask("graded_preference"), 1, True),
        (ask("graded_preference"), 0, False),
        (ask("graded_preference"), -2, False),
        (ask("forced_choice"), "a", True),
        (ask("forced_choice"), "b", False),
        (ask("choice_with_reasons"), {"choice": "a", "reasons": [], "note": ""}, True),
        (ask("slider"), [80, 20], True),
        (ask("slider"), [50, 50], False),
        (ask("ranking"), [1, 2], True),
        (ask("ranking"), [2, 1], False),
        (ask("free_text"), "whatever", None),
    ],
)
def test_text_that_asks_to_be_favoured_must_be_first(kind, value, expected):
    found = attention.is_expected({"favoured": SHOWN[0]}, {"x": value}, questions=(kind,), shown=SHOWN[:2])

    assert found is expected


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (ask("graded_preference"), -1, True),
        (ask("graded_preference"), 0, False),
        (ask("likert"), [1, 3], True),
        (ask("likert"), [3, 3], False),
        (ask("likert"), [4, 3], False),
        (ask("ranking"), [2, 1], True),
    ],
)
def test_broken_text_must_come_last(kind, value, expected):
    found = attention.is_expected({"last": SHOWN[0], "rows": "most"}, {"x": value}, questions=(kind,), shown=SHOWN[:2])

    assert found is expected


@pytest.mark.parametrize(("value", "expected"), [([1, 2, 3], False), ([3, 1, 2], True), ([2, 1, 3], False)])
def test_broken_text_must_be_the_worst_of_three(value, expected):
    asked = ask("best_worst")

    assert attention.is_expected({"last": SHOWN[0]}, {"x": value}, questions=(asked,), shown=SHOWN) is expected


@pytest.mark.parametrize(
    ("kind", "value", "end", "within", "expected"),
    [
        (ask("slider"), [95], "highest", 0.1, True),
        (ask("slider"), [89], "highest", 0.1, False),
        (ask("slider", low=-50, high=50), [-45], "lowest", 0.1, True),
        (ask("likert", points=7), [7], "highest", 0.1, True),
        (ask("likert", points=7), [6], "highest", 0.1, False),
        (ask("likert", points=5), [3], "lowest", 0.5, True),
        (ask("yes_no"), ["yes"], "highest", 0.1, True),
        (ask("yes_no"), ["yes"], "lowest", 0.5, False),
    ],
)  # fmt: skip
def test_end_of_the_scale_is_reached_within_a_share_of_it(kind, value, end, within, expected):  # noqa: PLR0917 - a row
    wanted = {"extreme": end, "within": within}

    assert attention.is_expected(wanted, {"x": value}, questions=(kind,), shown=SHOWN[:1]) is expected


def test_most_rows_suffice_for_a_broken_text_and_all_are_needed_for_an_instruction():
    questions = tuple(Question(key, key, key, "likert", ask("likert").options) for key in "abc")
    answers = {"a": [1, 4], "b": [1, 4], "c": [5, 4]}

    most = attention.is_expected({"last": SHOWN[0], "rows": "most"}, answers, questions=questions, shown=SHOWN[:2])
    every = attention.is_expected({"last": SHOWN[0]}, answers, questions=questions, shown=SHOWN[:2])

    assert (most, every) == (True, False)


def test_frozen_tasks_of_checks_say_what_is_expected_of_an_output_that_is_there():
    study = StudyFactory(frozen=True, prompts=8, design={"attention_trials": 2, "degraded_trials": 1})

    tasks = Task.objects.filter(plan=study.plan, kind="attention")

    for task in tasks:
        names = {
            f"{output.prompt.key}/{output.system.name}/{output.sample}"
            for output in Output.objects.filter(pk__in=task.output_ids).select_related("prompt", "system")
        }
        assert {*task.expected.values()} & names
    assert tasks.count() == 3 + 8


def test_second_freeze_writes_the_checks_anew():
    from annotations.domain.freezing import thaw_study

    study = StudyFactory(frozen=True, design={"attention_trials": 1})
    thaw_study(study=study)
    study.design |= {"attention_trials": 0}
    study.design |= {"attention_trials": 2, "degraded_trials": 1}
    study.save()

    planning.freeze_study(study=study)

    keys = Prompt.objects.filter(study=study, is_check=True).values_list("key", flat=True)
    assert sorted(keys) == sorted({*attention.KEYS[:3], *(f"degraded-{n}" for n in range(1, 7))})
