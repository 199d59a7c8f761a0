"""Which passwords are good enough."""

from __future__ import annotations

import pytest

from hotel_agent.config import settings
from hotel_agent.db import db
from hotel_agent.errors import BadInput
from hotel_agent.staff import accounts, passwords

ABOUT = ("ana.gomez@miramar.example", "Ana Gómez", "Hotel Miramar")


GOOD = """
la llave de la 204
tres gatos y una mesa
ñandú bajo la lluvia
日本語のパスワードは長い方がいい
🐈🐕🐎🐖🐑🐐🐓🦃🦆🦉🐍🐢🐸🐟🐬
ff82ka0w11zQpwm
correr por la playa de noche
83 51 90 27 44 16 09
"""
BAD = f"""
too short
passwordpassword
Contraseña123456
P4ssw0rd12345678
Primavera 2026 2026
aaaaaaaaaaaaaaaa
abcabcabcabcabcabc
12345678901234567
12345678abcdefgh
qwertyuiopasdfgh
Ana Gómez Miramar 2026!
hotel-miramar-hotel-miramar
miramarmiramar99
teamoparasiempre2026
correct horse battery staple
{"x" * 257}
"""


@pytest.mark.parametrize("good", GOOD.strip().splitlines())
def test_long_and_own_is_good(app, good):
    passwords.check(passwords.normal(good), about=ABOUT)


@pytest.mark.parametrize("bad", BAD.strip().splitlines())
def test_what_others_try_first_is_refused(app, bad):
    with pytest.raises(BadInput) as refused:
        passwords.check(passwords.normal(bad), about=ABOUT)
    assert refused.value.field == "password"


@pytest.mark.parametrize(
    "bad", ["12345678", "qwertyui", "password", "hotel123", "futbol2026", "teamo123", "senha1234", "Verano2026!"]
)
def test_short_ones_beside_a_code_are_refused_all_the_same(app, bad):
    with pytest.raises(BadInput):
        passwords.check(bad, has_code=True)


def test_with_a_code_eight_characters_are_enough(app):
    passwords.check("kfu3 zwt", has_code=True)
    with pytest.raises(BadInput):
        passwords.check("kfu3 zwt")


def test_an_installation_may_ask_for_more_or_less(app, monkeypatch):
    monkeypatch.setattr(settings(), "password_length", 8)
    passwords.check("kfu3 zwt")


def test_long_ones_are_taken(app):
    passwords.check("".join(chr(0x4E00 + place * 7) for place in range(256)))


def test_however_a_keyboard_writes_it_it_is_the_same_password(ana):
    accounts.set_password(ana, "un ñandú bajo la lluvia")
    db.session.commit()
    assert accounts.is_password(ana, "un n\u0303andu\u0301 bajo la lluvia")
    assert not accounts.is_password(ana, "un nandu bajo la lluvia")


def test_the_list_holds_many_thousands():
    listed = passwords.common()
    assert len(listed.words) * len(listed.endings) > 100_000
