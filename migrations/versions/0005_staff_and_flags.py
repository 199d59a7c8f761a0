"""Staff accounts, API tokens and feature flags."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE staff (
    id SERIAL NOT NULL,
    email TEXT NOT NULL,
    name TEXT DEFAULT '' NOT NULL,
    password_hash TEXT,
    disabled_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_staff PRIMARY KEY (id),
    CONSTRAINT uq_staff_email UNIQUE (email)
);

CREATE TABLE staff_hotels (
    staff_id INTEGER NOT NULL,
    hotel_id INTEGER NOT NULL,
    role TEXT NOT NULL,
    CONSTRAINT pk_staff_hotels PRIMARY KEY (staff_id, hotel_id),
    CONSTRAINT fk_staff_hotels_staff_id FOREIGN KEY(staff_id) REFERENCES staff (id) ON DELETE CASCADE,
    CONSTRAINT fk_staff_hotels_hotel_id FOREIGN KEY(hotel_id) REFERENCES hotels (id) ON DELETE CASCADE
);

CREATE TABLE api_tokens (
    id SERIAL NOT NULL,
    hotel_id INTEGER NOT NULL,
    name TEXT DEFAULT '' NOT NULL,
    token_hash TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    revoked_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_api_tokens PRIMARY KEY (id),
    CONSTRAINT fk_api_tokens_hotel_id FOREIGN KEY(hotel_id) REFERENCES hotels (id) ON DELETE CASCADE,
    CONSTRAINT uq_api_tokens_token_hash UNIQUE (token_hash)
);
CREATE INDEX ix_api_tokens_hotel_id ON api_tokens (hotel_id);

CREATE TABLE feature_flags (
    id SERIAL NOT NULL,
    key TEXT NOT NULL,
    hotel_id INTEGER,
    enabled BOOLEAN NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_feature_flags PRIMARY KEY (id),
    CONSTRAINT uq_feature_flags_key_hotel_id UNIQUE NULLS NOT DISTINCT (key, hotel_id),
    CONSTRAINT fk_feature_flags_hotel_id FOREIGN KEY(hotel_id) REFERENCES hotels (id) ON DELETE CASCADE
);
"""


def upgrade() -> None:
    op.execute(TABLES)


def downgrade() -> None:
    op.execute("drop table feature_flags")
    op.execute("drop table api_tokens")
    op.execute("drop table staff_hotels")
    op.execute("drop table staff")
