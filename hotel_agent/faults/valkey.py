"""Faults at the door to Valkey."""

from __future__ import annotations

from typing import Any

from redis import Connection as RedisConnection
from redis import SSLConnection, UnixDomainSocketConnection
from redis.connection import AbstractConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from hotel_agent.faults import HANG_SECONDS, FaultInjector, at


class _Shaky(AbstractConnection):
    """What is sent to Valkey, and what comes back, may not arrive."""

    def send_packed_command(self, *given: Any, **named: Any) -> None:
        faults = at("valkey")
        if faults is not None:
            self._suffers(faults)
        super().send_packed_command(*given, **named)  # type: ignore[no-untyped-call]

    def _suffers(self, faults: FaultInjector) -> None:
        patience = self.socket_timeout or HANG_SECONDS
        silence = faults.strikes("valkey", "hang")
        if silence:
            faults.hang(silence, patience)
        if faults.delay("valkey", patience) or silence:
            self.disconnect()  # type: ignore[no-untyped-call]
            raise RedisTimeoutError("injected: Timeout reading from socket")
        if faults.strikes("valkey", "error"):
            self.disconnect()  # type: ignore[no-untyped-call]
            raise RedisConnectionError("injected: Error 111 connecting")

    def read_response(self, *given: Any, **named: Any) -> Any:
        answer = super().read_response(*given, **named)
        faults = at("valkey")
        if faults is not None and faults.strikes("valkey", "partial"):
            self.disconnect()  # type: ignore[no-untyped-call]
            raise RedisConnectionError("injected: Connection closed by server.")
        return answer


class FaultyRedisConnection(_Shaky, RedisConnection):
    """Over TCP."""


class FaultyTlsConnection(_Shaky, SSLConnection):
    """Over TLS, which is what `rediss://` asks for."""


class FaultySocketConnection(_Shaky, UnixDomainSocketConnection):
    """Within one machine."""


KINDS = {"rediss": FaultyTlsConnection, "unix": FaultySocketConnection}


def redis_connections(url: str) -> dict[str, Any]:
    """What a pool for that address is to be made with."""
    return {"connection_class": KINDS.get(url.partition("://")[0], FaultyRedisConnection)} if at("valkey") else {}
