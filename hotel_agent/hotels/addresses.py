"""Where a hotel's own systems may be: whoever may set an address is not to reach what only this machine should."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from hotel_agent.config import settings

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def address_problem(address: str) -> str | None:
    """What is wrong with an address as it is typed, or None. A name is looked at again when it is connected to."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return "Give an address such as https://pms.hotel.example/api."
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0 or not address.isprintable():
        return "Give an address such as https://pms.hotel.example/api."
    if parts.username or parts.password or parts.query or parts.fragment or " " in address:
        return "Give the address alone: the key has a setting of its own."
    return (
        "This address is a private one; PMS_PRIVATE_ADDRESSES=true allows those."
        if _is_private(parts.hostname)
        else None
    )


def may_ask(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether this may be connected to: anything public, the rest where PMS_PRIVATE_ADDRESSES allows it."""
    if settings().may_ask_private_addresses:
        return True
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is not None or address in _NAT64:
            return inner is not None and inner.is_global
    return address.is_global and not address.is_multicast


def _is_private(host: str) -> bool:
    try:
        return not may_ask(ipaddress.ip_address(host))
    except ValueError:
        return host.rstrip(".").endswith("localhost") and not settings().may_ask_private_addresses
