"""The tables of docs/roles.md, as the program has them: `python -m tests.staff.roles_table` writes them anew."""

from __future__ import annotations

import os
import re
from pathlib import Path

from flask import Flask

from hotel_agent.staff.access import BEARER, PERMISSIONS, PUBLIC, door
from hotel_agent.staff.models import ROLES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "roles.md"
NOBODY = {PUBLIC: "needs nobody", BEARER: "a bearer token of that hotel"}


def tables(app: Flask) -> dict[str, str]:
    return {"permissions": permissions(), "routes": routes(app)}


def permissions() -> str:
    lines = [f"| permission | {' | '.join(ROLES)} |", f"|---{'|---' * len(ROLES)}|"]
    for name, roles in PERMISSIONS.items():
        lines.append(f"| `{name}` | {' | '.join('yes' if role in roles else '–' for role in ROLES)} |")
    return "\n".join(lines)


def routes(app: Flask) -> str:
    lines = ["| route | who |", "|---|---|"]
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: (rule.rule, sorted(rule.methods or ()))):
        methods = ", ".join(sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}))
        said = door(app, rule.endpoint)
        who = NOBODY.get(said[0], f"`{said[0]}`") if said else "nobody has said"
        lines.append(f"| {methods} `{re.sub('<[^<>:]*:', '<', rule.rule)}` | {who} |")
    return "\n".join(lines)


def written(name: str) -> str:
    found = re.search(f"<!-- {name} -->\n(.*?)\n?<!-- end -->", PAGE.read_text(), re.DOTALL)
    return found[1] if found else ""


def write(app: Flask) -> None:
    text = PAGE.read_text()
    for name, table in tables(app).items():
        text = re.sub(f"(<!-- {name} -->\n).*?(<!-- end -->)", rf"\g<1>{table}\n\g<2>", text, flags=re.DOTALL)
    PAGE.write_text(text)


if __name__ == "__main__":
    os.environ.update(APP_ENV="test", DATABASE_URL="postgresql://nowhere/none", REDIS_URL="redis://nowhere")
    from hotel_agent import create_app

    write(create_app())
