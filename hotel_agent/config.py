"""Settings, read once from the environment and `.env`, typed, refused at start with the variable's name."""

from __future__ import annotations

import os
import secrets
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from dotenv import dotenv_values
from pydantic import BeforeValidator, Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from hotel_agent.errors import ConfigurationError

GRAPH_URL = "https://graph.facebook.com/v26.0"
MOST_MONTHS = 1200
# After a restore the audit log tells who was erased meanwhile, and the oldest backup is a year old.
FEWEST_AUDIT_MONTHS = 13


def _for_ever(value: Any) -> Any:
    return None if isinstance(value, str) and value.strip().lower() == "never" else value


# For how many whole months rows are kept at least; `never` means that they never go.
Months = Annotated[int | None, BeforeValidator(_for_ever)]


class Settings(BaseSettings):
    """The installation's settings; the names and meanings are those of the README's table."""

    model_config = SettingsConfigDict(extra="ignore", case_sensitive=False)

    app_env: Literal["production", "demo", "test"] = "production"
    database_url: str
    redis_url: str
    secret_key: str = Field(min_length=16)
    public_url: str = "http://127.0.0.1:8000"
    port: int = Field(8000, ge=1, le=65535)

    whatsapp_api_url: str | None = None
    whatsapp_access_token: str | None = None
    whatsapp_app_secret: str | None = None
    whatsapp_verify_token: str | None = None

    answer_pause_seconds: float = Field(1.2, ge=0)
    hold_seconds: int = Field(900, ge=1)
    session_seconds: int = Field(1800, ge=1)
    unknown_send_seconds: float = Field(120, ge=0)
    messages_months: Months = Field(25, ge=1, le=MOST_MONTHS)
    media_months: Months = Field(13, ge=1, le=MOST_MONTHS, validate_default=False)
    inbound_events_months: int = Field(13, ge=1, le=MOST_MONTHS, validate_default=False)
    sessions_months: int = Field(2, ge=1, le=MOST_MONTHS)
    audit_log_months: Months = Field(37, ge=FEWEST_AUDIT_MONTHS, le=MOST_MONTHS)
    lock_audit_months: Months = Field(None, ge=1, le=MOST_MONTHS)
    pms_rows_months: int = Field(13, ge=1, le=MOST_MONTHS)

    faults: str | None = None
    intake_most_bytes: int = Field(64 * 1024 * 1024, ge=4 * 1024 * 1024)
    intake_most_waiting: int = Field(2000, ge=1)
    intake_most_backlog: int = Field(200_000, ge=1)
    api_most_waiting: int = Field(64, ge=1)
    most_streams: int = Field(400, ge=1)
    sign_in_rate: str = "120 per minute"
    api_rate: str = "6000 per minute"

    pms_private_addresses: bool | None = None
    pms_reset_seconds: float = Field(30, gt=0)
    guest_email_domain: str | None = None

    translation_url: str | None = None
    translation_key: str | None = None

    postgres_pool_size: int = Field(10, ge=1)
    postgres_max_overflow: int = Field(10, ge=0)
    postgres_pool_timeout: float = Field(5, gt=0)
    postgres_pool_recycle: int = 3600
    redis_pool_size: int = Field(20, ge=1)
    web_workers: int = Field(2, ge=1)
    workers: int = Field(2, ge=1)

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "console"] = "json"
    metrics_token: str | None = None
    metrics_port: int | None = Field(None, ge=1, le=65535)
    tls_certificate: str | None = None
    backup_dir: str | None = None
    backup_key: str | None = Field(None, min_length=16)
    backup_scratch_url: str | None = None
    backup_s3_endpoint: str | None = None
    backup_s3_bucket: str | None = None
    backup_s3_access_key: str | None = None
    backup_s3_secret_key: str | None = None
    backup_s3_region: str = "us-east-1"
    backup_s3_prefix: str = ""
    otel_exporter_otlp_endpoint: str | None = None
    staff_idle_seconds: int = Field(8 * 3600, ge=60)
    staff_session_seconds: int = Field(7 * 24 * 3600, ge=300)
    password_length: int = Field(15, ge=8, le=64)
    trusted_proxies: int = Field(0, ge=0, le=10)
    demo_staff_password: str | None = None

    @field_validator("faults")
    @classmethod
    def _only_where_nobody_lives(cls, told: str | None, others: ValidationInfo) -> str | None:
        if told and others.data.get("app_env", "production") == "production":
            raise ValueError("faults on purpose are refused in production")
        if told:
            from hotel_agent.faults import read

            read(told)
        return told

    @model_validator(mode="before")
    @classmethod
    def _empty_means_unset(cls, values: dict[str, object]) -> dict[str, object]:
        return {name: value for name, value in values.items() if value != ""}

    @field_validator("sign_in_rate", "api_rate")
    @classmethod
    def _is_a_rate(cls, rate: str) -> str:
        from limits import parse_many

        try:
            parse_many(rate)
        except ValueError:
            raise ValueError("this is no rate; write for example `120 per minute` or `20/second;600/minute`") from None
        return rate

    @field_validator("media_months", "inbound_events_months")
    @classmethod
    def _no_longer_than_messages(cls, months: int | None, others: ValidationInfo) -> int | None:
        messages = others.data.get("messages_months")
        if messages is not None and (months is None or months > messages):
            raise ValueError(f"longer than MESSAGES_MONTHS ({messages}), after which nothing of what was said is kept")
        return months

    @property
    def media_kept_months(self) -> int | None:
        """For how long files are kept: a setting of messages' own may be shorter than the default for files."""
        return min((months for months in (self.media_months, self.messages_months) if months), default=None)

    @property
    def bodies_kept_months(self) -> int:
        """For how long raw bodies are kept, in which every message stands once more."""
        return min(self.inbound_events_months, self.messages_months or MOST_MONTHS)

    @property
    def is_demo(self) -> bool:
        return self.app_env == "demo"

    @property
    def backup_folder(self) -> Path:
        """Where dumps go: the setting, else beside the demo's data."""
        data_dir = os.environ.get("DATA_DIR") or str(Path(__file__).resolve().parent.parent / "var" / "demo")
        return Path(self.backup_dir or Path(data_dir) / "backups").expanduser().resolve()

    @property
    def is_https(self) -> bool:
        return self.public_url.startswith("https://")

    @property
    def graph_url(self) -> str:
        """Where replies go: the setting; in the demo the stand-in behind `/simulator`; else Meta."""
        if self.whatsapp_api_url:
            return self.whatsapp_api_url.rstrip("/")
        return f"{self.own_url}/simulator/graph/v26.0" if self.is_demo else GRAPH_URL

    @property
    def own_url(self) -> str:
        """This installation's web process as its own machine reaches it."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def may_ask_private_addresses(self) -> bool:
        """Whether a hotel's PMS may be inside this network; in production only where the setting says so."""
        return self.app_env != "production" if self.pms_private_addresses is None else self.pms_private_addresses

    @property
    def hears_replies_itself(self) -> bool:
        """True where `/simulator` can show what the agent answers."""
        return self.is_demo and self.whatsapp_api_url is None

    @property
    def sqlalchemy_url(self) -> str:
        scheme, _, rest = self.database_url.partition("://")
        return f"postgresql+psycopg://{rest}" if scheme in ("postgres", "postgresql") else self.database_url


@lru_cache
def settings() -> Settings:
    """The settings of this process. Raises ConfigurationError that names each bad variable."""
    fill_environment()
    if os.environ.get("APP_ENV") == "test":
        os.environ.setdefault("SECRET_KEY", secrets.token_urlsafe(32))
    try:
        return Settings()
    except ValidationError as error:
        lines = [f"{str(part['loc'][0]).upper()}: {part['msg']}" for part in error.errors()]
        raise ConfigurationError("; ".join(lines) + ". See the settings table in README.md.") from None


def configured() -> Settings | None:
    """The settings, for what works without any too: a client of its own, a tool."""
    try:
        return settings()
    except ConfigurationError:
        return None


def fill_environment() -> None:
    """Fill in what the environment leaves unset: from `.env`, then from the demo's own file."""
    root = Path(__file__).resolve().parent.parent
    data_dir = os.environ.get("DATA_DIR") or str(root / "var" / "demo")
    for path in (Path(".env"), Path(data_dir) / "env"):
        for name, value in dotenv_values(path).items():
            if value and not os.environ.get(name):
                os.environ[name] = value
