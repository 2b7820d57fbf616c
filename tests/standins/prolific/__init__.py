"""A stand-in of Prolific: its HTTP API v1 as a real server, its books, its webhooks and its participants.

Written from the public documentation (docs.prolific.com and the help pages for researchers and participants); the
README beside this file says what is documented and what is an assumption.
"""

from .platform import Platform, TooLate
from .server import StandIn

__all__ = ["Platform", "StandIn", "TooLate"]
