import pytest

from hotel_agent.channels.whatsapp.errors import ErrorClass, classify


@pytest.mark.parametrize(
    ("http_status", "code", "expected"),
    [
        (400, 131000, "transient"),
        (500, 1, "transient"),
        (503, 131016, "transient"),
        (400, 131057, "transient"),
        (400, 133004, "transient"),
        (400, 130429, "rate"),
        (400, 4, "rate"),
        (400, 80007, "rate"),
        (400, 131056, "pair_rate"),
        (400, 131048, "quality"),
        (400, 368, "quality"),
        (401, 190, "auth"),
        (400, 0, "auth"),
        (403, 10, "auth"),
        (403, 299, "auth"),
        (400, 131005, "auth"),
        (400, 131047, "window"),
        (400, 470, "window"),
        (400, 131026, "recipient"),
        (400, 133010, "recipient"),
        (400, 131049, "policy"),
        (400, 130472, "policy"),
        (400, 100, "bad_request"),
        (400, 132068, "bad_request"),
        (400, 131062, "bad_request"),
        (400, 131042, "billing"),
        (400, 131053, "media"),
        (500, 131047, "window"),
        (None, 131047, "window"),
        (400, 999999, "bad_request"),
        (500, 999999, "transient"),
        (None, 999999, "unknown_code"),
        (302, None, "unknown_code"),
        (401, None, "auth"),
        (404, None, "bad_request"),
        (408, None, "transient"),
        (429, None, "rate"),
        (502, None, "transient"),
    ],
)
def test_the_code_decides_before_the_status(http_status, code, expected):
    assert classify(http_status, code) is ErrorClass(expected)


def test_only_three_classes_are_worth_the_same_request_again():
    assert {one for one in ErrorClass if one.worth_retrying} == {"transient", "rate", "pair_rate"}
