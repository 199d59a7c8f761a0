"""Hello, thanks and goodbye, when the guest says nothing else."""

from __future__ import annotations

from hotel_agent.conversations.talk import Part, Talk


def greet(talk: Talk) -> list[Part]:
    if talk.turn.first_contact:
        return [Part(talk.say("greet.help"), buttons=talk.menu(), asks=True)]
    name = (talk.guest.name or "").split(" ", 1)[0]
    return [Part(talk.say("greet.hello", name=name), buttons=talk.menu(), asks=True)]


def disclose(talk: Talk) -> Part:
    """At first contact: that this is an assistant, and where the privacy notice is."""
    hotel = talk.hotel
    return talk.part("greet.disclose", hotel=hotel.name, privacy_url=hotel.settings.get("privacy_url"))


def thank(talk: Talk) -> list[Part]:
    return [talk.part("thank.welcome")]


def goodbye(talk: Talk) -> list[Part]:
    return [talk.part("goodbye.bye")]
