"""Tenants: hotels, their numbers, extras and knowledge."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE hotels (
    id SERIAL NOT NULL,
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    timezone TEXT DEFAULT 'Europe/Madrid' NOT NULL,
    country TEXT DEFAULT 'ES' NOT NULL,
    currency TEXT DEFAULT 'EUR' NOT NULL,
    language TEXT DEFAULT 'es' NOT NULL,
    check_in_time TIME WITHOUT TIME ZONE DEFAULT '15:00' NOT NULL,
    check_out_time TIME WITHOUT TIME ZONE DEFAULT '11:00' NOT NULL,
    front_desk_opens TIME WITHOUT TIME ZONE,
    front_desk_closes TIME WITHOUT TIME ZONE,
    free_cancellation_hours INTEGER DEFAULT '48' NOT NULL,
    longest_stay_nights INTEGER DEFAULT '30' NOT NULL,
    largest_party INTEGER DEFAULT '20' NOT NULL,
    pms TEXT DEFAULT 'local' NOT NULL,
    settings JSONB DEFAULT '{}' NOT NULL,
    whatsapp_app_secret TEXT,
    whatsapp_access_token TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_hotels PRIMARY KEY (id),
    CONSTRAINT uq_hotels_slug UNIQUE (slug)
);

CREATE TABLE tenant_user_identifiers (
    id SERIAL NOT NULL,
    hotel_id INTEGER NOT NULL,
    channel TEXT NOT NULL,
    identifier_value TEXT NOT NULL,
    paused_until TIMESTAMP WITH TIME ZONE,
    stopped_at TIMESTAMP WITH TIME ZONE,
    stopped_reason TEXT,
    stopped_token TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_tenant_user_identifiers PRIMARY KEY (id),
    CONSTRAINT uq_tenant_user_identifiers_channel_identifier_value UNIQUE (channel, identifier_value),
    CONSTRAINT fk_tenant_user_identifiers_hotel_id FOREIGN KEY(hotel_id) REFERENCES hotels (id) ON DELETE CASCADE
);
CREATE INDEX idx_tenant_identifiers_lookup ON tenant_user_identifiers (identifier_value, channel);
CREATE INDEX ix_tenant_user_identifiers_hotel_id ON tenant_user_identifiers (hotel_id);

CREATE TABLE extras (
    id SERIAL NOT NULL,
    hotel_id INTEGER NOT NULL,
    code TEXT NOT NULL,
    price NUMERIC(12, 2) NOT NULL,
    unit TEXT NOT NULL,
    until TIME WITHOUT TIME ZONE,
    CONSTRAINT pk_extras PRIMARY KEY (id),
    CONSTRAINT uq_extras_hotel_id_code UNIQUE (hotel_id, code),
    CONSTRAINT fk_extras_hotel_id FOREIGN KEY(hotel_id) REFERENCES hotels (id) ON DELETE CASCADE
);

CREATE TABLE knowledge (
    id SERIAL NOT NULL,
    hotel_id INTEGER NOT NULL,
    topic TEXT NOT NULL,
    language TEXT NOT NULL,
    text TEXT NOT NULL,
    payload JSONB DEFAULT '{}' NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_knowledge PRIMARY KEY (id),
    CONSTRAINT uq_knowledge_hotel_id_topic_language UNIQUE (hotel_id, topic, language),
    CONSTRAINT fk_knowledge_hotel_id FOREIGN KEY(hotel_id) REFERENCES hotels (id) ON DELETE CASCADE
);
"""


def upgrade() -> None:
    op.execute(TABLES)


def downgrade() -> None:
    op.execute("drop table knowledge")
    op.execute("drop table extras")
    op.execute("drop table tenant_user_identifiers")
    op.execute("drop table hotels")
