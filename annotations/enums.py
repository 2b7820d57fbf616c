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
    """Where a person stands in one study. `arrived` is on the way to the first trial; only `finished` counts to k."""

    ARRIVED = "arrived"
    CONSENTED = "consented"
    JUDGING = "judging"
    FINISHED = "finished"
    LAPSED = "lapsed"
    TURNED_AWAY = "turned_away", "Turned away (study full)"
    DECLINED = "declined", "Declined to take part"
    SCREENED_OUT = "screened_out", "Not eligible"
    FAILED_QUIZ = "failed_quiz", "Did not pass the comprehension quiz"
    WITHDRAWN = "withdrawn", "Withdrew the data"


class Outcome(TextChoices):
    """How a visit ends; each may have a completion code of its own on the recruiter's side."""

    COMPLETED = "completed"
    DECLINED = "declined"
    SCREENED_OUT = "screened_out"
    FAILED_QUIZ = "failed_quiz"
    FAILED_ATTENTION = "failed_attention"
    FULL = "full"
    LAPSED = "lapsed"
    WITHDRAWN = "withdrawn"


class JobState(TextChoices):
    """The life of a background job (an import, a report)."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    CANCELLED = "cancelled"


class GenerationState(TextChoices):
    """queued → running → done; `stopped` by a person, a spent budget or a server that is down, and may be resumed."""

    QUEUED = "queued"
    RUNNING = "running"
    STOPPED = "stopped"
    DONE = "done"
    CANCELLED = "cancelled"


class SampleState(TextChoices):
    """wanted → asked → arrived; `left_out` when the rules take no such answer, `failed` after the last attempt."""

    WANTED = "wanted"
    ASKED = "asked"
    ARRIVED = "arrived"
    LEFT_OUT = "left_out"
    FAILED = "failed"


class SampleMark(TextChoices):
    """What is wrong with an answer that came."""

    REFUSAL = "refusal"
    TRUNCATED = "truncated"
    EMPTY = "empty"


class Step(TextChoices):
    """Which page a rater's own link shows now."""

    ELIGIBILITY = "eligibility"
    CONSENT = "consent"
    QUESTIONNAIRE = "questionnaire"
    INSTRUCTIONS = "instructions"
    QUIZ = "quiz"
    PRACTICE = "practice"
    ASK = "ask"
    WAITING = "waiting"
    TRIAL = "trial"
    BREAK = "break"
    COMMENTS = "comments"
    DEBRIEFING = "debriefing"
    FINISHED = "finished"
    FULL = "full"
    LAPSED = "lapsed"
    PAUSED = "paused"
    CLOSED = "closed"
    DECLINED = "declined"
    SCREENED_OUT = "screened_out"
    FAILED_QUIZ = "failed_quiz"
    WITHDRAWN = "withdrawn"


class Role(TextChoices):
    """What a researcher may do in one study."""

    OWNER = "owner"
    EDITOR = "editor"
    ANALYST = "analyst", "Blinded analyst"
    OBSERVER = "observer"


class RemoteState(TextChoices):
    """The life of a study on a recruitment platform."""

    NONE = "none", "Not created yet"
    DRAFT = "draft"
    PUBLISHED = "published"
    PAUSED = "paused"
    ENDED = "ended"


class SubmissionState(TextChoices):
    """The life of one person's session on a recruitment platform."""

    RESERVED = "reserved"
    ACTIVE = "active"
    AWAITING = "awaiting", "Awaiting review"
    APPROVED = "approved"
    REJECTED = "rejected"
    RETURN_REQUESTED = "return_requested"
    RETURNED = "returned"
    TIMED_OUT = "timed_out"
    SCREENED_OUT = "screened_out"
    PARTIAL = "partial", "Partially approved"


class BonusState(TextChoices):
    """The life of one payment beside the reward; `sending` is written down before the platform is asked to pay."""

    PLANNED = "planned"
    SENDING = "sending", "Sent, not seen yet"
    PAID = "paid"
    REFUSED = "refused"


class LedgerKind(TextChoices):
    """What an entry of the ledger says; `reserved` minus `released` is what may still have to be paid."""

    RESERVED = "reserved"
    RELEASED = "released"
    EARNED = "earned"
    APPROVED = "approved"
    PAID = "paid"
    BONUS = "bonus"
    FEE = "fee"
    REFUND = "refund"
