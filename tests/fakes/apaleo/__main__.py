"""`python -m tests.fakes.apaleo`: the double by hand, until Ctrl-C."""

from __future__ import annotations

import argparse
import threading
from collections.abc import Sequence

from tests.fakes.apaleo import CLIENT_ID, CLIENT_SECRET, Apaleo, add_non_refundable, latency, miramar


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _parser().parse_args(arguments)
    house = miramar()
    if asked.non_refundable:
        add_non_refundable(house)
    pms = Apaleo(house, client_id=asked.client_id, client_secret=asked.client_secret, host=asked.host, port=asked.port)
    pms.identity.lifetime = asked.token_lifetime
    if asked.latency:
        pms.inject(latency(asked.latency), times=None)
    with pms:
        print(
            f"{house.name}: {pms.url} property {pms.property_id} client {pms.client_id} secret {pms.client_secret} "
            "(Ctrl-C ends it)",
            flush=True,
        )
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            print()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.fakes.apaleo",
        description="A double of Apaleo with Hotel Miramar in it; it forgets everything at its end.",
    )
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes a free one")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--client-id", default=CLIENT_ID)
    parser.add_argument("--client-secret", default=CLIENT_SECRET)
    parser.add_argument("--token-lifetime", type=int, default=3600, metavar="SECONDS")
    parser.add_argument("--latency", type=float, default=0.0, metavar="SECONDS", help="before every answer")
    parser.add_argument("--non-refundable", action="store_true", help="with a second rate plan for each unit group")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
