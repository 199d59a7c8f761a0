import hashlib
import hmac

import pytest

from hotel_agent.channels.whatsapp.signature import is_genuine, matching_secret

BODY = b'{"text":"\\u00bfHay habitaci\\u00f3n?"}'


def signed(secret, body=BODY):
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def test_what_meta_signed_is_genuine():
    assert is_genuine(BODY, signed("miramar"), "miramar")
    assert is_genuine(BODY, signed("miramar").upper().replace("SHA256", "sha256"), "miramar")


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "sha256=",
        "sha256=zz",
        "sha1=" + "0" * 40,
        "á" * 71,
        "sha256=" + "٣" * 64,
        "sha256=" + "0" * 64,
        "sha256=" + "0" * 63,
        signed("andes"),
        signed("miramar")[7:],
        signed("miramar") + "0",
    ],
)
def test_any_other_header_is_not_and_raises_nothing(header):
    assert not is_genuine(BODY, header, "miramar")
    assert matching_secret(BODY, header, [("m", "miramar")]) is None


def test_one_changed_byte_is_noticed():
    assert not is_genuine(BODY + b" ", signed("miramar"), "miramar")


def test_an_empty_secret_signs_nothing():
    assert not is_genuine(BODY, signed(""), "")


def test_the_secret_that_matches_is_named_and_all_are_tried():
    tried = []

    def secrets():
        for label in ("andes", "miramar", "playa"):
            tried.append(label)
            yield label, label

    assert matching_secret(BODY, signed("andes"), secrets()) == "andes"
    assert tried == ["andes", "miramar", "playa"]
    assert matching_secret(BODY, signed("nobody"), secrets()) is None
