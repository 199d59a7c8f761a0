"""`python -m tests.fakes.qloapps`: the double by hand, until Ctrl-C."""

from __future__ import annotations

import argparse
import threading
from collections.abc import Sequence
from typing import get_args

from tests.fakes.qloapps import KEY, Pace, QloApps, hotel_prime, latency, miramar
from tests.fakes.qloapps.call import Mode

HOTELS = {"miramar": miramar, "prime": hotel_prime}


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _parser().parse_args(arguments)
    pms = QloApps(
        HOTELS[asked.hotel](),
        mode=asked.mode,
        key=asked.key,
        host=asked.host,
        port=asked.port,
        pace=Pace(asked.before_decision, asked.before_write),
    )
    if asked.latency:
        pms.inject(latency(asked.latency), times=None)
    with pms:
        print(f"{pms.shop.name}, {pms.mode}: {pms.url} key {pms.key} (Ctrl-C ends it)", flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            print()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.fakes.qloapps", description="A double of QloApps 1.6.1; it forgets everything at its end."
    )
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes a free one")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument(
        "--mode",
        choices=get_args(Mode),
        default="masked",
        help="masked: notices are not reported, success is 200; hidden: the stock php.ini, 500 after success; "
        "display_errors: PHP prints its errors, a crash is 200 with `Fatal error`",
    )
    parser.add_argument("--hotel", choices=sorted(HOTELS), default="miramar")
    parser.add_argument("--key", default=KEY, help="32 characters, the user name of Basic authentication")
    parser.add_argument("--latency", type=float, default=0.0, metavar="SECONDS", help="before every answer")
    parser.add_argument(
        "--before-decision",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="between a booking's check and its decision: rivals are moved or flagged",
    )
    parser.add_argument(
        "--before-write",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="between its decision and its write: rivals get the same room and nobody says so",
    )
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
