"""XML as PHP's SimpleXML reads it, its complaints included."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat


@dataclass
class Node:
    """An element. `text` is all its text, `bare` only what stands outside CDATA: json_encode keeps no more."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[Node] = field(default_factory=list)
    text: str = ""
    bare: str = ""

    def child(self, name: str) -> Node | None:
        return next((child for child in self.children if child.name == name), None)


@dataclass(frozen=True)
class Malformed(Exception):
    """`complaints` are the three warnings that libxml gives: what is wrong, the line, a caret below the place."""

    complaints: tuple[str, str, str]


def parse(body: str) -> Node:
    """The root element. Raises Malformed; an empty body is malformed as well."""
    reader = _Reader()
    try:
        reader.parser.Parse(body.encode(), True)
    except expat.ExpatError as error:
        raise Malformed(_complaints(body, error)) from None
    return reader.root


def to_data(node: Node) -> Any:
    """json_decode(json_encode($element), true): repeated children become a list, empty ones an empty list."""
    if not node.children:
        return node.bare if node.bare.strip() else []
    data: dict[str, Any] = {}
    for child in node.children:
        value = to_data(child)
        if child.name not in data:
            data[child.name] = value
        elif isinstance(data[child.name], _Several):
            data[child.name].append(value)
        else:
            data[child.name] = _Several([data[child.name], value])
    return data


class _Several(list[Any]):
    """Values of children that share a name."""


class _Reader:
    def __init__(self) -> None:
        self.root = Node("")
        self._open: list[Node] = []
        self._in_cdata = False
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._say
        self.parser.StartCdataSectionHandler = lambda: self._cdata(True)
        self.parser.EndCdataSectionHandler = lambda: self._cdata(False)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        node = Node(name, attributes)
        if self._open:
            self._open[-1].children.append(node)
        else:
            self.root = node
        self._open.append(node)

    def _end(self, _name: str) -> None:
        self._open.pop()

    def _say(self, text: str) -> None:
        self._open[-1].text += text
        if not self._in_cdata:
            self._open[-1].bare += text

    def _cdata(self, inside: bool) -> None:
        self._in_cdata = inside


def _complaints(body: str, error: expat.ExpatError) -> tuple[str, str, str]:
    lines = body.split("\n")
    if not body.lstrip().startswith("<"):
        return "Entity: line 1: parser error : Start tag expected, '<' not found", lines[0], "^"
    if error.code == expat.errors.codes[expat.errors.XML_ERROR_TAG_MISMATCH]:
        line = lines[error.lineno - 1]
        return f"Entity: line {error.lineno}: parser error : Opening and ending tag mismatch", line, _caret(line)
    line = lines[-1] or lines[-2]
    number = len(lines) if lines[-1] else len(lines) - 1
    return f"Entity: line {number}: parser error : EndTag: '</' not found", line, _caret(line)


def _caret(line: str) -> str:
    return " " * len(line) + "^"
