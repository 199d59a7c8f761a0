"""What a Graph API error asks of us. Meta: build logic on its code, since most come with HTTP 400."""

from enum import StrEnum


class ErrorClass(StrEnum):
    TRANSIENT = "transient"  # try again with jitter, a bounded number of times
    RATE = "rate"  # slow the whole number down, keep the order
    PAIR_RATE = "pair_rate"  # slow this one guest down: 4^X seconds
    QUALITY = "quality"  # Meta has blocked the channel: stop and tell the admin
    AUTH = "auth"  # token or permission: stop every send, raise the alarm, keep the outbox
    WINDOW = "window"  # more than 24 hours since the guest wrote: a template or staff
    RECIPIENT = "recipient"  # this person cannot be reached: failed, tell staff
    POLICY = "policy"  # Meta shields this person for now: failed, no retry
    BAD_REQUEST = "bad_request"  # our mistake: failed, no retry
    BILLING = "billing"  # nobody pays: tell the admin
    MEDIA = "media"  # a file could not be fetched or stored
    UNKNOWN_CODE = "unknown_code"  # nothing known, as from a webhook with a new code

    @property
    def worth_retrying(self) -> bool:
        """Whether the same request may succeed later without anybody doing anything."""
        return self in (ErrorClass.TRANSIENT, ErrorClass.RATE, ErrorClass.PAIR_RATE)


# https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes
_CODES: dict[ErrorClass, tuple[int | range, ...]] = {
    ErrorClass.TRANSIENT: (1, 2, 131000, 131016, 131057, 133004),
    ErrorClass.RATE: (4, 80007, 130429),
    ErrorClass.PAIR_RATE: (131056,),
    ErrorClass.QUALITY: (368, 130497, 131031, 131048),
    ErrorClass.AUTH: (0, 3, 10, 190, range(200, 300), 131005),
    ErrorClass.WINDOW: (470, 131047),
    ErrorClass.RECIPIENT: (131021, 131026, 131030, 133010),
    ErrorClass.POLICY: (130472, 131049, 131050),
    ErrorClass.BAD_REQUEST: (33, 100, 131008, 131009, 131051, 131062, range(132000, 132100), 135000),
    ErrorClass.BILLING: (131042,),
    ErrorClass.MEDIA: (131052, 131053),
}


def classify(http_status: int | None, code: int | None) -> ErrorClass:
    """The class of a failure; `http_status` is None when a webhook told it, `code` when there was none."""
    if code is not None:
        for error_class, codes in _CODES.items():
            if any(code in known if isinstance(known, range) else code == known for known in codes):
                return error_class
    return _by_status(http_status, bare=code is None)


def _by_status(status: int | None, bare: bool) -> ErrorClass:
    if status is None or status < 400:
        return ErrorClass.UNKNOWN_CODE
    if status >= 500 or status == 408:
        return ErrorClass.TRANSIENT
    if status == 429:
        return ErrorClass.RATE
    if bare and status in (401, 403):
        return ErrorClass.AUTH
    return ErrorClass.BAD_REQUEST
