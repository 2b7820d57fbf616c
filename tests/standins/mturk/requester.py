"""The requester's operations on HITs, assignments, bonuses and messages: JSON in, JSON out."""

from __future__ import annotations

from decimal import Decimal

from .books import MANY_FROM, Entry, fee_on
from .errors import Refused, missing, wrong_status
from .market import Market
from .operations import Json, once, operation, page
from .qualifying import SYSTEM
from .questions import read_question
from .things import ACCEPTED, APPROVED, REJECTED, SUBMITTED, Hit, HitType, new_id

MONTH = 30 * 24 * 3600
MOST_REQUIREMENTS = 10


@operation("GetAccountBalance")
def get_account_balance(market: Market, sent: Json) -> Json:
    market.settle()
    return {"AvailableBalance": f"{market.books.available:.2f}", "OnHoldBalance": f"{market.books.on_hold:.2f}"}


# HITs


@operation("CreateHITType")
def create_hit_type(market: Market, sent: Json) -> Json:
    requirements = tuple(sent.get("QualificationRequirements", ()))
    if len(requirements) > MOST_REQUIREMENTS:
        raise Refused("A HIT can have at most 10 Qualification requirements.", code="InvalidParameter")
    for one in requirements:
        if one["QualificationTypeId"] not in SYSTEM | set(market.qualifications):
            raise missing("Qualification Type", one["QualificationTypeId"])
    values = {
        "title": sent["Title"],
        "description": sent["Description"],
        "keywords": sent.get("Keywords", ""),
        "reward": Decimal(sent["Reward"]),
        "duration": sent["AssignmentDurationInSeconds"],
        "auto_approval": sent.get("AutoApprovalDelayInSeconds", MONTH),
        "requirements": requirements,
    }
    for known in market.types.values():
        if all(getattr(known, name) == value for name, value in values.items()):
            return {"HITTypeId": known.ident}
    made = HitType(ident=new_id(), **values)
    market.types[made.ident] = made
    return {"HITTypeId": made.ident}


@operation("CreateHITWithHITType")
def create_hit_with_hit_type(market: Market, sent: Json) -> Json:
    once(market, sent)
    if sent["HITTypeId"] not in market.types:
        raise missing("HITType", sent["HITTypeId"])
    if "Question" not in sent:
        raise Refused("Either a Question parameter or a HITLayoutId parameter must be provided.")
    most = sent.get("MaxAssignments", 1)
    hit = Hit(
        ident=new_id(),
        group=new_id(),
        kind=market.types[sent["HITTypeId"]],
        question=read_question(sent["Question"], https_only=market.https_only),
        xml=sent["Question"],
        most=most,
        created=market.now,
        expires=market.now + sent["LifetimeInSeconds"],
        annotation=sent.get("RequesterAnnotation", ""),
        charged_as=most,
    )
    market.rehold(hit)
    market.hits[hit.ident] = hit
    once(market, sent, made=hit.ident)
    return {"HIT": hit.as_answer(market.now)}


@operation("CreateHIT")
def create_hit(market: Market, sent: Json) -> Json:
    once(market, sent)
    return create_hit_with_hit_type(market, {**sent, **create_hit_type(market, sent)})


@operation("GetHIT")
def get_hit(market: Market, sent: Json) -> Json:
    return {"HIT": market.hit(sent["HITId"]).as_answer(market.now)}


@operation("ListHITs")
def list_hits(market: Market, sent: Json) -> Json:
    market.settle()
    newest = sorted(market.hits.values(), key=lambda hit: hit.created, reverse=True)
    return page([hit.as_answer(market.now) for hit in newest], sent, "HITs")


@operation("ListHITsForQualificationType")
def list_hits_for_qualification_type(market: Market, sent: Json) -> Json:
    market.settle()
    wanted = sent["QualificationTypeId"]
    rows = [
        hit.as_answer(market.now)
        for hit in market.hits.values()
        if any(one["QualificationTypeId"] == wanted for one in hit.kind.requirements)
    ]
    return page(rows, sent, "HITs")


@operation("ListReviewableHITs")
def list_reviewable_hits(market: Market, sent: Json) -> Json:
    market.settle()
    wanted = sent.get("Status", "Reviewable")
    rows = [hit.as_answer(market.now) for hit in market.hits.values() if hit.status(market.now) == wanted]
    return page(rows, sent, "HITs")


@operation("UpdateExpirationForHIT")
def update_expiration_for_hit(market: Market, sent: Json) -> Json:
    """A time in the past expires it at once; who has accepted may still submit."""
    hit = market.hit(sent["HITId"])
    hit.expires = float(sent["ExpireAt"])
    market.rehold(hit)
    return {}


@operation("CreateAdditionalAssignmentsForHIT")
def create_additional_assignments_for_hit(market: Market, sent: Json) -> Json:
    """From fewer than ten to ten or more is refused: Amazon's fee would change under way."""
    once(market, sent)
    hit, more = market.hit(sent["HITId"]), sent["NumberOfAdditionalAssignments"]
    if more < 1 or hit.charged_as < MANY_FROM <= hit.most + more:
        message = "HITs created with fewer than 10 assignments cannot be extended to have 10 or more assignments."
        raise Refused(message, code="InvalidMaximumAssignmentsIncrease")
    hit.most += more
    try:
        market.rehold(hit)
    except Refused:
        hit.most -= more
        raise
    once(market, sent, made=hit.ident)
    return {}


@operation("DeleteHIT")
def delete_hit(market: Market, sent: Json) -> Json:
    hit = market.hit(sent["HITId"])
    if hit.status(market.now) not in ("Reviewable", "Reviewing") or hit.by_status(SUBMITTED):
        raise wrong_status("Reviewable")
    del market.hits[hit.ident]
    return {}


# Assignments


@operation("ListAssignmentsForHIT")
def list_assignments_for_hit(market: Market, sent: Json) -> Json:
    hit = market.hit(sent["HITId"])
    wanted = sent.get("AssignmentStatuses") or [SUBMITTED, APPROVED, REJECTED]
    found = [one for one in hit.by_status(*wanted) if market.visible(one)]
    found.sort(key=lambda one: (one.submitted, one.ident))
    return page([one.as_answer(hit) for one in found], sent, "Assignments")


@operation("GetAssignment")
def get_assignment(market: Market, sent: Json) -> Json:
    hit, one = market.assignment(sent["AssignmentId"])
    if not market.visible(one):
        raise wrong_status("Reviewable", "Approved", "Rejected")
    return {"Assignment": one.as_answer(hit), "HIT": hit.as_answer(market.now)}


@operation("ApproveAssignment")
def approve_assignment(market: Market, sent: Json) -> Json:
    hit, one = market.assignment(sent["AssignmentId"])
    if not market.visible(one):
        raise wrong_status()
    overridden = sent.get("OverrideRejection") and one.status == REJECTED and market.now < one.submitted + MONTH
    if one.status != SUBMITTED and not overridden:
        raise wrong_status(SUBMITTED)
    market.approve(hit, one, feedback=sent.get("RequesterFeedback", ""))
    return {}


@operation("RejectAssignment")
def reject_assignment(market: Market, sent: Json) -> Json:
    hit, one = market.assignment(sent["AssignmentId"])
    if not market.visible(one):
        raise wrong_status()
    if one.status != SUBMITTED:
        raise wrong_status(SUBMITTED)
    if not sent["RequesterFeedback"].strip():
        raise Refused("RequesterFeedback must not be empty.", code="InvalidParameter")
    market.reject(hit, one, feedback=sent["RequesterFeedback"])
    return {}


# Bonuses and messages


@operation("SendBonus")
def send_bonus(market: Market, sent: Json) -> Json:
    once(market, sent)
    _, one = market.assignment(sent["AssignmentId"])
    if one.worker != sent["WorkerId"] or one.status == ACCEPTED:
        raise Refused("This Worker has not submitted this Assignment.", code="InvalidParameter")
    amount = Decimal(sent["BonusAmount"])
    if amount <= 0 or not sent["Reason"].strip():
        raise Refused("A bonus needs an amount above 0 and a reason.", code="InvalidParameter")
    market.books.pay(
        Entry("bonus", one.ident, one.worker, amount, fee_on(amount), sent["Reason"], market.now), held=False
    )
    once(market, sent, made=new_id())
    return {}


@operation("ListBonusPayments")
def list_bonus_payments(market: Market, sent: Json) -> Json:
    wanted = {one.ident for one in market.hit(sent["HITId"]).assignments} if "HITId" in sent else {sent["AssignmentId"]}
    rows = [
        {
            "WorkerId": entry.worker,
            "AssignmentId": entry.assignment,
            "BonusAmount": f"{entry.amount:.2f}",
            "Reason": entry.reason,
            "GrantTime": entry.at,
        }
        for entry in market.books.entries
        if entry.kind == "bonus" and entry.assignment in wanted
    ]
    return page(rows, sent, "BonusPayments")


@operation("NotifyWorkers")
def notify_workers(market: Market, sent: Json) -> Json:
    """Mails reach only those whose work this requester has approved or rejected; the others are listed."""
    decided = {one.worker for hit in market.hits.values() for one in hit.by_status(APPROVED, REJECTED)}
    failures = []
    for ident in sent["WorkerIds"]:
        if ident in decided:
            market.worker(ident).mails.append((sent["Subject"], sent["MessageText"]))
            continue
        failures.append(
            {
                "NotifyWorkersFailureCode": "HardFailure",
                "NotifyWorkersFailureMessage": "You have not approved or rejected work of this Worker.",
                "WorkerId": ident,
            }
        )
    return {"NotifyWorkersFailureStatuses": failures}
