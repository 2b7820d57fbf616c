"""A study that is recruited through the stand-in of Prolific, and people who come from there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from annotations.blind import RaterView
from annotations.domain import judging, participation, recruiting, recruiting_sync
from annotations.enums import LeaseState, Step
from annotations.models import Lease, LedgerEntry, Participation, RecruiterAccount, Recruitment, Study, Submission
from annotations.registry import recruitment_platforms
from tests.annotations.factories import StudyFactory, UserFactory
from tests.standins.prolific import StandIn
from tests.standins.prolific.things import Submission as Session

SITE = "https://eval.example.org"
SETTINGS = {"fee": "1/3", "tax": "1/5", "late_patience": 0}
DESIGN = {"raters_per_task": 2, "trials_per_rater": 3}


@pytest.fixture
def prolific() -> Iterator[StandIn]:
    with StandIn() as site:
        yield site


@dataclass
class Field:
    """A study, its recruitment and the platform, as a test handles them."""

    site: StandIn
    recruitment: Recruitment
    people: dict[str, Person] = field(default_factory=dict)

    @property
    def study(self) -> Study:
        return self.recruitment.study

    @property
    def remote(self) -> Any:
        return self.site.platform.studies[self.recruitment.remote_id]

    def sync(self) -> Recruitment:
        recruiting_sync.sync(recruitment_id=self.recruitment.pk)
        return self.fresh()

    def fresh(self) -> Recruitment:
        self.recruitment = Recruitment.objects.select_related("study", "account").get(pk=self.recruitment.pk)
        return self.recruitment

    def person(self, name: str) -> Person:
        """Somebody takes a place on the platform and opens the link."""
        made = Person(self, self.site.platform.reserve(self.remote, name))
        self.site.platform.start(made.session)
        self.people[name] = made
        return made

    def leases(self, state: str) -> int:
        return Lease.objects.filter(plan=self.study.plan, state=state).count()

    def completes(self) -> dict[int, int]:
        """How many complete raters each booklet has."""
        done = Lease.objects.filter(plan=self.study.plan, state=LeaseState.COMPLETED)
        counts = dict.fromkeys(self.study.plan.booklets.values_list("pk", flat=True), 0)
        for booklet in done.values_list("booklet_id", flat=True):
            counts[booklet] += 1
        return counts

    def ours(self) -> dict[str, int]:
        """What the ledger says was paid, by kind."""
        return {
            kind: sum(LedgerEntry.objects.filter(study=self.study, kind=kind).values_list("amount", flat=True))
            for kind in ("paid", "bonus", "fee")
        }

    def theirs(self) -> dict[str, int]:
        """What the platform's books say."""
        charges = self.site.platform.books.of(self.remote.id)
        return {
            "paid": sum(one.amount for one in charges if one.kind != "bonus"),
            "bonus": sum(one.amount for one in charges if one.kind == "bonus"),
            "fee": sum(one.fee + one.tax for one in charges),
        }


@dataclass
class Person:
    """One participant: what he does there and here."""

    field: Field
    session: Session

    @property
    def identity(self) -> Any:
        query = dict(parse_qsl(urlsplit(self.field.site.platform.address(self.session)).query))
        return recruitment_platforms.get("prolific").identity(query)

    @property
    def here(self) -> Participation:
        return Participation.objects.get(identity__study=self.field.study, identity__digest=self._digest())

    def _digest(self) -> str:
        from annotations.domain.identities import digest_of

        return digest_of(self.session.participant)

    @property
    def submission(self) -> Submission:
        from annotations.domain.identities import digest_of

        return Submission.objects.get(recruitment=self.field.recruitment, session_digest=digest_of(self.session.id))

    def opens(self) -> RaterView:
        """Open the link, agree and begin."""
        came = participation.enter_study(slug=self.field.study.slug, identity=self.identity)
        return participation.begin(public_id=came.public_id)

    def judges(self, limit: int | None = None) -> RaterView:
        """Open the link and judge everything, or the first `limit` trials."""
        view, done = self.opens(), 0
        while view.step == Step.TRIAL and (limit is None or done < limit):
            view, done = self.answers(view), done + 1
        return view

    def answers(self, view: RaterView) -> RaterView:
        """Answer the trial that is in hand."""
        answers = {question.key: "2" for question in view.questionnaire.questions}
        return judging.record_judgement(public_id=self.here.public_id, trial=view.trials[0].token, answers=answers)

    def submits(self, outcome: str | None = "completed") -> None:
        """Go back to the platform with the code of an outcome, or with none."""
        code = self.field.recruitment.codes[outcome] if outcome else None
        self.field.site.platform.complete(self.session, code)

    def returns(self) -> None:
        self.field.site.platform.give_back(self.session)

    def does_it_all(self) -> Person:
        self.judges()
        self.submits()
        return self

    @property
    def paid(self) -> int:
        """How much this person got there, all in all."""
        charges = self.field.site.platform.books.of(self.field.remote.id)
        return sum(one.amount for one in charges if one.submission == self.session.id)


def recruited(site: StandIn, *, publish: bool = True, settings: dict[str, Any] | None = None, **more: Any) -> Field:
    """A study that is open here and published there."""
    design = DESIGN | more.pop("design", {})
    minutes = more.pop("minutes", 10)
    study = StudyFactory(open=True, design=design, prompts=more.pop("prompts", 4), currency="GBP", **more)
    account = recruiting.save_account(
        owner=UserFactory(is_staff=True),
        name="Lab",
        platform="prolific",
        base_url=site.base_url,
        secrets={"token": site.platform.token},
    )
    recruitment = recruiting.configure(
        study=study,
        account=account,
        reward=150,
        minutes=minutes,
        settings=SETTINGS | (settings or {}),
        auto_approve=True,
    )
    recruiting.create_remote(recruitment=recruitment, site="", entrance=f"{SITE}/s/{study.slug}/")
    if publish:
        recruiting.publish(recruitment=recruitment)
    return Field(site, Recruitment.objects.select_related("study", "account").get(pk=recruitment.pk))


@pytest.fixture
def lab(db: None, prolific: StandIn) -> Field:
    """A published study with two raters per task."""
    return recruited(prolific)


@pytest.fixture
def make_lab(db: None, prolific: StandIn) -> Callable[..., Field]:
    return lambda **more: recruited(prolific, **more)


@pytest.fixture
def account(lab: Field) -> RecruiterAccount:
    return lab.recruitment.account
