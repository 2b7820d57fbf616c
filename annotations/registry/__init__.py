"""Registries of plug-ins, and the base class of each family.

A plug-in is one file in ``annotations/plugins/<family>/`` with one class decorated by ``@<registry>.register``. Nothing
else has to be edited: forms, admin choices and the contract tests read the registry.
"""

from .base import Plugin, Registry
from .questions import Choice, Measure, QuestionType, Raw, Scored, Value, first_of, question_types, raw_of
from .recruitment import (
    Exit,
    Framing,
    Identity,
    RecruitmentPlatform,
    RemoteCharge,
    RemoteClient,
    RemoteDraft,
    RemoteEvent,
    RemoteFacts,
    RemotePlatform,
    RemoteSubmission,
    recruitment_platforms,
)
from .sources import OutputRecord, Source, sources
from .templates import DimensionDraft, StudyDraft, StudyTemplate, study_templates

__all__ = [
    "Choice",
    "DimensionDraft",
    "Exit",
    "Framing",
    "Identity",
    "Measure",
    "OutputRecord",
    "Plugin",
    "QuestionType",
    "Raw",
    "RecruitmentPlatform",
    "Registry",
    "RemoteCharge",
    "RemoteClient",
    "RemoteDraft",
    "RemoteEvent",
    "RemoteFacts",
    "RemotePlatform",
    "RemoteSubmission",
    "Scored",
    "Source",
    "StudyDraft",
    "StudyTemplate",
    "Value",
    "first_of",
    "question_types",
    "raw_of",
    "recruitment_platforms",
    "sources",
    "study_templates",
]
