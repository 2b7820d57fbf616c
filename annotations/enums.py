"""The words that states, kinds and roles are named by, everywhere."""

from django.db.models import TextChoices


class StudyState(TextChoices):
    """draft → frozen → open ⇄ paused → closed."""

    DRAFT = "draft"
    FROZEN = "frozen"
    OPEN = "open"
    PAUSED = "paused"
    CLOSED = "closed"


class SystemRole(TextChoices):
    """What a system is in the comparison; `check` marks texts that the platform adds to check attention."""

    BASELINE = "baseline"
    TREATMENT = "treatment", "Treatment (e.g. steered)"
    REFERENCE = "reference", "Reference (e.g. human)"
    CHECK = "check", "Attention check"


class TrialKind(TextChoices):
    """Why a trial is shown."""

    MAIN = "main"
    PRACTICE = "practice"
    ATTENTION = "attention"
    REPEAT = "repeat"


class LeaseState(TextChoices):
    """available → leased → completed; a leased one may lapse, an available copy may be withdrawn."""

    AVAILABLE = "available"
    LEASED = "leased"
    COMPLETED = "completed"
    LAPSED = "lapsed"
    WITHDRAWN = "withdrawn"


class ParticipationState(TextChoices):
    """Where a person stands in one study."""

    CONSENTED = "consented"
    JUDGING = "judging"
    FINISHED = "finished"
    LAPSED = "lapsed"
    TURNED_AWAY = "turned_away", "Turned away (study full)"


class JobState(TextChoices):
    """The life of a background job (an import, a report)."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


class Step(TextChoices):
    """Which page a rater's own link shows now."""

    INSTRUCTIONS = "instructions"
    TRIAL = "trial"
    FINISHED = "finished"
    FULL = "full"
    LAPSED = "lapsed"
    PAUSED = "paused"
    CLOSED = "closed"
