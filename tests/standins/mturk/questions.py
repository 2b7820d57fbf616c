"""The XML of an ExternalQuestion, and of a worker's answers."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

from .errors import Invalid, Refused

SCHEMAS = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/"
EXTERNAL = f"{SCHEMAS}2006-07-14/ExternalQuestion.xsd"
ANSWERS = f"{SCHEMAS}2005-10-01/QuestionFormAnswers.xsd"
LONGEST = 65_535  # bytes
UNREADABLE = (
    "There was an error parsing the XML question or answer data in your request. Please make sure the data is "
    "well-formed and validates against the appropriate schema."
)


@dataclasses.dataclass(frozen=True)
class ExternalQuestion:
    """What the schema holds: exactly these two, in this order."""

    url: str
    frame_height: int


def read_question(xml: str, *, https_only: bool) -> ExternalQuestion:
    """Read and validate an ExternalQuestion."""
    if len(xml.encode()) > LONGEST:
        raise Invalid("The question data must not be larger than 65535 bytes.")
    try:
        root = ET.fromstring(xml)
    except ET.ParseError:
        raise Invalid(UNREADABLE) from None
    wanted = [f"{{{EXTERNAL}}}ExternalURL", f"{{{EXTERNAL}}}FrameHeight"]
    if root.tag != f"{{{EXTERNAL}}}ExternalQuestion" or [child.tag for child in root] != wanted:
        raise Invalid(UNREADABLE)
    url, height = ((child.text or "").strip() for child in root)
    address = urlsplit(url)
    if not address.netloc or not height.isdigit():
        raise Invalid(UNREADABLE)
    if https_only and address.scheme != "https":
        raise Refused("The ExternalURL of an ExternalQuestion must use HTTPS.", code="InvalidQuestion")
    return ExternalQuestion(url, int(height))


def write_answers(fields: Iterable[tuple[str, str]]) -> str:
    """Return a QuestionFormAnswers document."""
    root = ET.Element("QuestionFormAnswers", {"xmlns": ANSWERS})
    for name, value in fields:
        answer = ET.SubElement(root, "Answer")
        ET.SubElement(answer, "QuestionIdentifier").text = name
        ET.SubElement(answer, "FreeText").text = value
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode")
