"""The requester's operations on qualifications."""

from __future__ import annotations

from .errors import Refused, missing, wrong_status
from .market import Market
from .operations import Json, operation, page
from .things import QualificationType, new_id


def _qualification(market: Market, ident: str) -> QualificationType:
    if ident not in market.qualifications:
        raise missing("Qualification Type", ident)
    return market.qualifications[ident]


@operation("CreateQualificationType")
def create_qualification_type(market: Market, sent: Json) -> Json:
    if any(one.name == sent["Name"] for one in market.qualifications.values()):
        message = "You have already created a QualificationType with this name."
        raise Refused(message, code="QualificationTypeAlreadyExists")
    made = QualificationType(new_id(), sent["Name"], sent["Description"], market.now, sent["QualificationTypeStatus"])
    market.qualifications[made.ident] = made
    return {"QualificationType": made.as_answer()}


@operation("GetQualificationType")
def get_qualification_type(market: Market, sent: Json) -> Json:
    return {"QualificationType": _qualification(market, sent["QualificationTypeId"]).as_answer()}


@operation("ListQualificationTypes")
def list_qualification_types(market: Market, sent: Json) -> Json:
    query = sent.get("Query", "").lower()
    found = [one for one in market.qualifications.values() if query in f"{one.name} {one.description}".lower()]
    return page([one.as_answer() for one in found], sent, "QualificationTypes")


@operation("AssociateQualificationWithWorker")
def associate_qualification_with_worker(market: Market, sent: Json) -> Json:
    made = _qualification(market, sent["QualificationTypeId"])
    made.granted[sent["WorkerId"]] = sent.get("IntegerValue", 1)
    made.revoked.discard(sent["WorkerId"])
    if sent.get("SendNotification", True):
        market.worker(sent["WorkerId"]).mails.append(("Qualification", made.name))
    return {}


@operation("DisassociateQualificationFromWorker")
def disassociate_qualification_from_worker(market: Market, sent: Json) -> Json:
    made = _qualification(market, sent["QualificationTypeId"])
    if made.granted.pop(sent["WorkerId"], None) is None:
        raise missing("Qualification", sent["WorkerId"])
    made.revoked.add(sent["WorkerId"])
    return {}


@operation("GetQualificationScore")
def get_qualification_score(market: Market, sent: Json) -> Json:
    made = _qualification(market, sent["QualificationTypeId"])
    if sent["WorkerId"] in made.revoked:
        raise wrong_status("Granted")
    if sent["WorkerId"] not in made.granted:
        raise missing("Qualification", sent["WorkerId"])
    return {
        "Qualification": {
            "QualificationTypeId": made.ident,
            "WorkerId": sent["WorkerId"],
            "IntegerValue": made.granted[sent["WorkerId"]],
            "Status": "Granted",
        }
    }


@operation("ListWorkersWithQualificationType")
def list_workers_with_qualification_type(market: Market, sent: Json) -> Json:
    made = _qualification(market, sent["QualificationTypeId"])
    rows = [
        {"QualificationTypeId": made.ident, "WorkerId": ident, "IntegerValue": value, "Status": "Granted"}
        for ident, value in sorted(made.granted.items())
    ]
    return page(rows, sent, "Qualifications")
