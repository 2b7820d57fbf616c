"""One process of claimants: `python -m tests.annotations.domain.claimants SLUG COUNT`; prints who got what as JSON."""

import json
import sys
import threading
from collections import Counter

import django

django.setup()

from django.db import connection  # noqa: E402

from annotations.domain import participation  # noqa: E402


def claim(slug: str, barrier: threading.Barrier, found: list[str]) -> None:
    """Enter, wait for all others of this process, and take a booklet."""
    try:
        person = participation.enter_study(slug=slug)
        barrier.wait(60)
        found.append(participation.begin(public_id=person.public_id).step.value)
    except Exception as error:  # noqa: BLE001
        found.append(f"{type(error).__name__}: {error}")
    finally:
        connection.close()


def main(slug: str, count: int) -> None:
    """Let `count` claimants claim at once."""
    barrier, found = threading.Barrier(count), []
    threads = [threading.Thread(target=claim, args=(slug, barrier, found)) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps(Counter(found)))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
