"""`manage.py load_demo`: the example study with its simulated raters, its report beside the truth, and where to go."""

from __future__ import annotations

import json
import os
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import reverse
from django.utils.crypto import get_random_string

from annotations.domain import reporting
from annotations.enums import JobState, StudyState
from annotations.errors import PlatformError
from annotations.management import example
from annotations.management.jobs import make_report_anywhere
from annotations.management.simulation.rating import Simulation
from annotations.management.simulation.site import own_site
from annotations.management.truth_table import truth_table
from annotations.models import Report, Study
from evalplatform import place, serve
from evalplatform.supervise import ChildDied

USER = "admin"
CHOSEN = "(the one that you chose)"


class Command(BaseCommand):
    """Each step is left out when it was done before, so that a second run, or one after a Ctrl-C, goes on."""

    help = "Load the example study, send its simulated raters, make its report and say where to go."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare where the site is and where the links are kept."""
        parser.add_argument(
            "--base-url", default="", help="where the site runs; without it a server of our own is used"
        )
        parser.add_argument("--links", type=Path, default=None, help="JSON file for links and password (var/demo.json)")

    def handle(self, *_: Any, **options: Any) -> None:
        """Do what is missing, then print the table and write the links."""
        path: Path = options["links"] or place.var() / "demo.json"
        try:
            study = example.find_study() or self._make_study()
            self._send_raters(study, base_url=options["base_url"])
            report = self._report(study)
        except (PlatformError, ChildDied) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"\n{truth_table(report.summary['rows'], example.TRUTH, judgements=report.judgements)}")
        password = admin_password(_read(path).get("password", ""))
        links = {
            "rate": reverse("study_entrance", args=[study.slug]),
            "admin": reverse("admin:index"),
            "user": USER,
            "password": password,
            "results": reverse("admin:annotations_study_results", args=[study.pk]),
        }
        write_private(path, json.dumps(links, indent=1))
        if options["links"] is None:
            self._tell(links, base_url=options["base_url"])

    def _make_study(self) -> Study:
        study = example.make_study()
        plan = study.plan
        if plan is not None:
            text = (
                f"108 texts, {plan.booklets_planned} booklets of {plan.trials_planned // plan.booklets_planned} pairs"
            )
            self._say("study", f"“{study.title}”: {text}, frozen as {plan.sha256[:12]}")
        return study

    def _send_raters(self, study: Study, *, base_url: str) -> None:
        """Send those raters who have not finished; each takes up his place where he left it."""
        done = study.participations.filter(simulated=True, state="finished").count()
        if done >= example.RATERS or study.state != StudyState.OPEN:
            self._say("raters", f"{done} simulated raters have judged")
            return
        with ExitStack() as stack:
            url = base_url or stack.enter_context(own_site())
            summary = Simulation(study=study, truth=example.TRUTH, seed=example.SEED).run(
                base_url=url, raters=example.RATERS
            )
        if summary.errors:
            raise CommandError("\n".join(("The simulated raters met errors.", *summary.errors[:5])))
        self._say("raters", str(summary))

    def _report(self, study: Study) -> Report:
        """Return the newest report that is done, or have one made."""
        found = study.reports.filter(state=JobState.DONE).first()
        if found is not None:
            return found
        report, where = make_report_anywhere(reporting.request_report(study=study))
        if report.state != JobState.DONE:
            raise CommandError(f"The report could not be made: {report.message}")
        self._say("report", f"made by {where}")
        return report

    def _say(self, part: str, text: str) -> None:
        self.stdout.write(f"{part:<8} {text}")
        self.stdout.flush()

    def _tell(self, links: dict[str, str], *, base_url: str) -> None:
        url = (base_url or serve.base_url()).rstrip("/")
        self.stdout.write("" if base_url else "\nThe site itself is started by `make run`.")
        self.stdout.write(f"  Rate as an annotator   {url}{links['rate']}")
        self.stdout.write(f"  Admin                  {url}{links['admin']}   user {USER}, password {links['password']}")
        self.stdout.write(f"  Results                {url}{links['results']}")


def admin_password(known: str) -> str:
    """Return the password of the demo's administrator; `known` is what was written down before, if anything.

    A password that the administrator changed is left alone; one that nobody wrote down is replaced.
    """
    people = get_user_model()
    user = people.objects.filter(username=USER).first()
    if user is not None and known:
        return known if known != CHOSEN and user.check_password(known) else CHOSEN
    password = get_random_string(12, "abcdefghjkmnpqrstuvwxyz23456789")
    if user is None:
        people.objects.create_superuser(username=USER, password=password)
    else:
        user.set_password(password)
        user.save(update_fields=["password"])
    return password


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    draft = path.with_name(f".{path.name}-{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)


def _read(path: Path) -> dict[str, str]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
