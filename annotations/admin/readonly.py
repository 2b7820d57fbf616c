"""Lists of what was stored: to look at and to search, never to edit by hand, and only of one's own studies."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import RelatedDropdownFilter

from annotations.access import Action, is_staff, studies_of, within
from annotations.domain.events import log_event


class OwnStudies(RelatedDropdownFilter):
    """A filter by study that offers only the studies which the person may read."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> list[tuple[Any, str]]:
        """Return the studies whose rows this list may show, in the order of their titles."""
        rows = studies_of(request.user, model_admin.needs).order_by("title")
        return [(study.pk, str(study)) for study in rows]


class ReadOnlyAdmin(ModelAdmin):
    """A list that nobody may add to, change or delete from; only the verbs of the domain write these rows.

    `study_path` leads from a row to its study, `needs` is what a role must allow there. What is personal is noted in
    the log when somebody looks. The full count is not shown, because counting a million judgements for a line above a
    list costs a second.
    """

    study_path: ClassVar[str] = "study"
    needs: ClassVar[Action] = Action.READ
    personal: ClassVar[bool] = False

    show_full_result_count = False
    list_per_page = 50
    list_filter_submit = True
    actions = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the rows of the person's own studies."""
        return within(super().get_queryset(request), self.study_path, user=request.user, action=self.needs)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may read some study; a row is looked up among the rows of those."""
        del obj
        return may_list(request, self.needs)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """As to look."""
        return self.has_view_permission(request)

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        """Nobody."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list."""
        response: HttpResponse = super().changelist_view(request, extra_context)
        self._note(request, response, {"search": request.GET.get("q", "")})
        return response

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show one row."""
        response: HttpResponse = super().change_view(request, object_id, form_url, extra_context)
        self._note(request, response, {"row": object_id})
        return response

    def _note(self, request: HttpRequest, response: HttpResponse, data: dict[str, Any]) -> None:
        if not self.personal or response.status_code != 200:  # noqa: PLR2004 - OK
            return
        user = request.user
        actor = user if isinstance(user, AbstractBaseUser) else None
        model: type[Model] = self.model
        name = str(model._meta.model_name)  # noqa: SLF001 - public
        log_event(study=None, name="viewed", data={"list": name, **data}, actor=actor)


def may_list(request: HttpRequest, needs: Action) -> bool:
    """Say whether there is a study that this person may read so; asked once per request and action."""
    if not is_staff(request.user):
        return False
    if request.user.is_superuser:
        return True
    known: dict[Action, bool] = request.__dict__.setdefault("_may_list", {})
    if needs not in known:
        known[needs] = studies_of(request.user, needs).exists()
    return known[needs]


# For the sidebar (evalplatform.theme names them).


def reads(request: HttpRequest) -> bool:
    """Say whether lists of material and plans have anything for this person."""
    return may_list(request, Action.READ)


def meets(request: HttpRequest) -> bool:
    """Say whether lists of people have anything for this person."""
    return may_list(request, Action.PERSON)


def logs(request: HttpRequest) -> bool:
    """Say whether the log has anything for this person."""
    return may_list(request, Action.LOG)
