"""The dashboards: whole, in step with what makes them, and never empty while the hotels are busy."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from ops.grafana import make
from ops.grafana.boards import ALL
from ops.grafana.panels import COLUMNS, DATASOURCE

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(make.FOLDER.glob("*.json"))
PROVISIONING = ROOT / "ops/grafana/provisioning"
NAMES = {"overview", "pms", "orchestrator", "database", "redis", "slo", "business"}
SHOWS_NOTHING_BY_ITSELF = {"row", "alertlist"}

Json = dict[str, Any]
