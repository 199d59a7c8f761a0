"""Guests and the identities by which they are known."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE guests (
    id SERIAL NOT NULL,
    hotel_id INTEGER NOT NULL,
    name TEXT,
    name_at TIMESTAMP WITH TIME ZONE,
    language TEXT,
    opted_out_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_guests PRIMARY KEY (id),
    CONSTRAINT fk_guests_hotel_id FOREIGN KEY(hotel_id) REFERENCES hotels (id) ON DELETE CASCADE
);
CREATE INDEX ix_guests_hotel_id ON guests (hotel_id);

CREATE TABLE guest_identities (
    id SERIAL NOT NULL,
    hotel_id INTEGER NOT NULL,
    guest_id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    wire TEXT NOT NULL,
    retired_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_guest_identities PRIMARY KEY (id),
    CONSTRAINT fk_guest_identities_hotel_id FOREIGN KEY(hotel_id) REFERENCES hotels (id) ON DELETE CASCADE,
    CONSTRAINT fk_guest_identities_guest_id FOREIGN KEY(guest_id) REFERENCES guests (id) ON DELETE CASCADE
);
CREATE INDEX ix_guest_identities_value ON guest_identities (hotel_id, value);
CREATE INDEX ix_guest_identities_guest_id ON guest_identities (guest_id);
CREATE UNIQUE INDEX uq_guest_identities_live ON guest_identities (hotel_id, kind, value) WHERE retired_at is null;
"""


def upgrade() -> None:
    op.execute(TABLES)


def downgrade() -> None:
    op.execute("drop table guest_identities")
    op.execute("drop table guests")
