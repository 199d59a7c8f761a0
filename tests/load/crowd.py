"""A busy year of Hotel Miramar: `python -m tests.load.crowd DATABASE_URL [--conversations N] [--messages N]`.

Fills a migrated database that has the demo hotel with guests, conversations, messages in three languages, notes,
events, bookings and lost sends, dated over the last year, and analyses it. By default 100,000 conversations and
1,000,000 messages, in a couple of minutes. The same numbers give the same crowd.
"""

from __future__ import annotations

import argparse
import time
from datetime import UTC, date, datetime, timedelta
from typing import Any, LiteralString

import psycopg

CONVERSATIONS, MESSAGES = 100_000, 1_000_000
DAYS = 360

FIRST_NAMES = (
    "María José Antonio Carmen Lucía Javier Ana Miguel Íñigo Begoña Álvaro Inés Raúl Sofía Nuria Óscar Pilar Andrés"
    " Martín Adrián Noelia Ángela Jesús Mónica Héctor Verónica Joaquín Rocío Julián Elena Tomás Irene John Emily"
    " William Charlotte James Olivia Harry Sophie George Amelia Siobhán Zoë Chloë Thomas João Inês Gonçalo Beatriz"
    " Luís Catarina Tiago Mafalda Simão Conceição Anaïs Jürgen Björn Søren Łukasz Renée François Giulia Matteo"
).split()
LAST_NAMES = (
    "García López Martínez Sánchez Pérez Gómez Fernández Muñoz Núñez Álvarez Jiménez Ruiz Hernández Díaz Moreno"
    " Romero Alonso Gutiérrez Navarro Torres Domínguez Vázquez Ramos Gil Ramírez Serrano Blanco Molina Suárez Ortega"
    " Delgado Castro Ortiz Rubio Marín Sanz Iglesias Peña Cortés Castillo Smith Jones Taylor Brown Williams Wilson"
    " O'Brien Walker Wright Thompson White Hughes Edwards Silva Santos Ferreira Pereira Oliveira Costa Rodrigues"
    " Gonçalves Araújo Müller Lindström Nowak Dupont Rossi Bianchi"
).split()
# Said by guests; {n} is a number, {day} a day, {word} something that few others say.
ASKED = {
    "es": (
        "Hola",
        "Hola, buenas tardes",
        "¿Tienen habitación libre del {day} para {n} personas?",
        "¿A qué hora es el desayuno?",
        "¿Tienen parking? Llegamos en coche",
        "Quería saber si admiten mascotas",
        "Gracias",
        "Perfecto, muchas gracias",
        "Necesito una factura con el número {word}",
        "¿Puedo dejar las maletas después de la salida?",
        "La habitación está muy fría y la calefacción no funciona",
        "Me he dejado un cargador en la habitación {n}",
        "¿Cuál es la contraseña del wifi?",
        "Sí, resérvela por favor",
        "No, mejor una doble con vistas al mar",
        "¿Hay piscina? Vamos con niños pequeños",
        "Llegaremos tarde, sobre las {n} de la noche, ¿hay alguien en recepción?",
        "Quiero cambiar las fechas de mi reserva, mi localizador es {word}",
        "¿El aeropuerto queda lejos? ¿Hay traslado?",
        "Quiero hablar con una persona, por favor",
        "Mi mujer es celíaca, ¿el desayuno tiene opciones sin gluten?",
        "¿Cuánto cuesta la noche en una suite para el {day}?",
    ),
    "en": (
        "Hello",
        "Hi there, good morning",
        "Do you have a double room from {day} for {n} people?",
        "What time is breakfast?",
        "Is there parking at the hotel?",
        "Thank you",
        "Great, thanks a lot",
        "Could I get an invoice for booking {word}?",
        "The shower in room {n} is not working",
        "I think I left my jacket in the room",
        "Can we check in early on {day}?",
        "How far is the beach from the hotel?",
        "Yes please, book it",
        "We will be arriving late, around {n} pm",
        "Do you have a gym or a sauna?",
        "Could we have a late checkout?",
    ),
    "pt": (
        "Olá, bom dia",
        "Há quarto livre para {n} pessoas no dia {day}?",
        "A que horas é o pequeno-almoço?",
        "Têm estacionamento?",
        "Obrigado",
        "Qual é a senha do wifi?",
        "Preciso de uma fatura, a reserva é {word}",
        "O ar condicionado do quarto {n} não funciona",
        "Posso fazer o check-in mais cedo?",
        "Sim, pode reservar",
    ),
}
# Said by the hotel.
ANSWERED = {
    "es": (
        "Hola, soy el asistente virtual del Hotel Miramar. ¿En qué puedo ayudarte?",
        "Tenemos una habitación doble para esas fechas por {n}5,00 € en total, impuestos incluidos. ¿Te la reservo?",
        "El desayuno se sirve de 7:30 a 10:30 y cuesta 12,00 € por persona y día.",
        "Sí, tenemos parking propio por 18,00 € la noche. No hace falta reservar plaza.",
        "Reserva confirmada del {day}: tu código es {word}. ¡Te esperamos!",
        "Claro, se lo paso a un compañero de recepción, que te escribe por aquí.",
        "Puedes dejar el equipaje en recepción el tiempo que necesites.",
        "La red es Miramar y la contraseña está en la tarjeta de tu habitación.",
    ),
    "en": (
        "Hello, I am the virtual assistant of Hotel Miramar. How can I help?",
        "We have a double room on those dates for €{n}5.00 in total, taxes included. Shall I book it?",
        "Breakfast is served from 7:30 to 10:30 and costs €12.00 per person and day.",
        "Of course, I am passing this on to a colleague at reception.",
        "Booking confirmed from {day}: your code is {word}. See you soon!",
        "You can leave your luggage at reception for as long as you need.",
    ),
    "pt": (
        "Olá, sou o assistente virtual do Hotel Miramar. Em que posso ajudar?",
        "Temos um quarto duplo nessas datas por {n}5,00 € no total, impostos incluídos. Reservo?",
        "O pequeno-almoço é servido das 7:30 às 10:30 e custa 12,00 € por pessoa e dia.",
        "Reserva confirmada a partir de {day}: o código é {word}. Até breve!",
    ),
}
NOTES = (
    "Ha llamado, vuelve a llamar mañana",
    "Cliente habitual, prefiere planta alta",
    "Alérgico a los frutos secos, avisado en cocina",
    "Le ofrecemos late checkout gratis por lo del ruido, hablado con {word}",
    "Pagará en efectivo al llegar",
    "Wants a quiet room away from the lift",
)
REASONS = ("human", "complaint", "unsure", "pms_failed", "request", "emergency", "media", "change", "guest_wrote")
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000" + "1f15c4890000000d49444154789c6360606060000000050001"
    "a5f645400000000049454e44ae426082"
)


def fill(url: str, conversations: int = CONVERSATIONS, messages: int = MESSAGES, slug: str = "miramar") -> float:
    """Answers how many seconds it took."""
    began = time.monotonic()
    with psycopg.connect(url, options="-c TimeZone=UTC -c synchronous_commit=off -c work_mem=256MB") as connection:
        values = _values(connection, slug, conversations, messages)
        connection.execute(TOOLS)
        _make_past_months(connection)
        kept = _drop_word_indexes(connection)
        for step in STEPS:
            # psycopg's own binding, not the server's: one set of values serves every step.
            psycopg.ClientCursor(connection).execute(step, values)
        for definition in kept:
            connection.execute(definition)
        connection.commit()
        connection.autocommit = True
        connection.execute("vacuum analyze")
    return time.monotonic() - began


def _values(connection: psycopg.Connection[Any], slug: str, conversations: int, messages: int) -> dict[str, Any]:
    hotel, number = connection.execute(
        "select h.id, i.id from hotels h join tenant_user_identifiers i on i.hotel_id = h.id where h.slug = %s", (slug,)
    ).fetchall()[0]
    staff = connection.execute("select staff_id from staff_hotels where hotel_id = %s order by 1", (hotel,)).fetchall()
    last = connection.execute(
        "select (select coalesce(max(id), 0) from guests), (select coalesce(max(id), 0) from conversations),"
        " (select coalesce(max(id), 0) from messages)"
    ).fetchall()[0]
    return {
        "hotel": hotel,
        "number": number,
        "prefix": slug[:3].upper(),
        "staff": [one for (one,) in staff] or [None],
        "conversations": conversations,
        "messages": messages,
        **dict(zip(("guest", "conversation", "message"), last, strict=True)),
        "today": date.today(),
        "now": datetime.now(UTC),
        "days": DAYS,
        "first_names": FIRST_NAMES,
        "last_names": LAST_NAMES,
        **{f"asked_{code}": list(lines) for code, lines in ASKED.items()},
        **{f"answered_{code}": list(lines) for code, lines in ANSWERED.items()},
        "notes": list(NOTES),
        "reasons": list(REASONS),
        "pixel": PIXEL,
    }


def _make_past_months(connection: psycopg.Connection[Any]) -> None:
    first = (date.today() - timedelta(days=DAYS)).replace(day=1)
    while first <= date.today():
        beyond = (first + timedelta(days=32)).replace(day=1)
        connection.execute(
            f"create table if not exists messages_{first:%Y%m} partition of messages"
            f" for values from ('{first} 00:00+00') to ('{beyond} 00:00+00')"
        )
        first = beyond


def _drop_word_indexes(connection: psycopg.Connection[Any]) -> list[LiteralString]:
    """Built afterwards they are built in a tenth of the time. Answers how."""
    names = ("ix_messages_words", "ix_guests_name_words", "ix_guest_identities_digits", "ix_reservations_words")
    definitions = []
    for name in names:
        (definition,) = connection.execute(
            "select replace(indexdef, ' ON ONLY ', ' ON ') from pg_indexes where indexname = %s", (name,)
        ).fetchall()[0]
        connection.execute(f"drop index {name}")
        definitions.append(definition)
    return definitions


# Chance is a hash of the row's number, so that every run makes the same crowd.
TOOLS = """
    create function pg_temp.chance(number bigint, salt int, sides int) returns int language sql immutable as
        'select (abs(hashint8extended(number, salt)) % sides)::int';
    create function pg_temp.code(number bigint) returns text language sql immutable as $$
        select string_agg(substr('23456789ABCDEFGHJKMNPQRSTVWXYZ', (place / (30 ^ digit)::bigint % 30)::int + 1, 1), '')
        from (select (number * 104729) % 729000000 as place) p, generate_series(0, 5) digit $$;
    create function pg_temp.said(line text, number bigint, at timestamptz) returns text language sql immutable as $$
        select replace(replace(replace(line, '{n}', (1 + pg_temp.chance(number, 11, 9))::text),
            '{day}', to_char(at + interval '20 days', 'DD/MM/YYYY')),
            '{word}', upper(substr(md5(number::text), 1, 6))) $$;
"""
GUESTS = """
    insert into guests (id, hotel_id, name, language, vip, created_at)
    select %(guest)s + k, %(hotel)s,
        (%(first_names)s::text[])[1 + pg_temp.chance(k, 1, cardinality(%(first_names)s::text[]))]
            || ' ' || (%(last_names)s::text[])[1 + pg_temp.chance(k, 2, cardinality(%(last_names)s::text[]))]
            || ' ' || (%(last_names)s::text[])[1 + pg_temp.chance(k, 3, cardinality(%(last_names)s::text[]))],
        case when pg_temp.chance(k, 4, 100) < 60 then 'es' when pg_temp.chance(k, 4, 100) < 88 then 'en' else 'pt' end,
        pg_temp.chance(k, 5, 100) = 0,
        %(now)s::timestamptz - make_interval(days => %(days)s) * (1 - k::float / %(conversations)s)
    from generate_series(1, %(conversations)s::bigint) k
"""
IDENTITIES = """
    insert into guest_identities (hotel_id, guest_id, kind, value, wire)
    select %(hotel)s, %(guest)s + k, 'phone', phone, phone
    from generate_series(1, %(conversations)s::bigint) k,
        lateral (select (array['34', '44', '351', '33', '49'])[1 + pg_temp.chance(k, 6, 5)]
            || (600000000 + (k * 7919) %% 99999989)::text as phone) p
"""
CONVERSATION_ROWS = """
    insert into conversations (id, hotel_id, guest_id, channel, identifier_id, owner, status, language, waiting_since,
        waiting_reason, waiting_reasons, urgent, assignee_id, snoozed_until, closed_at, last_inbound_at, created_at)
    select %(conversation)s + k, %(hotel)s, %(guest)s + k, 'whatsapp', %(number)s,
        case when by_staff then 'staff' else 'agent' end, status, g.language,
        case when status = 'waiting' then at end,
        case when status = 'waiting' then reason end,
        case when status = 'waiting' then array[reason] else '{}' end,
        status = 'waiting' and reason = 'emergency',
        case when by_staff and pg_temp.chance(k, 9, 10) > 2
            then (%(staff)s::int[])[1 + pg_temp.chance(k, 10, cardinality(%(staff)s::int[]))] end,
        case when status = 'snoozed' then %(now)s::timestamptz + interval '5 hours' end,
        case when status = 'closed' then at end, at, g.created_at
    from generate_series(1, %(conversations)s::bigint) k
    join guests g on g.id = %(guest)s + k
    cross join lateral (select
        k::float / %(conversations)s as share,
        pg_temp.chance(k, 7, 1000) as luck,
        %(now)s::timestamptz - make_interval(days => %(days)s) * (1 - k::float / %(conversations)s) as at,
        (%(reasons)s::text[])[1 + pg_temp.chance(k, 12, cardinality(%(reasons)s::text[]))] as reason) c
    cross join lateral (select case
        when share > 0.99 and luck < 200 or luck = 999 and share > 0.5 then 'waiting'
        when luck in (997, 998) then 'snoozed'
        when share < 0.98 and luck < 700 then 'closed'
        else 'open' end as status) s
    cross join lateral (select pg_temp.chance(k, 8, 10) < case status when 'open' then 1 else 4 end as by_staff) b
"""
# Conversations overlap; some guests write all year long, and one never stops.
MESSAGE_ROWS = """
    insert into messages (id, created_at, conversation_id, hotel_id, direction, author, staff_id, wamid, type, body,
        payload, status, handling, sent_at, received_at, sending_at, error_code, error_text)
    select %(message)s + i, at, %(conversation)s + k, %(hotel)s, case when heard then 'in' else 'out' end,
        case when heard then 'guest' when by_staff then 'staff' else 'agent' end,
        case when by_staff and not heard
            then (%(staff)s::int[])[1 + pg_temp.chance(i, 10, cardinality(%(staff)s::int[]))] end,
        'wamid.CROWD' || i, type,
        case type when 'image' then '📷 image' when 'audio' then '🎤 audio' when 'reaction' then '👍' else body end,
        case
            when type = 'buttons' then jsonb_build_object('outgoing', jsonb_build_object(
                'kind', 'buttons', 'text', body, 'more', '☰',
                'buttons', '[{"id": "yes", "title": "Sí"}, {"id": "no", "title": "No"}]'::jsonb))
            when not heard then jsonb_build_object('outgoing', jsonb_build_object('kind', 'text', 'text', body,
                'preview_url', false), 'asked_at', at)
            when type = 'reaction' then jsonb_build_object('kind', 'silent', 'reaction',
                jsonb_build_object('message_id', 'wamid.CROWD' || (i - 20), 'emoji', '👍'))
            when type in ('image', 'audio')
                then jsonb_build_object('kind', 'acknowledge', type, jsonb_build_object('id', i))
            when luck < 30 then jsonb_build_object('kind', 'answerable', 'context',
                jsonb_build_object('id', 'wamid.CROWD' || (i - 200 * (1 + luck %% 3)), 'from', '34910000000'))
            else '{"kind": "answerable"}' end,
        case when heard then 'received' when luck %% 500 = 0 then 'failed' when luck = 777 and %(messages)s - i < 9000
            then 'unknown' when luck < 700 then 'read' else 'delivered' end,
        case when heard then 'answered' else 'none' end,
        case when heard then date_trunc('second', at) else at end, case when heard then at end,
        case when not heard then at end,
        case when not heard and luck %% 500 = 0 then 131026 end,
        case when not heard and luck %% 500 = 0 then 'Message undeliverable' end
    from generate_series(1, %(messages)s::bigint) i
    cross join lateral (select
        %(now)s::timestamptz - make_interval(days => %(days)s) * (1 - i::float / %(messages)s) as at,
        greatest(1, least(%(conversations)s, case
            when i %% 200 = 0 then %(conversations)s / 2
            when i %% 20 = 0 then 1 + pg_temp.chance(i, 13, 300) * %(conversations)s::bigint / 300
            else i * %(conversations)s / %(messages)s + pg_temp.chance(i, 14, 61) - 30 end)) as k,
        pg_temp.chance(i, 15, 1000) as luck,
        pg_temp.chance(i, 16, 100) < 50 as heard,
        pg_temp.chance(i, 17, 5) = 0 as by_staff) m
    join guests g on g.id = %(guest)s + k
    cross join lateral (select case
        when heard then case g.language when 'es' then %(asked_es)s::text[] when 'en' then %(asked_en)s::text[]
            else %(asked_pt)s::text[] end
        else case g.language when 'es' then %(answered_es)s::text[] when 'en' then %(answered_en)s::text[]
            else %(answered_pt)s::text[] end end as lines) l
    cross join lateral (select
        pg_temp.said(lines[1 + pg_temp.chance(i, 18, cardinality(lines))], i, at) as body,
        case when not heard then case when luck < 100 then 'buttons' else 'text' end
            when luck > 990 then 'image' when luck > 985 then 'audio' when luck > 980 then 'reaction'
            else 'text' end as type) w
"""
MESSAGE_IDS = """
    insert into message_ids (hotel_id, wamid, message_id, message_created_at)
    select hotel_id, wamid, id, created_at from messages where id > %(message)s and id <= %(message)s + %(messages)s
"""
MEDIA_ROWS = """
    insert into media (hotel_id, conversation_id, message_id, graph_id, status, mime_type, size, content, created_at)
    select hotel_id, conversation_id, id, id::text, case when type = 'image' then 'stored' else 'failed' end,
        case when type = 'image' then 'image/png' else 'audio/ogg' end, octet_length(%(pixel)s::bytea),
        case when type = 'image' then %(pixel)s::bytea end, created_at
    from messages where id > %(message)s and type in ('image', 'audio')
"""
LAST_MESSAGES = """
    update conversations c set last_message_at = coalesce(m.sent_at, m.created_at), last_message_author = m.author,
        last_message_type = m.type, last_message_text = left(m.body, 200)
    from (select distinct on (conversation_id) * from messages where id > %(message)s and type <> 'reaction'
        order by conversation_id, id desc) m
    where m.conversation_id = c.id
"""
EVENT_ROWS = """
    insert into conversation_events (hotel_id, conversation_id, at, kind, staff_id, body, details)
    select c.hotel_id, c.id, c.created_at + n * interval '7 minutes', kind,
        case when kind <> 'handed_over' then c.assignee_id end,
        case when kind = 'note' then pg_temp.said((%(notes)s::text[])[1 + pg_temp.chance(c.id, 21,
            cardinality(%(notes)s::text[]))], c.id, c.created_at) else '' end,
        case when kind = 'handed_over' then '{"reason": "human"}' else '{}' end::jsonb
    from conversations c
    cross join unnest(array['handed_over', 'taken_over', 'note', 'given_back']) with ordinality e(kind, n)
    where c.id > %(conversation)s and pg_temp.chance(c.id, 20, 3) = 0
"""
RESERVATION_ROWS = """
    insert into reservations (hotel_id, code, guest_id, guest_name, status, check_in, check_out, adults, children,
        total, currency, request_key, created_at)
    select %(hotel)s, %(prefix)s || '-' || pg_temp.code(g.id), g.id, g.name,
        case when pg_temp.chance(g.id, 30, 100) < 6 then 'cancelled' when check_out <= %(today)s then 'departed'
            when check_in < %(today)s then 'in_house' else 'booked' end,
        check_in, check_out, 2, 0, (check_out - check_in) * 95, 'EUR', 'crowd:' || g.id, g.created_at
    from guests g
    cross join lateral (select g.created_at::date + pg_temp.chance(g.id, 31, 30) as check_in) i
    cross join lateral (select check_in + 1 + pg_temp.chance(g.id, 32, 5) as check_out) o
    where g.id > %(guest)s and pg_temp.chance(g.id, 33, 3) = 0
    on conflict do nothing
"""
# The stays that the demo made up have rooms: somebody of the crowd is in them.
IN_ROOMS = """
    update reservations r set guest_id = %(guest)s + %(conversations)s - one.number * 3
    from (select id, row_number() over (order by check_in desc) as number from reservations
        where hotel_id = %(hotel)s and guest_id is null) one
    where one.id = r.id and one.number * 3 < %(conversations)s
"""
NUMBERS = """
    select setval(pg_get_serial_sequence('guests', 'id'), (select max(id) from guests)),
        setval(pg_get_serial_sequence('conversations', 'id'), (select max(id) from conversations)),
        setval(pg_get_serial_sequence('messages', 'id'), (select max(id) from messages))
"""
STEPS: tuple[LiteralString, ...] = (
    GUESTS,
    IDENTITIES,
    CONVERSATION_ROWS,
    MESSAGE_ROWS,
    MESSAGE_IDS,
    MEDIA_ROWS,
    LAST_MESSAGES,
    EVENT_ROWS,
    RESERVATION_ROWS,
    IN_ROOMS,
    NUMBERS,
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.load.crowd", description=__doc__)
    parser.add_argument("database_url")
    parser.add_argument("--conversations", type=int, default=CONVERSATIONS)
    parser.add_argument("--messages", type=int, default=MESSAGES)
    given = parser.parse_args()
    seconds = fill(given.database_url.replace("+psycopg", ""), given.conversations, given.messages)
    print(f"{given.conversations} conversations and {given.messages} messages in {seconds:.0f} s")


if __name__ == "__main__":
    main()
