"""One fault of one kind, at a chosen call: so that each place where it may strike is tried, one after the other."""

from __future__ import annotations

from hotel_agent.faults import Fault, FaultInjector


class OnTheNth(FaultInjector):
    """Strikes once, at the nth call from when it is armed; nobody waits."""

    def __init__(self, told: str, nth: int) -> None:
        super().__init__(told, lambda _: None)
        self.left = nth
        self.is_armed = False

    @property
    def has_struck(self) -> bool:
        return self.left <= 0

    def strikes(self, door: str, kind: str) -> Fault | None:
        (fault,) = self.faults
        if not self.is_armed or (door, kind) != (fault.door, fault.kind):
            return None
        self.left -= 1
        return fault if self.left == 0 else None
