"""Rows as JSON and XML, and the schemas of resources, as the web service's output builder writes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from tests.fakes.qloapps.call import Call
from tests.fakes.qloapps.resources import NAMES, Association, Field, Resource

Shown = Mapping[str, Any]


def entity_data(call: Call, resource: Resource, row: Any, wanted: set[str] | None, echo: Shown) -> dict[str, Any]:
    """A row for JSON. `wanted` None means everything; `echo` has the values as a PUT or POST has just set them."""
    data = {field.name: value(resource, row, field, echo) for field in _shown(resource, wanted)}
    rows = {one.name: one.read(call.shop, row) for one in _associations(resource, wanted)}
    found = {name: items for name, items in rows.items() if items}
    return {**data, "associations": found} if found else data


def entity_markup(call: Call, resource: Resource, row: Any, wanted: set[str] | None, echo: Shown) -> str:
    fields = "".join(
        "\t" + _field_markup(call, field, value(resource, row, field, echo)) for field in _shown(resource, wanted)
    )
    return f"<{resource.one}>\n{fields}{_associations_markup(call, resource, row, wanted)}</{resource.one}>\n"


def listing_data(call: Call, resource: Resource, rows: Iterable[Any], wanted: set[str] | None, full: bool) -> Any:
    """The rows under their plural; a list without rows is [] and nothing else."""
    items = [entity_data(call, resource, row, wanted, {}) if full else {"id": row.id} for row in rows]
    return {resource.many: items} if items else []


def listing_markup(call: Call, resource: Resource, rows: Iterable[Any], wanted: set[str] | None, full: bool) -> str:
    items = "".join(
        entity_markup(call, resource, row, wanted, {})
        if full
        else f'<{resource.one} id="{row.id}" xlink:href="{call.request.base}{resource.many}/{row.id}"/>\n'
        for row in rows
    )
    return f"<{resource.many}>\n{items}</{resource.many}>\n"


def value(resource: Resource, row: Any, field: Field, echo: Shown) -> Any:
    """Text as the database gives it; ids of rows are numbers or text, depending on the table."""
    if field.name == "id":
        return str(row.id) if echo or resource.text_id else row.id
    told = echo[field.name] if field.name in echo else _column(row, field)
    return "" if told is None and field.name.startswith("id_") else told


def _column(row: Any, field: Field) -> str | None:
    if field.constant is not None:
        return None if field.constant == "null" else field.constant
    if field.name == "id_default_image":
        return str(row.pictures[0]) if row.pictures else ""
    kept = getattr(row, field.name)
    if isinstance(kept, Decimal):
        return f"{kept:.2f}" if field.kind == "amount" else f"{kept:.6f}"
    return None if kept is None else str(int(kept) if isinstance(kept, bool) else kept)


def _shown(resource: Resource, wanted: set[str] | None) -> list[Field]:
    return [field for field in resource.fields if wanted is None or field.name in wanted]


def _associations(resource: Resource, wanted: set[str] | None) -> list[Association]:
    return [one for one in resource.associations if wanted is None or one.name in wanted]


def _field_markup(call: Call, field: Field, told: Any) -> str:
    base = call.request.base
    if field.i18n:
        return (
            f'<{field.name}><language id="1" xlink:href="{base}languages/1">{_text(told)}</language></{field.name}>\n'
        )
    dead = field.name.startswith("id_") and told in ("", "0", None)
    link = f' xlink:href="{base}{field.link}/{told}"' if field.link and not dead else ""
    dynamic = ' notFilterable="true"' if field.dynamic else ""
    return f"<{field.name}{link}{dynamic}>{_text(told)}</{field.name}>\n"


def _text(told: Any) -> str:
    return "" if told is None or told == "" else f"<![CDATA[{told}]]>"


def _associations_markup(call: Call, resource: Resource, row: Any, wanted: set[str] | None) -> str:
    asked = _associations(resource, wanted)
    if not asked:
        return ""
    return f"<associations>\n{''.join(_association_markup(call, one, row) for one in asked)}</associations>\n"


def _association_markup(call: Call, association: Association, row: Any) -> str:
    head = _association_head(association)
    items = "".join(_item_markup(call, association, item) for item in association.read(call.shop, row))
    return f"<{head}>\n{items}</{association.name}>\n" if items else f"<{head}/>\n"


def _association_head(association: Association) -> str:
    kind = 'virtualEntity="true"' if association.virtual else f'api="{association.name}"'
    return f'{association.name} nodeType="{association.node}" {kind}'


def _item_markup(call: Call, association: Association, item: dict[str, Any]) -> str:
    known = association.name in NAMES
    link = f' xlink:href="{call.request.base}{association.name}/{item["id"]}"' if known else ""
    fields = "".join(f"\t<{name}>{_text(told)}</{name}>\n" for name, told in item.items())
    return f"\t<{association.node}{link}>\n{fields}\t</{association.node}>\n"


def schema_data(resource: Resource) -> dict[str, Any]:
    fields = {field.name: "" for field in resource.fields}
    items = {one.name: [dict.fromkeys(one.fields, "")] for one in resource.associations}
    return {resource.one: {**fields, "associations": items} if items else fields}


def schema_markup(
    call: Call, one: str, fields: Iterable[Field], associations: Iterable[Association], *, blank: bool
) -> str:
    """`blank` to be filled in, else the synopsis, which says what each field wants to be."""
    told = "".join(_schema_field(call, field, blank=blank) for field in fields if blank or field.name != "id")
    items = "".join(_schema_association(call, association, blank=blank) for association in associations)
    return f"<{one}>\n{told}{f'<associations>{chr(10)}{items}</associations>{chr(10)}' if items else ''}</{one}>\n"


def _schema_field(call: Call, field: Field, *, blank: bool) -> str:
    if blank and field.readonly:
        return ""
    dynamic = ' notFilterable="true"' if field.dynamic and not blank else ""
    told = "" if blank else "".join(f' {name}="{what}"' for name, what in field.schema())
    closed = ' read_only="true"' if field.readonly else ""
    return f"\t<{field.name}{dynamic}{closed}{told}>{_schema_language(call, field, blank=blank)}</{field.name}>\n"


def _schema_language(call: Call, field: Field, *, blank: bool) -> str:
    if not field.i18n:
        return ""
    more = "" if blank else f' xlink:href="{call.request.base}languages/1" format="isUnsignedId" '
    return f'<language id="1"{more}></language>'


def _schema_association(call: Call, association: Association, *, blank: bool) -> str:
    needed = ' required="true"' if association.name == "room_occupancies" and not blank else ""
    fields = "".join(
        f"\t<{name}{needed}{_schema_link(call, link, blank=blank)}></{name}>\n"
        for name, link in zip(association.fields, association.links * len(association.fields), strict=False)
    )
    head = association.name if blank else _association_head(association)
    return f"<{head}>\n\t<{association.node}>\n{fields}\t</{association.node}>\n</{association.name}>\n"


def _schema_link(call: Call, link: str, *, blank: bool) -> str:
    return f' xlink:href="{call.request.base}{link}/"' if link and not blank else ""
