"""A hotel whose rooms are kept here: seasons, days on which nothing is sold, rooms out of order, taxes, clean rooms."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE seasons (
    id SERIAL NOT NULL,
    hotel_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    first_night DATE NOT NULL,
    last_night DATE NOT NULL,
    weekdays SMALLINT[] DEFAULT '{1,2,3,4,5,6,7}' NOT NULL,
    prices JSONB DEFAULT '{}' NOT NULL,
    min_stay SMALLINT,
    CONSTRAINT pk_seasons PRIMARY KEY (id),
    CONSTRAINT uq_seasons_hotel_id_name UNIQUE (hotel_id, name),
    CONSTRAINT ck_seasons_nights CHECK (first_night <= last_night),
    CONSTRAINT ck_seasons_min_stay CHECK (min_stay >= 1),
    CONSTRAINT fk_seasons_hotel_id FOREIGN KEY(hotel_id) REFERENCES hotels (id) ON DELETE CASCADE
);

CREATE TABLE closures (
    id SERIAL NOT NULL,
    hotel_id INTEGER NOT NULL,
    room_type_id INTEGER,
    kind TEXT NOT NULL,
    first_day DATE NOT NULL,
    last_day DATE NOT NULL,
    reason TEXT DEFAULT '' NOT NULL,
    CONSTRAINT pk_closures PRIMARY KEY (id),
    CONSTRAINT ck_closures_kind CHECK (kind in ('sale', 'arrival', 'departure')),
    CONSTRAINT ck_closures_days CHECK (first_day <= last_day),
    CONSTRAINT fk_closures_hotel_id FOREIGN KEY(hotel_id) REFERENCES hotels (id) ON DELETE CASCADE,
    CONSTRAINT fk_closures_room_type_id FOREIGN KEY(room_type_id) REFERENCES room_types (id) ON DELETE CASCADE
);
CREATE INDEX ix_closures_hotel_id ON closures (hotel_id, last_day);
CREATE INDEX ix_closures_room_type_id ON closures (room_type_id);

CREATE TABLE room_outages (
    id SERIAL NOT NULL,
    hotel_id INTEGER NOT NULL,
    room_id INTEGER NOT NULL,
    first_night DATE NOT NULL,
    until DATE,
    reason TEXT DEFAULT '' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_room_outages PRIMARY KEY (id),
    CONSTRAINT ck_room_outages_nights CHECK (first_night < until),
    CONSTRAINT fk_room_outages_hotel_id FOREIGN KEY(hotel_id) REFERENCES hotels (id) ON DELETE CASCADE,
    CONSTRAINT fk_room_outages_room_id FOREIGN KEY(room_id) REFERENCES rooms (id) ON DELETE CASCADE
);
CREATE INDEX ix_room_outages_hotel_id ON room_outages (hotel_id, until);
CREATE INDEX ix_room_outages_room_id ON room_outages (room_id, until);
"""

COLUMNS = """
ALTER TABLE rates
    ADD COLUMN seasonal BOOLEAN DEFAULT false NOT NULL,
    ADD COLUMN standing NUMERIC(12, 2),
    ADD COLUMN min_stay SMALLINT,
    ADD CONSTRAINT ck_rates_standing CHECK (standing is null or seasonal) NOT VALID;
ALTER TABLE rooms
    ADD COLUMN housekeeping TEXT DEFAULT 'clean' NOT NULL,
    ADD CONSTRAINT ck_rooms_housekeeping CHECK (housekeeping in ('clean', 'dirty', 'inspected')) NOT VALID;
ALTER TABLE reservations
    ADD COLUMN net NUMERIC(12, 2),
    ADD COLUMN tax NUMERIC(12, 2),
    ADD COLUMN tax_percent NUMERIC(5, 2);
"""
VALID = """
ALTER TABLE rates VALIDATE CONSTRAINT ck_rates_standing;
ALTER TABLE rooms VALIDATE CONSTRAINT ck_rooms_housekeeping;
"""

# The rows of `room_outages` say which rooms are out of order. The column says it of those that were so before, and of
# those that somebody sets so by SQL: until it is dropped, whatever is written there becomes a row, or ends one.
OUT_OF_ORDER = """
INSERT INTO room_outages (hotel_id, room_id, first_night, reason)
SELECT hotel_id, id, current_date, '' FROM rooms WHERE out_of_order;

CREATE FUNCTION note_room_out_of_order() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    IF new.out_of_order THEN
        INSERT INTO room_outages (hotel_id, room_id, first_night) VALUES (new.hotel_id, new.id, current_date);
    ELSIF TG_OP = 'UPDATE' THEN
        DELETE FROM room_outages WHERE room_id = new.id AND until IS NULL AND first_night >= current_date;
        UPDATE room_outages SET until = current_date WHERE room_id = new.id AND until IS NULL;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER rooms_out_of_order_are_noted AFTER INSERT ON rooms FOR EACH ROW
    WHEN (new.out_of_order) EXECUTE FUNCTION note_room_out_of_order();
CREATE TRIGGER rooms_out_of_order_are_noted_anew AFTER UPDATE OF out_of_order ON rooms FOR EACH ROW
    WHEN (old.out_of_order IS DISTINCT FROM new.out_of_order) EXECUTE FUNCTION note_room_out_of_order();
"""

# The live claims of one hotel within some nights, answered without looking at the claims themselves.
INDEXES = {
    "ix_reservation_locks_hotel_nights": (
        "reservation_locks USING gist (hotel_id, daterange(check_in, check_out))"
        " INCLUDE (resource_id, check_in, check_out, status, expires_at) WHERE status in ('active', 'booked')"
    ),
    "ix_reservations_hotel_check_out": "reservations (hotel_id, check_out)",
}

UNDO = """
DROP TRIGGER rooms_out_of_order_are_noted_anew ON rooms;
DROP TRIGGER rooms_out_of_order_are_noted ON rooms;
DROP FUNCTION note_room_out_of_order();
ALTER TABLE reservations DROP COLUMN net, DROP COLUMN tax, DROP COLUMN tax_percent;
ALTER TABLE rooms DROP COLUMN housekeeping;
DELETE FROM rates WHERE seasonal AND standing IS NULL;
UPDATE rates SET price = standing WHERE seasonal;
ALTER TABLE rates DROP COLUMN seasonal, DROP COLUMN standing, DROP COLUMN min_stay;
DROP TABLE room_outages, closures, seasons;
"""


def upgrade() -> None:
    for statements in (TABLES, COLUMNS, OUT_OF_ORDER):
        op.execute(statements)
    with op.get_context().autocommit_block():
        op.execute(VALID)
        for name, what in INDEXES.items():
            op.execute(f"create index concurrently if not exists {name} on {what}")


def downgrade() -> None:
    for name in INDEXES:
        op.execute(f"DROP INDEX {name}")
    op.execute(UNDO)
