"""What a file is, by its own first bytes: neither a guest's nor Meta's word makes a browser run it."""

from __future__ import annotations

import re

UNKNOWN = "application/octet-stream"

# What a browser may show in its own window. Everything else is handed over as a file.
SHOWN = frozenset(
    {
        "image/jpeg",
        "image/png",
        "image/gif",
        "image/webp",
        "audio/mp4",
        "audio/mpeg",
        "audio/aac",
        "audio/wav",
        "audio/ogg",
        "audio/webm",
        "video/mp4",
        "video/webm",
        "application/pdf",
    }
)
EXTENSIONS = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/gif": ".gif",
    "image/webp": ".webp",
    "image/heic": ".heic",
    "image/avif": ".avif",
    "audio/mp4": ".m4a",
    "audio/mpeg": ".mp3",
    "audio/aac": ".aac",
    "audio/wav": ".wav",
    "audio/ogg": ".ogg",
    "audio/webm": ".weba",
    "audio/amr": ".amr",
    "audio/flac": ".flac",
    "video/mp4": ".mp4",
    "video/3gpp": ".3gp",
    "video/quicktime": ".mov",
    "video/webm": ".webm",
    "application/pdf": ".pdf",
}
# Families that say of themselves what they are: what claims to be one of them and does not look it is none.
_TELLING = ("image/", "audio/", "video/", "application/pdf")
_RUN_BY_BROWSERS = re.compile(r"html|xml|svg|script|css", re.I)
_TYPE = re.compile(r"[a-z0-9][a-z0-9.+-]{0,63}/[a-z0-9][a-z0-9.+-]{0,126}")
_OFFICE = "application/vnd.openxmlformats-officedocument."

_STARTS = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"OggS", "audio/ogg"),
    (b"#!AMR", "audio/amr"),
    (b"fLaC", "audio/flac"),
    (b"ID3", "audio/mpeg"),
    (b"%PDF-", "application/pdf"),
)
_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav"}
_BRANDS = (
    ((b"M4A", b"M4B"), "audio/mp4"),
    ((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"), "image/heic"),
    ((b"avif", b"avis"), "image/avif"),
    ((b"3g",), "video/3gpp"),
    ((b"qt",), "video/quicktime"),
)


def kind_of(content: bytes, told: str = "") -> str:
    """The type of a file. `told` is Meta's word, believed where bytes cannot tell and no browser would run it."""
    told = essence(told)
    seen = _seen(content, told)
    if seen:
        return seen
    if told.startswith(_TELLING) or (_RUN_BY_BROWSERS.search(told) and not told.startswith(_OFFICE)):
        return UNKNOWN
    return told or UNKNOWN


def essence(mime_type: str | None) -> str:
    """A type without its parameters, or nothing."""
    bare = (mime_type or "").partition(";")[0].strip().lower()
    return bare if _TYPE.fullmatch(bare) else ""


def _seen(content: bytes, told: str) -> str | None:
    for start, kind in _STARTS:
        if content.startswith(start):
            return kind
    if content.startswith(b"RIFF"):
        return _RIFF.get(content[8:12])
    if content[4:8] == b"ftyp":
        return _of_brand(content[8:12], told)
    if content.startswith(b"\x1a\x45\xdf\xa3") and b"webm" in content[:64]:
        return "audio/webm" if told.startswith("audio/") else "video/webm"
    return _of_frames(content, told)


def _of_brand(brand: bytes, told: str) -> str:
    for brands, kind in _BRANDS:
        if brand.startswith(brands):
            return kind.replace("video/", "audio/") if told.startswith("audio/") and kind == "video/3gpp" else kind
    return "audio/mp4" if told.startswith("audio/") else "video/mp4"


def _of_frames(content: bytes, told: str) -> str | None:
    """AAC and MP3 without a header of the file begin with a frame; two bytes are little proof of it."""
    if not told.startswith("audio/") or len(content) < 2 or content[0] != 0xFF:
        return None
    if content[1] & 0xF6 == 0xF0:
        return "audio/aac"
    return "audio/mpeg" if content[1] & 0xE0 == 0xE0 else None


def name_of(file_name: str, mime_type: str, media_id: int) -> str:
    """What to save a file as: the guest's name for it, with an extension that agrees with the type."""
    extension = EXTENSIONS.get(mime_type, "")
    safe = re.sub(r'[/\\:*?"<>|\x00-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069]', "_", file_name).strip(". ")
    if not safe:
        return f"{mime_type.partition('/')[0] if extension else 'file'}-{media_id}{extension}"
    if not extension or safe.lower().endswith((extension, ".jpeg")):
        return safe
    stem, dot, last = safe.rpartition(".")
    return f"{stem if dot and len(last) <= 5 else safe}{extension}"
