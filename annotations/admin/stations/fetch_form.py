"""The form of a fetch: a source's settings in three groups, its secrets, and how its rows are to be taken."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from django import forms
from django.core.cache import cache
from django.forms import BoundField

from annotations.admin.options_form import KEPT_APART, OptionsForm
from annotations.domain.materials import ImportOptions
from annotations.errors import KeyMissing
from annotations.models import Study
from annotations.models.encrypted import sealed, unsealed
from annotations.registry import RemoteSource

HELD = 15 * 60  # seconds that secrets are kept between a look and the fetch, encrypted
COLUMNS = ("prompt", "text", "system", "system_name", "sample", "prompt_key", "task_family", "extra")
SYSTEMS, NUMBERS = "new_systems", "number_rows"


class FetchForm(OptionsForm):
    """What is fetched; `stored` names the secrets that a look before has left."""

    def __init__(self, *args: Any, plugin: RemoteSource, there_are_systems: bool, **more: Any) -> None:
        super().__init__(*args, plugin=plugin, **more)
        self.source = plugin
        self.there_are_systems = there_are_systems
        if there_are_systems:
            self.fields[SYSTEMS] = forms.BooleanField(label="This brings new systems", required=False)
        label = "Rows without a number are samples in their order, also when two have the same text"
        self.fields[NUMBERS] = forms.BooleanField(label=label, required=False)

    @property
    def where(self) -> list[BoundField]:
        """What and where it is."""
        own = [option.name for option in self.plugin.takes if option.name not in COLUMNS]
        return [self[name] for name in own]

    @property
    def columns(self) -> list[BoundField]:
        """Which column is what."""
        return [self[name] for name in COLUMNS if name in self.fields]

    @property
    def apart(self) -> list[BoundField]:
        """The secrets."""
        return [self[name] for name in self.fields if name.startswith(KEPT_APART)]

    @property
    def switches(self) -> list[BoundField]:
        """How rows are taken."""
        return [self[name] for name in (SYSTEMS, NUMBERS) if name in self.fields]

    @property
    def options(self) -> ImportOptions:
        """Return what goes with the import."""
        return ImportOptions(
            only_known_systems=self.there_are_systems and not self.cleaned_data.get(SYSTEMS),
            number_rows=self.cleaned_data[NUMBERS],
        )


def _place(study: Study, user_id: object, source: str) -> str:
    return f"fetch-secrets:{study.pk}:{user_id}:{source}"


def hold(secrets: dict[str, str], *, study: Study, user_id: object, source: str) -> None:
    """Keep typed secrets for a while, so that nobody has to type them again after a look; no page shows them."""
    with suppress(Exception):
        cache.set(_place(study, user_id, source), sealed(json.dumps(secrets)), HELD)


def held(*, study: Study, user_id: object, source: str) -> dict[str, str]:
    """Return the secrets that were kept."""
    found = None
    with suppress(Exception):
        found = cache.get(_place(study, user_id, source))
    if not found:
        return {}
    try:
        return dict(json.loads(unsealed(found)))
    except KeyMissing:
        return {}


def forget(*, study: Study, user_id: object, source: str) -> None:
    """Forget them."""
    with suppress(Exception):
        cache.delete(_place(study, user_id, source))
