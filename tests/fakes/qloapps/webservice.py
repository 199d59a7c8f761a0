"""The web service's door: who may come in, which resource is meant, and which words a failure gets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from tests.fakes.double import HTML, Answer
from tests.fakes.qloapps import availability, bookings, rest
from tests.fakes.qloapps.call import JSON, ROOT, XML, Call, Died, Missing, Mode, Refusal, Uncaught
from tests.fakes.qloapps.resources import METHODS, NAMES, WORDS
from tests.fakes.qloapps.values import did_you_mean, php_json

VERSION = "1.6.1.23"
REALM = (
    'Basic realm="Welcome to PrestaShop Webservice, please enter the authentication key as the login. '
    'No password required."'
)
UNCAUGHT = (
    "\nFatal error: Uncaught PrestaShopException: {} in {}classes/ObjectModel.php:922\nStack trace:\n#0 {{main}}\n"
    "  thrown in {}classes/ObjectModel.php on line 922\n"
)
OFF = "The QloApps webservice is disabled. Please activate it in the QloApps Back Office"


@dataclass
class Settings:
    """The installation's own. `permissions` None allows everything, else the methods of each resource.

    `mode` is how PHP shows its errors: `masked` (notices are not reported), `hidden` (the stock php.ini: a notice
    makes a 500 after the work is done), `display_errors` (PHP prints them itself: a crash is a 200 with `Fatal error`).
    """

    key: str
    mode: Mode = "masked"
    enabled: bool = True
    permissions: dict[str, set[str]] | None = None

    def allows(self, resource: str) -> set[str]:
        return set(METHODS) if self.permissions is None else self.permissions.get(resource, set())


def answer(call: Call, settings: Settings) -> Answer:
    """What the web service says, headers included; what is raised on the way becomes an answer here."""
    if call.request.key is None:
        return Answer(401, b"401 Unauthorized", HTML, {"WWW-Authenticate": REALM})
    try:
        found = _guarded(call, settings)
    except Died as last:
        return Answer(200, str(last).encode(), HTML)
    except Uncaught as exception:
        return _uncaught(call, str(exception))
    found.headers.update({"PSWS-Version": VERSION, "X-Powered-By": "PrestaShop Webservice"})
    found.headers["Access-Time"] = str(int(call.shop.clock().timestamp()))
    return found


def _guarded(call: Call, settings: Settings) -> Answer:
    try:
        _let_in(call, settings)
        found = _served(call, settings)
    except Refusal as refusal:
        call.fail(refusal.status, refusal.code, refusal.message)
        found = Answer()
    except Missing:
        found = Answer(404)
    return call.answer_of_errors() if call.errors else found


def _uncaught(call: Call, message: str) -> Answer:
    """PHP decides: an empty 500, or a 200 that starts with `Fatal error`."""
    if call.mode == "display_errors":
        return Answer(200, UNCAUGHT.format(message, ROOT, ROOT).encode(), HTML)
    return Answer(500, b"", HTML)


def _let_in(call: Call, settings: Settings) -> None:
    key = call.request.key or ""
    if not settings.enabled:
        raise Refusal(503, 22, OFF)
    if not key:
        raise Refusal(401, 17, "Authentication key is empty")
    if len(key) != 32:
        raise Refusal(401, 18, "Invalid authentication key format")
    if key != settings.key:
        call.fail(401, 20, "Authentification key is not active")
        raise Refusal(401, 21, "No permission for this authentication key")


def _served(call: Call, settings: Settings) -> Answer:
    name, row_id = call.request.segments[:2]
    if not name:
        return _resources(call, settings)
    _check_resource(name, settings)
    _check_method(call.request.method, name, settings)
    if name == "bookings":
        return bookings.serve(call, row_id)
    with call.shop.lock:
        return _serve(name, row_id)(call)


def _serve(name: str, row_id: str) -> Callable[[Call], Answer]:
    if name == "hotel_ari":
        return availability.hotel_ari
    if name == "qlo":
        return availability.qlo
    return _extra_services if name == "extra_services" else partial(rest.serve, name=name, row_id=row_id)


def _extra_services(call: Call) -> Answer:
    raise Uncaught("Property HotelRoomTypeGlobalDemand->objectNodeName is missing")


def _check_resource(name: str, settings: Settings) -> None:
    if name not in NAMES:
        raise Refusal(400, 27, f'Resource of type "{name}" does not exists' + did_you_mean(name, NAMES))
    if not settings.allows(name):
        raise Refusal(401, 26, f'Resource of type "{name}" is not allowed with this authentication key')


def _check_method(method: str, name: str, settings: Settings) -> None:
    if method not in METHODS:
        raise Refusal(405, 23, f"Method {method} is not valid")
    if name == "bookings" and method == "DELETE":
        raise Refusal(405, 101, f"Method {method} is not allowed for the resource {name}")
    if method not in settings.allows(name):
        message = f"Method {method} is not allowed for the resource {name} with this authentication key"
        raise Refusal(405, 25, message)


def _resources(call: Call, settings: Settings) -> Answer:
    names = [name for name in NAMES if settings.allows(name)]
    if call.json:
        return Answer(200, php_json(names).encode(), JSON)
    found = "".join(_resource(call, name, settings.allows(name)) for name in names)
    answer = call.answer(None, f'<api shopName="{call.shop.name}">\n{found}</api>\n')
    answer.content_type = XML
    return answer


def _resource(call: Call, name: str, allowed: set[str]) -> str:
    link = f'xlink:href="{call.request.base}{name}'
    may = " ".join(f'{method.lower()}="{"true" if method in allowed else "false"}"' for method in METHODS)
    kinds = () if NAMES[name] else ("blank", "synopsis")
    schemas = "".join(f'<schema {link}?schema={kind}" type="{kind}"/>\n' for kind in kinds)
    words = WORDS.get(name) or WORDS[f"{name}*"]
    return f'<{name} {link}" {may}>\n<description {link}" {may}>\n{words}</description>\n{schemas}</{name}>\n'
