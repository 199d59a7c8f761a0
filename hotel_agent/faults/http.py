"""Faults at the doors through which httpx asks: PMSs and the Graph API."""

from __future__ import annotations

from collections.abc import Iterator

import httpx

from hotel_agent.faults import HANG_SECONDS, Fault, FaultInjector, at


def transport(door: str, real: httpx.BaseTransport) -> httpx.BaseTransport:
    """`real` itself where nothing is to go wrong at this door."""
    known = at(door)
    return real if known is None else _Faulty(door, real, known)


class _Faulty(httpx.BaseTransport):
    def __init__(self, door: str, real: httpx.BaseTransport, faults: FaultInjector) -> None:
        self._door, self._real, self._faults = door, real, faults

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        patience = request.extensions.get("timeout", {}).get("read") or HANG_SECONDS
        if self._faults.delay(self._door, patience):
            raise httpx.ConnectTimeout("injected latency", request=request)
        failure = self._faults.strikes(self._door, "error")
        if failure:
            return self._fails(failure, request)
        silence = self._faults.strikes(self._door, "hang")
        broken = self._faults.strikes(self._door, "partial")
        response = self._real.handle_request(request)
        if silence:
            response.close()
            self._faults.hang(silence, patience)
            raise httpx.ReadTimeout("injected silence", request=request)
        return _broken_off(response, request) if broken else response

    @staticmethod
    def _fails(fault: Fault, request: httpx.Request) -> httpx.Response:
        status = fault.options.get("status")
        if status is None:
            raise httpx.ConnectError("injected refusal", request=request)
        return httpx.Response(int(status), stream=httpx.ByteStream(b"injected"), request=request)

    def close(self) -> None:
        self._real.close()


def _broken_off(response: httpx.Response, request: httpx.Request) -> httpx.Response:
    whole = b"".join(response.stream)  # type: ignore[arg-type]
    response.close()
    half = whole[: len(whole) // 2]
    return httpx.Response(response.status_code, headers=response.headers, stream=_Half(half, request))


class _Half(httpx.SyncByteStream):
    def __init__(self, content: bytes, request: httpx.Request) -> None:
        self._content, self._request = content, request

    def __iter__(self) -> Iterator[bytes]:
        yield self._content
        raise httpx.RemoteProtocolError("injected: the answer breaks off", request=self._request)
