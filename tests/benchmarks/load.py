"""A small load generator: raters who answer one trial after the other over connections that stay open."""

import asyncio
import re
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

ANSWERS = {"answer-originality": "2", "answer-surprise": "3", "answer-creativity": "4"}
TIMES = {"t_first": "900", "t_submit": "4200", "t_hidden": "0", "t_idle": "0"}
TRIAL = re.compile(rb'data-trial="([^"]+)"')


@dataclass
class Rater:
    """One booklet to be judged: address of the answers, trial shown now, trial held ahead."""

    path: str
    trial: str = ""
    held: str = ""


@dataclass
class Outcome:
    """Seconds of each acknowledged cycle, and how many went wrong."""

    seconds: list[float] = field(default_factory=list)
    errors: int = 0
    took: float = 0.0

    def quantile(self, share: float) -> float:
        """Milliseconds below which `share` of the cycles stayed."""
        ordered = sorted(self.seconds)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")

    @property
    def rate(self) -> float:
        """Cycles per second."""
        return len(self.seconds) / self.took if self.took else float("nan")


class Connection:
    """One HTTP/1.1 connection; the least that a client can do, so that the servers are what is measured."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.reader: asyncio.StreamReader | None = None

    async def post(self, path: str, fields: dict[str, str]) -> tuple[int, bytes, bytes]:
        """Send a form; return status, head and body."""
        body = urlencode(fields).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            f"X-Requested-With: fetch\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        if self.reader is None:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.writer.write(head.encode() + body)
        answer = await self.reader.readuntil(b"\r\n\r\n")
        length = int(re.search(rb"(?i)content-length: (\d+)", answer)[1])
        content = await self.reader.readexactly(length) if length else b""
        if b"connection: close" in answer.lower():
            self.writer.close()
            self.reader = None
        return int(answer[9:12]), answer, content


async def judge(connection: Connection, rater: Rater, outcome: Outcome, limit: int) -> int:
    """Answer one booklet, at most `limit` trials; returns how many were acknowledged."""
    done = 0
    while rater.trial and done < limit:
        started = time.perf_counter()
        fields = {"trial": rater.trial, "held": rater.held, **ANSWERS, **TIMES}
        status, head, body = await connection.post(rater.path, fields)
        outcome.seconds.append(time.perf_counter() - started)
        if status != 200:
            outcome.seconds.pop()
            outcome.errors += 1
            return done
        done += 1
        found = re.search(rb"(?i)x-trial: (\S*)", head)
        fragments = TRIAL.findall(body)
        rater.trial = found[1].decode() if found else rater.trial
        rater.held = fragments[-1].decode() if fragments else ""
    return done


async def _run(port: int, queues: Sequence[list[Rater]], cycles: int) -> Outcome:
    outcome = Outcome()
    left = [cycles]

    async def work(raters: list[Rater]) -> None:
        connection = Connection(port)
        while raters and left[0] > 0:
            left[0] -= await judge(connection, raters.pop(), outcome, left[0])

    started = time.perf_counter()
    await asyncio.gather(*(work(queue) for queue in queues))
    outcome.took = time.perf_counter() - started
    return outcome


def run(*, port: int, raters: list[Rater], concurrency: int, cycles: int) -> Outcome:
    """Let `concurrency` raters at a time judge until about `cycles` cycles are done."""
    queues = [raters[start::concurrency] for start in range(concurrency)]
    return asyncio.run(_run(port, [queue for queue in queues if queue], cycles))


def median(values: Sequence[float]) -> float:
    """The median."""
    return statistics.median(values)
