"""A mail server on 127.0.0.1 that keeps what it gets, and can refuse, hang or break off."""

from __future__ import annotations

import contextlib
import email
import email.policy
import socketserver
import threading
from collections.abc import Iterator
from email.message import EmailMessage

from tests.standins.running import running


class MailServer(socketserver.ThreadingTCPServer):
    """`letters` holds (recipient, letter) in the order of arrival. The sets name recipients that are treated badly."""

    allow_reuse_address = daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Conversation)
        self.letters: list[tuple[str, EmailMessage]] = []
        self.unknown: set[str] = set()  # 550
        self.busy: set[str] = set()  # 450
        self.breaks_off: set[str] = set()  # the connection goes after the letter was sent, before it is acknowledged
        self.hangs_at: set[str] = set()
        self.hanging = threading.Event()
        self.port = int(self.server_address[1])

    def recipients(self) -> list[str]:
        """Return who got a letter, in order."""
        return [recipient for recipient, _ in self.letters]


class Conversation(socketserver.StreamRequestHandler):
    """One connection: as much of RFC 5321 as smtplib speaks."""

    server: MailServer

    def handle(self) -> None:
        """Answer line by line."""
        recipient = ""
        self._say("220 stand-in")
        while line := self.rfile.readline().decode().strip():
            verb = line[:4].upper()
            if verb == "QUIT":
                self._say("221 bye")
                return
            if verb == "RCPT":
                recipient = line.partition("<")[2].partition(">")[0]
                self._say(self._verdict(recipient))
            elif verb == "DATA":
                self._say("354 go on")
                letter = self._letter()
                if not self._take(recipient, letter):
                    return
            else:
                self._say("250 ok")

    def _verdict(self, recipient: str) -> str:
        if recipient in self.server.unknown:
            return "550 no such user"
        return "450 try later" if recipient in self.server.busy else "250 ok"

    def _letter(self) -> EmailMessage:
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line)
        return email.message_from_bytes(b"".join(lines), policy=email.policy.default)

    def _take(self, recipient: str, letter: EmailMessage) -> bool:
        self.server.letters.append((recipient, letter))
        if recipient in self.server.hangs_at:
            self.server.hanging.set()
            threading.Event().wait(30)
        if recipient in self.server.breaks_off:
            return False
        self._say("250 taken")
        return True

    def _say(self, line: str) -> None:
        with contextlib.suppress(OSError):
            self.wfile.write(f"{line}\r\n".encode())


@contextlib.contextmanager
def serve_mail() -> Iterator[MailServer]:
    """Run the server in a thread."""
    with running(MailServer()) as server:
        yield server
