"""Writes the dashboards that Grafana is provisioned with: `python -m ops.grafana.make`."""

from __future__ import annotations

import json
from pathlib import Path

from ops.grafana.boards import ALL
from ops.grafana.panels import Dashboard

FOLDER = Path(__file__).resolve().parent / "dashboards"
# docs/runbooks as Grafana itself serves it, where that folder is put into its public files (see README.md here).
RUNBOOKS = "/public/runbooks/"


def main() -> None:
    for dashboard in ALL:
        file_of(dashboard).write_text(written(dashboard))


def file_of(dashboard: Dashboard) -> Path:
    return FOLDER / f"{dashboard.name}.json"


def written(dashboard: Dashboard) -> str:
    return json.dumps(dashboard.json(RUNBOOKS), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    main()
