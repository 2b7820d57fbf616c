"""A study full of marked texts, every address of the site with its arguments filled in, and a picture of the database.

Used by the walks in test_isolation.py. A new address is walked as soon as it is there; one with an argument that
`Arguments` does not know fails the walk and says what to add here.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.core.files.base import ContentFile
from django.db import connection
from django.urls import URLPattern, URLResolver, get_resolver

from annotations import models
from annotations.domain import members, reporting
from annotations.enums import Role, Step
from annotations.registry import exports, generators
from tests.annotations.admin.conftest import judge
from tests.annotations.factories import StudyFactory, UserFactory

SYSTEMS = ("quagga-base", "numbat-steered")
MARK = "uokka"  # stands in every text of the marked study (Quokka, quokka)
OUTPUT = "bilby text"  # begins every output of it
PLACE = re.compile(r"<(?:(?P<kind>\w+):)?(?P<name>\w+)>")


@dataclass
class World:
    """The marked study and who owns it."""

    study: models.Study
    owner: Any
    secrets: tuple[str, ...] = field(default_factory=tuple)


def marked_study() -> World:
    """Make a study with something in as many tables as can be reached from a page."""
    owner = UserFactory(username="quokka-owner", email="quokka@example.org", is_staff=True)
    study = StudyFactory(
        title="Quokka study",
        author=owner,
        open=True,
        prompts=4,
        systems=SYSTEMS,
        description="Quokka description",
        design={"raters_per_task": 2, "trials_per_rater": 4},
    )
    for number, output in enumerate(models.Output.objects.filter(prompt__study=study)):
        output.text = f"{OUTPUT} {number}"
        output.save()
    for number, prompt in enumerate(study.prompts.all()):
        prompt.text = f"Quokka prompt {number}"
        prompt.save()
    judge(study, raters=2)
    who = study.participations.first()
    models.Flag.objects.create(participation=who, check_name="quokka")
    models.Exclusion.objects.create(participation=who, reason="Quokka reason", author=owner)
    models.MaterialImport.objects.create(study=study, filename="quokka-quagga-base.csv", source="csv", state="done")
    models.MaterialImport.objects.create(
        study=study,
        filename="quokka/quagga-base",
        source="hugging_face",
        state="refused",
        settings={"repository": "quokka/quagga-base", "revision": "quokka"},
        secrets={"token": "quokka-token"},
        problems=[{"file": "quokka.csv", "row": 1, "column": "text", "reason": "quokka is empty"}],
    )
    models.PowerCheck.objects.create(study=study)
    _audit(study)
    models.PathAnswer.objects.create(participation=who, step=Step.QUESTIONNAIRE, answers={"age": "Quokka 44"})
    models.Alert.objects.create(study=study, kind="full", key="1", text="Quokka alert")
    members.add_member(study=study, user=UserFactory(username="quokka-friend", is_staff=True), role=Role.EDITOR)
    members.issue_token(user=owner, name="Quokka token", days=3)
    models.Event.objects.create(study=study, name="noted", data={"what": "Quokka", "system": SYSTEMS[0]}, actor=owner)
    _recruit(study, owner, who)
    _measure(study)
    _generate(study)
    for masked in (False, True):
        _report(study, masked=masked)
    raters = study.participations.values_list("rater__pseudonym", flat=True)
    return World(study, owner, (MARK, OUTPUT, *SYSTEMS, *raters))


def _generate(study: models.Study) -> None:
    """A system that can be asked, and a generation that asked it."""
    system, prompt = study.systems.get(name=SYSTEMS[0]), study.prompts.first()
    settings = {"base_url": "http://127.0.0.1:9/v1", "model": "quokka-model"}
    kind = generators.get("openai_compatible")
    models.Writer.objects.create(
        system=system, settings=kind.clean_settings(settings), secrets={"api_key": "quokka-secret"}
    )
    made = models.Generation.objects.create(study=study, state="stopped", message="Quokka message")
    models.Sample.objects.create(
        generation=made, system=system, prompt=prompt, number=99, state="failed", error="Quokka error"
    )


def _audit(study: models.Study) -> None:
    """Store an audit that found something, and a decision about it."""
    evidence = [{"output": 0, "excerpt": "Quokka excerpt", "start": 0, "end": 6}]
    finding = {
        "key": "names:quokka",
        "audit": "names",
        "severity": "leak",
        "title": "Quokka is named",
        "detail": "Quokka",
    }
    finding |= {"advice": "", "outputs": [], "evidence": evidence, "figures": {}, "about_length": False}
    models.AuditRun.objects.create(study=study, state="done", findings=[finding], finished_at=study.created_at)
    decision = {"number": 1, "do": "note", "finding": "names:quokka", "title": "Quokka", "reason": "Quokka reason"}
    decision |= {"severity": "leak", "outputs": 0, "by": "quokka-owner", "at": study.created_at.isoformat()}
    models.Study.objects.filter(pk=study.pk).update(preparation={"decisions": [decision]})


def _recruit(study: models.Study, owner: Any, who: models.Participation) -> None:
    """Put the study on a platform, with a session, an invitation and money."""
    account = models.RecruiterAccount.objects.create(
        name="Quokka account", platform="prolific", owner=owner, secrets={"token": "quokka-secret"}
    )
    remote = models.Recruitment.objects.create(study=study, account=account, remote_id="quokka-remote")
    models.Submission.objects.create(
        recruitment=remote, participation=who, session_digest="d", session="quokka-session", person="quokka-person"
    )
    models.Invitation.objects.create(study=study, digest="d", address="quokka@example.org")
    models.LedgerEntry.objects.create(
        study=study, kind="earned", amount=100, currency="USD", reference="quokka-1", note="Quokka note"
    )


def _measure(study: models.Study) -> None:
    """Scores of automatic judges, one of them computed here with a key, and a measurement with its files."""
    output = models.Output.objects.filter(prompt__study=study).first()
    computed = {"settings": {"model": "quokka-judge-model"}, "secrets": {"api_key": "quokka-judge-secret"}}
    for name, more in (("Quokka length", {"scorer": "length"}), ("Quokka judge", {"scorer": "lm_judge", **computed})):
        judge = models.Judge.objects.create(study=study, name=name, message="Quokka message", **more)
        models.OutputScore.objects.create(judge=judge, output=output, value=0.25, text_digest="d")
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as bundle:
        bundle.writestr("systems.csv", f"{SYSTEMS[0]},{SYSTEMS[1]}\n")
        bundle.writestr("figures/between.svg", f"<svg><text>{SYSTEMS[1]}</text></svg>")
    done = models.Measurement(
        study=study, state="failed", message=f"Quokka: {SYSTEMS[0]}", secrets={"api_key": "quokka"}
    )
    done.bundle.save("walk-measures.zip", ContentFile(content.getvalue()), save=False)
    done.save()


def _report(study: models.Study, *, masked: bool) -> None:
    """Store a finished report: what a plain one holds names the systems, a masked one holds letters."""
    first, second = ("A", "B") if masked else SYSTEMS
    report = reporting.request_report(study=study, masked=masked)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as bundle:
        bundle.writestr("significance.csv", f"{first} vs {second}\n")
    report.state = "done"
    report.summary = {"sentences": [f"{first} is preferred to {second}."], "rows": [], "warnings": []}
    report.bundle.save(f"walk-{report.pk}.zip", ContentFile(content.getvalue()), save=False)
    report.finished_at = report.created_at
    report.save()


@dataclass(frozen=True)
class Address:
    """One address with its arguments filled in; `bound` when it names the study or something of it."""

    path: str
    name: str
    bound: bool

    def __str__(self) -> str:
        return self.path


class Arguments:
    """What stands for each argument of an address: ids of the marked study, and of nothing else but `at`.

    `at` is the study that a page of the admin is asked for: the marked one, or another one under which the ids of the
    marked one are tried.
    """

    def __init__(self, world: World, *, at: models.Study | None = None) -> None:
        self.world, self.at = world, at or world.study
        study, who = world.study, world.study.participations.first()
        report = study.reports.filter(masked=False).get()
        self.by_name: dict[str, list[Any]] = {
            "import_id": list(study.imports.values_list("pk", flat=True)),
            "report_id": list(study.reports.values_list("pk", flat=True)),
            "judge_id": list(study.judges.values_list("pk", flat=True)),
            "measurement_id": list(study.measurements.values_list("pk", flat=True)),
            "member_id": list(study.members.values_list("pk", flat=True)),
            "participation_id": [who.pk],
            "exclusion_id": [who.exclusions.get().pk],
            "generation_id": list(study.generations.values_list("pk", flat=True)),
            "system_id": [study.systems.first().pk],
            "submission_id": [study.remote.submissions.get().pk],
            "action": ["approve", "reject", "bonus"],
            "slug": [study.slug],
            "step": ["welcome", "consent", "questionnaire", "debriefing"],
            "language": ["de", "en"],
            "content_type_id": [_content_type(study)],
            "app_label": ["annotations", "auth", "mfa"],
            "url": ["annotations/nothing", f"media/{report.bundle.name}"],
            "key": ["nokey"],
            "uidb36": ["1"],
            "pk": [world.owner.pk],
            "id": [world.owner.pk],
            "name": [*exports.names(), "significance.csv", "nothing"],
        }

    def values(self, name: str, address: str) -> list[Any]:
        """Return what to try for an argument; raises LookupError that says what to do about an unknown one."""
        if name == "object_id":
            return self._rows(address)
        if name in self.by_name:
            return self.by_name[name]
        raise LookupError(
            f"The address {address!r} takes an argument {name!r} that the walk does not know: name what stands for it "
            "in the marked study in Arguments (tests/annotations/worlds.py), so that the walk can try it."
        )

    def _rows(self, address: str) -> list[Any]:
        label = re.match(r"admin/(\w+)/(\w+)/", address)
        if label is None or label[1] == "r":  # the shortcut by content type
            return [self.world.study.pk]
        app, model = label.groups()
        if (app, model) == ("annotations", "study"):
            return [self.at.pk]
        from django.apps import apps

        rows = apps.get_model(app, model).objects.order_by("pk").values_list("pk", flat=True)
        return list(rows[:2]) or [1]


def _content_type(row: Any) -> int:
    from django.contrib.contenttypes.models import ContentType

    return ContentType.objects.get_for_model(row).pk


def addresses(arguments: Arguments) -> list[Address]:
    """Return every address of the site for researchers, with every combination of one value per argument.

    Raters' pages are left out: they know no account, and whoever has a rater's signed link is that rater.
    """
    found: dict[str, Address] = {}
    for route, pattern in _patterns(get_resolver(), ""):
        if pattern.callback.__module__.startswith("annotations.views"):
            continue
        for path in _filled(route, arguments):
            found[path] = Address(f"/{path}", pattern.name or "", bound=PLACE.search(route) is not None)
    return list(found.values())


def _patterns(resolver: URLResolver, prefix: str) -> Iterator[tuple[str, URLPattern]]:
    for pattern in resolver.url_patterns:
        route = prefix + _route(str(pattern.pattern))
        if isinstance(pattern, URLResolver):
            yield from _patterns(pattern, route)
        else:
            yield route, pattern


def _route(text: str) -> str:
    """Write a regular expression as a route; the ones of the admin and of allauth hold named groups only."""
    if "(?P" not in text:
        return text
    return re.sub(r"\(\?P<(\w+)>[^()]*\)", r"<\1>", text).removeprefix("^").removesuffix("$")


def _filled(route: str, arguments: Arguments) -> list[str]:
    """Fill the first argument with each of its values, then the others of what comes out."""
    place = PLACE.search(route)
    if place is None:
        return [route]
    return [
        path
        for value in arguments.values(place["name"], route)
        for path in _filled(f"{route[: place.start()]}{value}{route[place.end() :]}", arguments)
    ]


MOVING = ("django_session", "django_migrations")


def picture() -> dict[str, frozenset[str]]:
    """Return a hash of every row of every table."""
    tables = sorted(set(connection.introspection.table_names()) - set(MOVING))
    sql = " UNION ALL ".join(
        f"SELECT '{table}', coalesce(array_agg(md5(t::text)), '{{}}') FROM \"{table}\" t" for table in tables
    )
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return {table: frozenset(rows) for table, rows in cursor.fetchall()}


def writes() -> dict[str, int]:
    """Return how many rows this transaction has written so far, by table: the database's own count, and a cheap one."""
    sql = "SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_xact_user_tables"
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return {table: rows for table, rows in cursor.fetchall() if rows and table not in MOVING}


def text_of(response: Any) -> str:
    """Return all that a response tells: body (files of a zip too), headers, without the address that was asked for."""
    body = b"".join(response.streaming_content) if response.streaming else response.content
    parts = [body]
    if body.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(body)) as bundle:
            parts += [bundle.read(name) for name in bundle.namelist()]
    headers = "\n".join(f"{name}: {value}" for name, value in response.headers.items() if name != "Location")
    return b"\n".join(parts).decode("utf-8", "ignore") + headers
