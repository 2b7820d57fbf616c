"""Whole numbers out of addresses and forms."""

import pytest

from annotations.admin.numbers import whole

from .conftest import address

NONE = ("", "²", "٣", "-1", "1.5", "1e3", " 7", "x", "1234567890", "9" * 400)


@pytest.mark.parametrize("text", NONE)
def test_what_is_no_number_is_none(text):
    assert whole(text) == 0
    assert whole(text, otherwise=1) == 1


def test_digits_are_a_number():
    assert whole("0042") == 42
    assert whole("999999999") == 999_999_999


@pytest.mark.parametrize("text", NONE)
def test_pages_take_what_anybody_typed(desk, draft, text):
    posts = (
        ("prompts_remove", {"prompt": text}),
        ("material_roles", {f"role-{text}": "baseline"}),
        ("preparation_match", {"within": text}),
        ("preparation_undo", {"number": text}),
    )

    answers = [desk.post(address(draft, name), data) for name, data in posts]
    answers += [
        desk.get(address(draft, "fetch"), {"like": text}),
        desk.get(address(draft, "preview"), {"number": text}),
    ]

    assert all(answer.status_code in (200, 302) for answer in answers)
