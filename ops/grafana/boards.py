"""The seven dashboards: what each panel asks Prometheus, and what it means to somebody who has never seen the code.

An expression has a value also while nothing happens. So a rate of what is rare ends in `or on () vector(0)`, and the
divisor of a share is never 0.
"""

from __future__ import annotations

from typing import Any

from ops.grafana.panels import UP_OR_DOWN, Dashboard, Panel, Query, Row

NOTHING = 1e-9
BREAKER = {0: ("closed", "green"), 1: ("open", "red"), 2: ("half-open", "yellow")}
YES_OR_NO = {0: ("no", "green"), 1: ("yes", "red")}
ON_OR_OFF = {0: ("off", "gray"), 1: ("on", "green")}


def rate(metric: str, by: str = "", window: str = "5m") -> str:
    """Per second; 0 where there is nothing."""
    return f"{_summed('rate', metric, by, window)} or on () vector(0)"


def counted(metric: str, by: str = "", window: str = "1h") -> str:
    """How many there were in the window; 0 where there is nothing."""
    return f"{_summed('increase', metric, by, window)} or on () vector(0)"


def _summed(function: str, metric: str, by: str, window: str) -> str:
    return f"sum by ({by}) ({function}({metric}[{window}]))" if by else f"sum({function}({metric}[{window}]))"


def share(part: str, whole: str, window: str = "5m") -> str:
    """Which share of the whole the part is; 0 while there is no whole."""
    return f"({rate(part, window=window)}) / clamp_min({rate(whole, window=window)}, {NOTHING})"


def mean(metric: str, window: str = "5m") -> str:
    return share(f"{metric}_sum", f"{metric}_count", window)


def quantile(share_: float, metric: str, by: str = "") -> str:
    """Of a histogram; 0 while there is nothing to rank."""
    labels, name = f"le, {by}" if by else "le", f"{metric}_bucket"
    if "{" in metric:
        name = metric.replace("{", "_bucket{", 1)
    return f"histogram_quantile({share_}, sum by ({labels}) (rate({name}[5m]))) > 0 or on () vector(0)"


def quantiles(metric: str) -> list[Query]:
    return [Query(quantile(number / 100, metric), f"P{number}") for number in (50, 95, 99)]


def average(metric: str, window: str = "5m") -> Query:
    return Query(mean(metric, window), "mean")


def now(metric: str, legend: str = "") -> list[Query]:
    return [Query(metric, legend)]


def stat(title: str, expr: str, meaning: str, **more: Any) -> Panel:
    return Panel(title, [Query(expr)], meaning, kind="stat", width=3, height=4, **more)


# Probes and scrapes are left out: they come in thousands, and would hide what people and Meta are answered.
SERVER_ERRORS = 'http_requests_total{endpoint!~"health[.].*",status=~"5.."}'
REQUESTS = 'http_requests_total{endpoint!~"health[.].*"}'
# Streams stay open for as long as somebody looks at a page.
LATENCY = 'http_request_duration_seconds{endpoint!~"health[.].*|dashboard.events|static|none"}'

WRONG_NOW = Row(
    "Is anything wrong? Red here, or in the list, has a runbook behind it",
    [
        stat("Alerts that fire", 'count(ALERTS{alertstate="firing"}) or vector(0)',
             "How many alerts fire now. The list below names them.", warn=1, bad=1),
        stat("Installation", 'max(up{job="hotel-agent"}) or vector(0)',
             "Down: Prometheus gets no figures from any web process, and nothing else here can be believed.",
             words=UP_OR_DOWN, runbooks=["installation-down"]),
        stat("PostgreSQL", "min(postgres_up) or vector(0)",
             "Down: nothing can be kept, webhooks get a 503 and Meta delivers again.",
             words=UP_OR_DOWN, runbooks=["postgres-down"]),
        stat("Valkey", "min(valkey_up) or vector(0)",
             "Down: nothing is lost, answers wait for the sweeps, pages ask instead of being told.",
             words=UP_OR_DOWN, runbooks=["lost-valkey"]),
        stat("Workers", "max(workers_alive) or vector(0)",
             "Worker processes that report. None: messages are kept and not answered.",
             warn=2, bad=1, runbooks=["workers-gone"]),
        stat("PMS breakers open", "count(pms_circuit_breaker_state == 1) or vector(0)",
             "Property-management systems that are given a rest as they failed five times.",
             warn=1, bad=1, runbooks=["breaker-open"]),
        stat("Oldest wait", "max(intake_lag_seconds) + max(answers_lag_seconds)",
             "The longest that a guest can have waited for the agent, from the webhook on.",
             unit="s", warn=10, bad=60, runbooks=["intake-lag", "answers-late"]),
        stat("Backup's age", "time() - (max(backup_last_success_timestamp_seconds) or vector(0))",
             "Since the newest backup was finished. Decades: there has never been one.",
             unit="s", warn=90_000, bad=26 * 3600, runbooks=["backup-old"]),
        Panel("Alerts", [], "What fires or is about to. Each alert names its runbook.",
              kind="alertlist", width=24, height=6),
    ],
)  # fmt: skip

OVERVIEW = Dashboard(
    "hotel-overview",
    "Hotel agent: overview",
    "Begin here. The first row says what is wrong; the rows below say since when, and the other dashboards where.",
    [
        WRONG_NOW,
        Row("Requests: webhooks of Meta, screens of staff, the API", [
            Panel("Requests a second", [Query(rate(REQUESTS, "status"), "{{status}}")],
                  "All requests that were answered, by status.", unit="reqps", stacked=True),
            Panel("Share of errors", [Query(share(SERVER_ERRORS, REQUESTS), "5xx")],
                  "Which share of requests was answered with a 5xx. The objective is at most 0.5 % in a month.",
                  unit="percentunit", warn=0.005, bad=0.05, runbooks=["high-error-rate"]),
            Panel("Time to answer a request", quantiles(LATENCY),
                  "P95 is to stay under 200 ms; over 500 ms for five minutes is an alert.",
                  unit="s", warn=0.2, bad=0.5, runbooks=["high-latency"]),
            Panel("Slowest endpoints, P95",
                  [Query(f"topk(8, {quantile(0.95, LATENCY, 'endpoint')})", "{{endpoint}}")],
                  "Where the time goes.", unit="s"),
            Panel("Errors by endpoint", [Query(rate(SERVER_ERRORS, "endpoint, status"), "{{endpoint}} {{status}}")],
                  "Which endpoint answers with a 5xx.", unit="reqps", runbooks=["high-error-rate"]),
            Panel("Webhook bodies", [Query(rate("webhook_bodies_total", "outcome"), "{{outcome}}")],
                  "What Meta posts and what it was told. Silence in busy hours: look at Meta's side and the proxy.",
                  unit="reqps", stacked=True, runbooks=["intake-silent"]),
        ]),
        Row("From the webhook to the reply", [
            Panel("From webhook to reply", quantiles("answer_seconds"),
                  "From the arrival of a guest's message to WhatsApp's acceptance of the reply, with the pause in which"
                  " the agent lets a guest finish.", unit="s", warn=5, bad=60, runbooks=["answers-late"]),
            Panel("What waits", [
                Query("max(intake_lag_seconds)", "taken in"),
                Query("max(answers_lag_seconds)", "answered"),
                Query("max(outbox_lag_seconds)", "sent"),
            ], "How long the oldest body, answer and message have waited.",
                  unit="s", warn=10, bad=60, runbooks=["intake-lag", "answers-late", "outbox-stuck"]),
            Panel("Answers", [Query(rate("answers_total", "outcome"), "{{outcome}}")],
                  "Guests' messages by what became of them.", unit="ops", stacked=True),
            Panel("Sends", [Query(rate("sends_total", "outcome, code"), "{{outcome}} {{code}}")],
                  "What WhatsApp said to each message: 190 is an expired token, 130429 a rate limit.",
                  unit="ops", stacked=True,
                  runbooks=["sends-fail", "meta-token-expired", "rate-limit", "number-blocked"]),
            Panel("Left lying", [
                Query("max(webhook_failures_open)", "bodies that could not be taken in"),
                Query("max(outbox_unknown)", "sends of unknown outcome"),
                Query("sum(dead_letters) or vector(0)", "dead letters"),
                Query("max(lanes_stopped)", "numbers stopped"),
            ], "Work that went wrong and waits to be looked at, under Operations.",
                  warn=1, bad=10, runbooks=["dead-letters", "webhook-failures", "meta-token-expired"]),
            Panel("Jobs that wait", [Query("max by (queue) (queue_length)", "{{queue}}")],
                  "By queue. A queue that only grows has no workers left for it.", runbooks=["queue-lag"]),
        ]),
        Row("Connections, memory, disk", [
            Panel("Connections to PostgreSQL", [
                Query("sum(db_connections_active)", "in use"), Query("sum(db_connections_idle)", "idle"),
            ], "Of the pools of all processes.", runbooks=["pool-exhausted"]),
            Panel("Connections to Valkey", now("max(valkey_clients)", "clients"),
                  "Clients that are connected to Valkey."),
            Panel("Memory", [Query("sum by (process) (process_memory_bytes)", "{{process}}")],
                  "Resident memory by process.", unit="bytes", runbooks=["high-memory"]),
            Panel("Disk in use", [
                Query("1 - max by (path) (disk_free_bytes) / max by (path) (disk_size_bytes)", "{{path}}"),
            ], "Share of each disk that is taken.",
                  unit="percentunit", warn=0.8, bad=0.9, most=1, runbooks=["disk-full"]),
            Panel("Backup drill failed", now("max(backup_drill_failed) or vector(0)"),
                  "Whether the backup that was tried last could not be restored.",
                  kind="stat", width=4, words=YES_OR_NO, runbooks=["backup-drill-failed"]),
            Panel("Certificate's days left", now(
                "(min(certificate_expiry_timestamp_seconds) - time()) / 86400 or vector(365)"),
                  "Until the TLS certificate expires; 365 where its file is not watched (TLS_CERTIFICATE).",
                  kind="stat", width=4, warn=21, bad=14, runbooks=["certificate"]),
            Panel("What runs", now("max by (version, commit) (build_info)", "{{version}} {{commit}}"),
                  "The version and commit of each process that reports. Two at once: a deployment is under way.",
                  kind="table", runbooks=["rollback"]),
        ]),
    ],
)  # fmt: skip

PMS_CALLS = "pms_call_seconds_count"
PMS_ERRORS = 'pms_call_seconds_count{outcome!~"ok|refused"}'
CACHED = 'pms_cache_requests_total{layer=~"l1|l2"}'
ASKED = 'pms_cache_requests_total{layer=~"l1|l2|pms"}'

PMS = Dashboard(
    "hotel-pms",
    "Hotel agent: PMS",
    "The hotels' property-management systems as we see them through the one door to them.",
    [
        Row("Does it answer?", [
            Panel("Circuit breakers", [Query("max by (pms) (pms_circuit_breaker_state) or on () vector(0)", "{{pms}}")],
                  "Open: the system failed five times and is not asked; availability comes from the cache or guests are"
                  " told that a person will look. Half-open: one call tries.",
                  kind="state-timeline", width=12, words=BREAKER, runbooks=["breaker-open"]),
            Panel("Share of calls that fail", [Query(share(PMS_ERRORS, PMS_CALLS), "failed")],
                  "Neither answered nor refused for a reason: unreachable, too slow, in error, limited or at rest.",
                  unit="percentunit", width=6, warn=0.02, bad=0.1, runbooks=["breaker-open"]),
            Panel("Mirror's age", [Query("max by (hotel) (pms_mirror_age_seconds) or on () vector(0)", "{{hotel}}")],
                  "How long ago arrivals, departures and guests of each hotel were read from its system.",
                  unit="s", width=6, warn=300, bad=900, runbooks=["pms-mirror-old"]),
        ]),
        Row("Calls", [
            Panel("Time of a call", quantiles("pms_call_seconds"), "Of all operations, local rooms included.",
                  unit="s", warn=1, bad=5, runbooks=["breaker-open"]),
            Panel("P95 by operation", [Query(quantile(0.95, "pms_call_seconds", "operation"), "{{operation}}")],
                  "Writes may wait for others of the same hotel.", unit="s"),
            Panel("Calls a second", [Query(rate(PMS_CALLS, "operation"), "{{operation}}")],
                  "What is asked of the systems.", unit="ops", stacked=True),
            Panel("Errors by operation", [Query(rate(PMS_ERRORS, "operation, outcome"), "{{operation}} {{outcome}}")],
                  "unavailable: no or no usable answer; limited: more than it takes of us; open: at rest;"
                  " error: a fault of ours.", unit="ops", runbooks=["breaker-open"]),
            Panel("Refusals", [
                Query(rate('pms_call_seconds_count{outcome="refused"}', "operation"), "{{operation}}"),
            ], "The system is well and said no: no room left, or not that date.", unit="ops"),
            Panel("Asked again", [Query(rate("pms_retries_total", "operation"), "{{operation}}")],
                  "Questions that were put again as they were turned down at once. Writes never are.", unit="ops"),
        ]),
        Row("Cache of rooms and prices, for systems across the network", [
            Panel("Hit ratio", [Query(share(CACHED, ASKED), "answered from the cache")],
                  "Share of questions that no system had to be asked for; 0 while nothing is asked, as in hotels whose"
                  " rooms are our own.", unit="percentunit", most=1),
            Panel("Who answered", [Query(rate("pms_cache_requests_total", "layer"), "{{layer}}")],
                  "l1: the process's memory; l2: Valkey; pms: the system; stale: old words as it did not answer; fresh:"
                  " the system, as a booking needs it.", unit="ops", stacked=True),
            Panel("Stale answers", [Query(share('pms_cache_requests_total{layer="stale"}', "pms_cache_requests_total"),
                                          "stale")],
                  "Share of questions answered with old words while a system is away.",
                  unit="percentunit", warn=0.01, bad=0.2, runbooks=["breaker-open"]),
        ]),
        Row("Writes and differences", [
            Panel("Writes", [Query(rate("pms_writes_total", "operation, state"), "{{operation}} {{state}}")],
                  "Bookings, changes and cancellations asked of systems across the network, by what became of them.",
                  unit="ops"),
            Panel("Rooms sold twice", [Query("max by (hotel) (pms_conflicts) or on () vector(0)", "{{hotel}}")],
                  "Rooms that a system has sold twice. The hotel's people have been told.",
                  warn=1, bad=1, runbooks=["room-sold-twice"]),
            Panel("Records that make no sense", [Query(counted("pms_records_unread_total", "hotel"), "{{hotel}}")],
                  "Bookings of a system that could not be read in the last hour and are left out.", warn=1),
        ]),
    ],
)  # fmt: skip

ORCHESTRATOR = Dashboard(
    "hotel-orchestrator",
    "Hotel agent: orchestrator",
    "What guests want, how sure the agent is, and how fast and how often it answers by itself.",
    [
        Row("Understanding", [
            Panel("Intents", [Query(counted("intents_total", "intent"), "{{intent}}")],
                  "What guests wanted in the last hour.", kind="piechart", height=9),
            Panel("Confidence", [Query(counted("intent_confidence_bucket", "le"), "{{le}}")],
                  "How sure the engine was of the intent, in the last hour; each bar ends at its number.",
                  kind="bargauge", height=9),
            Panel("Confidence over time", [
                Query(quantile(0.5, "intent_confidence"), "P50"), Query(quantile(0.1, "intent_confidence"), "P10"),
                average("intent_confidence"),
            ], "A sudden fall: guests ask for something that the engine has never seen, or a model was exchanged.",
                  unit="percentunit", height=9, most=1),
            Panel("Languages", [Query(counted("intents_total", "language"), "{{language}}")],
                  "In the last hour.", kind="piechart"),
            Panel("Time to understand a message", quantiles("understanding_seconds"),
                  "Of the engine alone.", unit="s", warn=0.05),
            Panel("Intents a second", [Query(rate("intents_total", "intent"), "{{intent}}")],
                  "What guests want, over time.", unit="ops", stacked=True),
        ]),
        Row("Answering", [
            Panel("Share of fallbacks", [Query(share("fallbacks_total", "intents_total"), "fallbacks")],
                  "Which share of what was understood ended in asking the guest anew or in a person.",
                  unit="percentunit", warn=0.3),
            Panel("Fallbacks by reason", [Query(rate("fallbacks_total", "reason"), "{{reason}}")],
                  "Why the agent could not answer by itself.", unit="ops", stacked=True),
            Panel("Handed to a person", [Query(rate("handovers_total", "reason"), "{{reason}}")],
                  "By reason.", unit="ops", stacked=True),
            Panel("From webhook to reply", quantiles("answer_seconds"),
                  "From a message's arrival to WhatsApp's acceptance of the reply.",
                  unit="s", warn=5, bad=60, runbooks=["answers-late"]),
            Panel("Answers", [Query(rate("answers_total", "outcome"), "{{outcome}}")],
                  "Guests' messages by what became of them.", unit="ops", stacked=True),
            Panel("Answers held back", [Query(rate("answers_blocked_total", "kind"), "{{kind}}")],
                  "Answers that were not sent as a price, date or room in them is on no record.",
                  unit="ops", warn=0.0001, bad=0.0014, runbooks=["answers-blocked"]),
        ]),
        Row("Queues and workers", [
            Panel("Lag by queue", [Query("max by (queue) (queue_lag_seconds)", "{{queue}}")],
                  "Age of the oldest job that waits.", unit="s", warn=10, bad=60, runbooks=["queue-lag"]),
            Panel("Jobs that wait", [Query("max by (queue) (queue_length)", "{{queue}}")], "By queue."),
            Panel("Workers", now("max(workers_alive)", "alive"), "Worker processes that report.",
                  runbooks=["workers-gone"]),
            Panel("Jobs a second", [Query(rate("jobs_total", "outcome"), "{{outcome}}")],
                  "By outcome.", unit="ops", stacked=True),
            Panel("Time of a job, P95", [Query(f"topk(8, {quantile(0.95, 'job_seconds', 'name')})", "{{name}}")],
                  "The slowest kinds of job.", unit="s"),
            Panel("Dead letters", [Query("max by (queue) (dead_letters) or on () vector(0)", "{{queue}}")],
                  "Jobs that failed and wait to be looked at, under Operations.",
                  warn=1, bad=10, runbooks=["dead-letters"]),
        ]),
    ],
)  # fmt: skip

BY_INDEX, WHOLE = 'db_rows_read_total{by="index"}', 'db_rows_read_total{by="whole_table"}'
SCANS_BY_INDEX, SCANS_WHOLE = 'db_scans_total{by="index"}', 'db_scans_total{by="whole_table"}'

DATABASE = Dashboard(
    "hotel-database",
    "Hotel agent: database",
    "PostgreSQL as the program sees it: statements, pools, indexes.",
    [
        Row("Statements", [
            Panel("Time of a statement", quantiles("db_statement_seconds"),
                  "As the program waits for it, network included.", unit="s", warn=0.05, bad=0.1,
                  runbooks=["slow-queries"]),
            Panel("Statements a second", [Query(rate("db_statement_seconds_count"), "statements")],
                  "Of all processes.", unit="ops"),
            Panel("Slow statements", [Query(rate("db_slow_statements_total"), "over 100 ms")],
                  "Statements a second that took longer than 100 ms.",
                  unit="ops", warn=0.1, bad=1, runbooks=["slow-queries"]),
        ]),
        Row("Connection pools", [
            Panel("In use", [Query("sum by (process) (db_connections_active)", "{{process}}")],
                  "Connections that are lent out, by process.", stacked=True,
                  runbooks=["pool-exhausted"]),
            Panel("Idle", [Query("sum by (process) (db_connections_idle)", "{{process}}")],
                  "Connections that wait in the pool, by process.", stacked=True),
            Panel("Share in use", [
                Query(f"sum(db_connections_active) / clamp_min(sum(db_connections_active) + sum(db_connections_idle),"
                      f" {NOTHING})", "in use"),
            ], "Of all connections that are open.", kind="gauge", unit="percentunit", warn=0.8, bad=0.95, most=1,
                  runbooks=["pool-exhausted"]),
            Panel("Wait for a connection", quantiles("db_connection_wait_time_seconds"),
                  "How long a process waited until its pool gave it one.", unit="s", warn=0.1, bad=1,
                  runbooks=["pool-exhausted"]),
            Panel("Pool exhausted", [Query(counted("db_pool_exhausted_total", window="5m"), "times in 5 min")],
                  "How often nobody gave a connection back in time. The request or job failed.",
                  warn=1, bad=10, runbooks=["pool-exhausted"]),
            Panel("PostgreSQL", now("min(postgres_up) or vector(0)"), "Whether it answers.",
                  kind="stat", words=UP_OR_DOWN, runbooks=["postgres-down"]),
        ]),
        Row("Tables and indexes", [
            Panel("Rows found by index", [Query(share(BY_INDEX, "db_rows_read_total"), "by index")],
                  "Share of the rows read that an index led to. It falls when a query loses its index. Small tables are"
                  " rightly read whole.", unit="percentunit", most=1, runbooks=["slow-queries"]),
            Panel("Rows read without an index", [Query(f"topk(8, {rate(WHOLE, 'table')})", "{{table}}")],
                  "The tables that most rows are read of by going through the whole of them.",
                  unit="ops", runbooks=["slow-queries"]),
            Panel("Scans by index", [Query(f"topk(8, {rate(SCANS_BY_INDEX, 'table')})", "{{table}}")],
                  "The tables whose indexes are used most.", unit="ops"),
            Panel("Scans of whole tables", [Query(f"topk(8, {rate(SCANS_WHOLE, 'table')})", "{{table}}")],
                  "The tables that are most often gone through as a whole.", unit="ops"),
            Panel("Lock audit", now("max(lock_audit_rows)", "rows"),
                  "Rows that the trail of claims on rooms has been given so far."),
            Panel("Rows without a partition", now("max(default_partition_rows)", "rows"),
                  "Rows of a month for which there was no partition. None, as partitions are made ahead.",
                  warn=1, bad=1, runbooks=["partition-missing"]),
        ]),
    ],
)  # fmt: skip

COMMANDS, QUICK = rate("valkey_command_seconds_count"), rate('valkey_command_seconds_bucket{le="0.01"}')
SLOW_COMMANDS = f"(({COMMANDS}) - ({QUICK})) / clamp_min({COMMANDS}, {NOTHING})"
KEYS_FOUND, KEYS_MISSED = "valkey_keyspace_hits_total", "valkey_keyspace_misses_total"

REDIS = Dashboard(
    "hotel-redis",
    "Hotel agent: Redis (Valkey)",
    "Queues, caches, flags and news. All of it may be lost at any moment and is rebuilt from rows.",
    [
        Row("The server", [
            Panel("Valkey", now("min(valkey_up) or vector(0)"), "Whether it answers.",
                  kind="stat", width=4, words=UP_OR_DOWN, runbooks=["lost-valkey"]),
            Panel("Hit ratio", [
                Query(f"({rate(KEYS_FOUND)}) / clamp_min(({rate(KEYS_FOUND)}) + ({rate(KEYS_MISSED)}), {NOTHING})",
                      "found"),
            ], "Share of look-ups that found their key. Many look for what is rarely there, such as marks of a"
               " reminder: a low ratio is no alarm, a fall is a question.", unit="percentunit", width=10, most=1),
            Panel("Look-ups", [Query(rate(KEYS_FOUND), "found"), Query(rate(KEYS_MISSED), "not there")],
                  "Keys a second that were there, and that were not.", unit="ops", width=10, stacked=True),
            Panel("Memory", [
                Query("max(valkey_memory_used_bytes)", "used"), Query("max(valkey_memory_max_bytes)", "allowed"),
            ], "What is used, and what maxmemory allows: 0 is as much as there is.",
                  unit="bytes", runbooks=["valkey-memory"]),
            Panel("Evictions", [Query(rate("valkey_evictions_total"), "keys")],
                  "Keys a second thrown out to make room. More than none: queues may lose jobs, which the sweeps bring"
                  " back; give it memory.", unit="ops", warn=0.001, bad=1, runbooks=["valkey-memory"]),
            Panel("Connections", now("max(valkey_clients)", "clients"), "Clients that are connected."),
        ]),
        Row("Our commands", [
            Panel("Time of a command", quantiles("valkey_command_seconds"),
                  "As the program waits for it, network included; commands that wait by design are left out.",
                  unit="s", warn=0.005, bad=0.05, runbooks=["lost-valkey"]),
            Panel("Commands a second", [Query(rate("valkey_command_seconds_count"), "commands")],
                  "Of all processes.", unit="ops"),
            Panel("Slow commands", [Query(SLOW_COMMANDS, "over 10 ms")],
                  "Share of commands that took longer than 10 ms.", unit="percentunit", warn=0.01),
        ]),
        Row("Caches and queues in it", [
            Panel("Caches: found", [Query(rate("cache_hits_total", "cache"), "{{cache}}")],
                  "Questions that a cache of the program could answer.", unit="ops", stacked=True),
            Panel("Caches: not found", [Query(rate("cache_misses_total", "cache"), "{{cache}}")],
                  "Questions that went on to the database or a PMS.", unit="ops", stacked=True),
            Panel("Jobs that wait", [Query("max by (queue) (queue_length) or on () vector(0)", "{{queue}}")],
                  "By queue.", runbooks=["queue-lag"]),
        ]),
    ],
)  # fmt: skip

WINDOWS = ("5m", "30m", "1h", "6h", "3d")
# Each objective by its name in ops/prometheus/rules/slo.yml, and the share that may be otherwise in 30 days.
AVAILABILITY, QUICKNESS, ANSWERS = "availability", "latency", "answers"
ALLOWED = {AVAILABILITY: 0.005, QUICKNESS: 0.05, ANSWERS: 0.05}


def kept(objective: str, title: str, meaning: str) -> Panel:
    aim = 1 - ALLOWED[objective]
    return Panel(title, now(f"1 - slo:{objective}:errors_ratio_30d"), meaning, kind="stat", unit="percentunit",
                 height=4, warn=aim + ALLOWED[objective] / 5, bad=aim, runbooks=["slo-burn"])  # fmt: skip


def left(objective: str, title: str) -> Panel:
    return Panel(title, now(f"slo:{objective}:budget_left"),
                 "Share of what may go wrong in 30 days that has not gone wrong yet; below 0 the objective is missed.",
                 kind="gauge", unit="percentunit", height=6, warn=0.5, bad=0.1, most=1,
                 runbooks=["slo-burn"])  # fmt: skip


def burning(objective: str, title: str) -> Panel:
    """1 uses the budget up in 30 days, 14.4 in two."""
    return Panel(title, [
        Query(f"slo:{objective}:errors_ratio_{window} / {ALLOWED[objective]}", window) for window in WINDOWS
    ], "How many times as fast as it may the budget is used, over each window. Alerts fire where a long and a short"
       " window are both above 14.4, 6 or 1.", warn=6, bad=14.4, runbooks=["slo-burn"])  # fmt: skip


SLO = Dashboard(
    "hotel-slo",
    "Hotel agent: objectives",
    "What is promised in docs/slo.md, whether it is kept, and how much may still go wrong in the 30 days.",
    [
        Row("Kept in the last 30 days", [
            kept(AVAILABILITY, "Requests that did not fail", "Answered with anything but a 5xx; at least 99.5 %."),
            kept(QUICKNESS, "Requests within 200 ms", "Of those that do not stay open; at least 95 %."),
            kept(ANSWERS, "Replies within 5 s", "From a guest's message to WhatsApp's acceptance; at least 95 %."),
        ]),
        Row("Budget left", [
            left(AVAILABILITY, "Of failures"), left(QUICKNESS, "Of slow requests"), left(ANSWERS, "Of slow replies"),
        ]),
        Row("How fast it is used", [
            burning(AVAILABILITY, "Failures"), burning(QUICKNESS, "Slow requests"), burning(ANSWERS, "Slow replies"),
        ]),
        Row("Indicators", [
            Panel("Share of failures", [
                Query("slo:availability:errors_ratio_5m", "5 min"), Query("slo:availability:errors_ratio_1h", "1 h"),
            ], "Requests answered with a 5xx; at most 0.5 %.",
                  unit="percentunit", warn=0.005, bad=0.05, runbooks=["high-error-rate"]),
            Panel("P95 of a request", [Query(quantile(0.95, LATENCY), "P95")], "At most 200 ms.",
                  unit="s", warn=0.2, bad=0.5, runbooks=["high-latency"]),
            Panel("P95 of a reply", [Query(quantile(0.95, "answer_seconds"), "P95")], "At most 5 s.",
                  unit="s", warn=5, bad=60, runbooks=["answers-late"]),
        ]),
    ],
    span="now-7d",
)  # fmt: skip

BOOKED = 'pms_call_seconds_count{operation="book",outcome="ok"}'

BUSINESS = Dashboard(
    "hotel-business",
    "Hotel agent: business",
    "What the agent does for the hotels: questions answered, rooms held and booked, work left to people.",
    [
        Row("Today", [
            stat("Messages in 24 h", counted("answers_total", window="24h"),
                 "Guests' messages that were answered or handed over."),
            stat("By the agent alone", share('answers_total{outcome="answered"}', "answers_total", "24h"),
                 "Share of guests' messages that nobody had to look at.", unit="percentunit"),
            stat("Bookings in 24 h", "max(bookings_of_the_day)", "Made by the agent, the desk and other programs."),
            stat("Rooms on hold", "max(holds_active)", "Rooms held for guests who are deciding."),
            stat("Wait for a person", "max(conversations_waiting)", "Conversations that a colleague has to look at."),
            stat("Questions nobody could answer", counted("missing_answers_total", window="24h"),
                 "In 24 h: what the hotel's knowledge lacks, listed under Missing answers."),
            stat("Staff at work", "max(staff_online)",
                 "People of the hotels who looked at a page in the last quarter of an hour."),
            stat("Requests open", "max(guest_requests_open)", "What guests have asked the house for, and is not done."),
        ]),
        Row("Guests", [
            Panel("What guests want", [Query(counted("intents_total", "intent", "24h"), "{{intent}}")],
                  "In 24 h.", kind="piechart", height=9),
            Panel("In which language", [Query(counted("intents_total", "language", "24h"), "{{language}}")],
                  "In 24 h.", kind="piechart", height=9),
            Panel("Messages an hour", [Query(counted("inbound_items_total", "kind"), "{{kind}}")],
                  "What guests and WhatsApp sent in the hour before.", height=9, stacked=True),
            Panel("Answered, handed over", [Query(counted("answers_total", "outcome"), "{{outcome}}")],
                  "Guests' messages in the hour before by what became of them.", stacked=True),
            Panel("Why people had to look", [Query(counted("handovers_total", "reason"), "{{reason}}")],
                  "Conversations handed over in the hour before.", stacked=True),
            Panel("Requests for the house", [Query(counted("guest_requests_total", "kind"), "{{kind}}")],
                  "What guests asked people of a hotel to do, in the hour before.", stacked=True),
        ]),
        Row("Rooms", [
            Panel("Bookings an hour", [Query(counted(BOOKED), "bookings")],
                  "Made and read back in the hour before."),
            Panel("Holds an hour", [Query(counted("holds_total", "outcome"), "{{outcome}}")],
                  "By what became of them; taken: somebody was faster.", stacked=True),
            Panel("Rooms on hold", now("max(holds_active)", "rooms"), "Held for guests who are deciding."),
            Panel("Holds kept past their time", now("max(holds_overdue_seconds)", "longest"),
                  "How long the most overdue hold has been kept from other guests.",
                  unit="s", warn=60, bad=180, runbooks=["hold-expiry-late"]),
            Panel("Bookings, changes, cancellations", [
                Query(counted('pms_call_seconds_count{operation=~"book|change|cancel",outcome="ok"}', "operation"),
                      "{{operation}}"),
            ], "Done in the hour before, by the agent and by the desk."),
            Panel("Rooms sold twice", [Query("max by (hotel) (pms_conflicts) or on () vector(0)", "{{hotel}}")],
                  "By hotel.", warn=1, bad=1, runbooks=["room-sold-twice"]),
        ]),
        Row("The hotel's own messages, people, switches", [
            Panel("Messages of the hotel's own account",
                  [Query(counted("proactive_messages_total", "kind, outcome"), "{{kind}} {{outcome}}")],
                  "Reminders, thanks and the like in the hour before.", stacked=True),
            Panel("Drafts for colleagues", [Query(counted("drafts_total", "outcome"), "{{outcome}}")],
                  "Answers proposed to people in the hour before, and what they did with them.", stacked=True),
            Panel("Sign-ins", [Query(counted("sign_ins_total", "outcome"), "{{outcome}}")],
                  "In the hour before. Many failures: somebody guesses passwords.", stacked=True,
                  runbooks=["rate-limit"]),
            Panel("Switches", [Query("max by (flag) (flag_on) or on () vector(0)", "{{flag}}")],
                  "Which flags are on for everybody. `agent` off: the agent is silent.",
                  kind="state-timeline", width=24, height=9, words=ON_OR_OFF),
        ]),
    ],
    span="now-24h",
)  # fmt: skip

ALL = (OVERVIEW, PMS, ORCHESTRATOR, DATABASE, REDIS, SLO, BUSINESS)
