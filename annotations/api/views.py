"""The views of the API: thin, read-only; whoever has no role in a study gets 404, whoever has a small one 403."""

from __future__ import annotations

import tempfile
from typing import Any, ClassVar

from django.http import FileResponse, Http404
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotations.access import Action, allowed, is_masked, role_in, studies_of
from annotations.domain import exporting, monitoring
from annotations.domain.readiness import readiness
from annotations.enums import JobState, Role
from annotations.models import Study
from annotations.registry import Export, exports


class Studies(APIView):
    """The studies in which the caller has a role."""

    def get(self, request: Request) -> Response:
        """List them, newest first."""
        found = studies_of(request.user).select_related("plan").order_by("-created_at")
        return Response([_told(study, role_in(request.user, study), request) for study in found])


class OfStudy(APIView):
    """What every view of one study begins with."""

    needs: ClassVar[Action] = Action.LOOK

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Find the study and the caller's role in it."""
        super().initial(request, *args, **kwargs)
        study = Study.objects.select_related("plan").filter(slug=kwargs["slug"]).first()
        role = role_in(request.user, study) if study is not None else None
        if study is None or role is None:
            raise Http404
        self.study, self.role = study, role
        if not self.may(self.needs):
            raise PermissionDenied

    def may(self, action: Action) -> bool:
        """Say whether the caller may do this."""
        return action in allowed(self.role, unblinded=self.study.unblinded_at is not None)

    @property
    def masked(self) -> bool:
        """Whether the caller sees letters in place of the systems' names."""
        return is_masked(self.role, self.study)


class OneStudy(OfStudy):
    """One study and where it stands on its path."""

    def get(self, request: Request, slug: str) -> Response:
        """Return it."""
        del slug
        stations = [] if self.masked else readiness(study=self.study)
        path = [{"station": one.key, "state": one.state, "missing": list(one.missing)} for one in stations]
        return Response({**_told(self.study, self.role, request), "path": path})


class Monitor(OfStudy):
    """The numbers of the monitor."""

    def get(self, request: Request, slug: str) -> Response:
        """Return them."""
        del request, slug
        return Response(monitoring.monitor(study=self.study))


class Results(OfStudy):
    """The newest report that the caller may see: sentences and significance rows."""

    def get(self, request: Request, slug: str) -> Response:
        """Return it."""
        del request, slug
        report = self.study.reports.filter(state=JobState.DONE, masked=self.masked).first()
        if report is None:
            raise Http404
        return Response(
            {
                "finished_at": report.finished_at,
                "judgements": report.judgements,
                "masked": report.masked,
                **report.summary,
            }
        )


class Exports(OfStudy):
    """What the caller may take along."""

    def get(self, request: Request, slug: str) -> Response:
        """List it."""
        del slug
        return Response(
            [
                {
                    "name": kind.name,
                    "label": kind.label,
                    "about": kind.about,
                    "media_type": kind.media_type,
                    "url": request.build_absolute_uri(f"{kind.name}/"),
                }
                for kind in exports
                if may_take(self, kind)
            ]
        )


class OneExport(OfStudy):
    """One file."""

    def get(self, request: Request, slug: str, name: str) -> FileResponse:
        """Write it and send it: what arrives is complete."""
        del slug
        if name not in exports.names():
            raise Http404
        kind = exports.get(name)
        if not may_take(self, kind):
            raise PermissionDenied
        file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by the response
        actor: Any = request.user
        exporting.export(study=self.study, name=name, target=file, masked=self.masked, actor=actor)
        file.seek(0)
        called = f"{self.study.slug}-{kind.suffix}"
        return FileResponse(file, as_attachment=True, filename=called, content_type=kind.media_type)


def may_take(view: OfStudy, kind: Export) -> bool:
    """Say whether the caller may take this along."""
    return view.may(Action(kind.needs)) and (kind.maskable or not view.masked)


def _told(study: Study, role: Role | None, request: Request) -> dict[str, Any]:
    return {
        "slug": study.slug,
        "title": study.title,
        "state": study.state,
        "role": role,
        "masked": is_masked(role, study),
        "created_at": study.created_at,
        "design_sha256": study.plan.sha256 if study.plan else "",
        "url": request.build_absolute_uri(f"/api/studies/{study.slug}/"),
    }
