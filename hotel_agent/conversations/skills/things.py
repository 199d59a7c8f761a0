"""What guests ask the people of a hotel for, recognised so that the hotel can name it in words of its own.

A guest's words are never repeated to them: what is not recognised here goes to colleagues as it was written, and is
told without a name. The names are the blocks of templates/replies/<language>/things.txt.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from hotel_agent.conversations import words
from hotel_agent.conversations.skills.negation import is_refused
from hotel_agent.nlu.text import fold

# By kind of request, on folded words, in three languages: first letters are enough where the ending varies.
_SPELT: Mapping[str, Mapping[str, str]] = {
    "housekeeping": {
        "towels": r"toall|toalh|towel",
        "toilet_paper": r"papel higienico|papel de bano|toilet (?:paper|roll)|loo roll"
        r"|papel de banheiro|rolls? of paper",
        "pillows": r"almohad|pillow|travesseir|almofada",
        "blankets": r"mantas?\b|frazada|cobija|cobertor|blanket|edredon|duvet|edredom",
        "sheets": r"sabanas?\b|sheets?\b|lencol|lencois|ropa de cama|bed ?linen|roupa de cama",
        "soap": r"jabon|gel de (?:ducha|bano)|\bgel\b|champu|shampoo|xampu|sabonete|soap|shower gel|acondicionador",
        "cot": r"\bcunas?\b|\bcots?\b|\bcribs?\b|\bbercos?\b",
        "hairdryer": r"secador|hair ?dryer",
        "iron": r"\bplancha\b|\bironing\b|\biron\b|ferro de passar",
        "cleaning": r"limpi(?:ar|en|eis|ad|eza|ais|a la)\b|hacer (?:la|el) (?:habitacion|cuarto|cama)"
        r"|\bclean|make up (?:the|my|our) room"
        r"|make the bed|limp(?:ar|eza|em)\b|arrumar o quarto|arrumem|hagan (?:la|el) (?:habitacion|cuarto)",
        "hangers": r"perchas?\b|hangers?\b|cabides?\b",
        "slippers": r"zapatillas|pantuflas|slippers|chinelos",
        "bathrobes": r"albornoz|batas?\b|bathrobe|roupao|roupoes",
        "toothbrush": r"cepillos? de dientes|tooth ?brush|escova de dentes",
        "glasses": r"\bvasos?\b|\bcopas\b|\bglasses\b|\bcopos?\b",
        "bin": r"papelera|basura|\bbin\b|trash|\blixo\b|lixeira",
    },
    "repair": {
        "air_conditioning": r"\baires?\b|climatizador|air ?con|\ba/?c\b|\bair conditioning\b"
        r"|\bar[- ]condicionado|\bo ar\b",
        "heating": r"calefaccion|heating|heater|radiador|radiator|aquecimento|aquecedor",
        "hot_water": r"agua caliente|hot water|agua quente",
        "water": r"\bno (?:hay|sale|tengo|tenemos) agua\b|sin agua\b|no water\b|sem agua\b|nao (?:tem"
        r"|ha|sai) agua\b",
        "shower": r"ducha|regadera|shower|chuveiro",
        "toilet": r"\binodoro|\bvater\b|\bwc\b|\bretrete|toilet(?! (?:paper|roll))|vaso sanitario"
        r"|descarga|cisterna|privada\b",
        "tap": r"\bgrifos?\b|\bcanilla|\bllave del agua|\bfaucet|\btaps?\b|\btorneira",
        "sink": r"lavabo|lavamanos|\bsink\b|\bbasin\b|\bpia\b",
        "television": r"\btele(?:vision|visor)?\b|\btv\b|televis",
        "wifi": r"\bwi-? ?fi\b|\binternet\b",
        "light": r"\bluz\b|\bluces\b|\blights?\b|\blamp|\blampara|\blampada|\bbombilla|\bbulb",
        "socket": r"\benchufe|\bsockets?\b|\boutlets?\b|\btomadas?\b",
        "power": r"electricidad|\bpower\b|electricity|\benergia\b|sin corriente",
        "door": r"\bpuerta|\bdoor\b|\bporta\b",
        "lock": r"cerradura|\block\b|fechadura",
        "key_card": r"tarjeta (?:de la|del|de)|\bllave(?! del agua)|key ?card|\bkey\b|cartao do quarto|\bchave\b",
        "window": r"\bventana|\bwindow|\bjanela|persiana|\bblinds?\b",
        "safe": r"caja fuerte|\bsafe\b|\bcofre\b",
        "fridge": r"nevera|frigorifico|minibar|\bfridge|frigobar|geladeira",
        "lift": r"ascensor|elevador|\blift\b|\belevator",
        "phone": r"telefono de la habitacion|\bphone in (?:the|my|our) room|telefone do quarto",
        "bed": r"\bcama\b|\bbed\b",
    },
    "room_service": {
        "water": r"\baguas?\b|\bwater\b",
        "coffee": r"\bcafes?\b(?! da manha)|\bcoffees?\b|cafezinho|cappuccino|espresso|cortado",
        "tea": r"\btes?\b(?= |$|[,.!?])(?<!te )|\bteas?\b|\bchas?\b|\binfusion",
        "juice": r"\bzumos?\b|\bjugos?\b|\bjuices?\b|\bsucos?\b",
        "beer": r"cervezas?|\bbeers?\b|cervejas?",
        "wine": r"\bvinos?\b|\bwines?\b|\bvinhos?\b",
        "sparkling_wine": r"\bcava\b|champan|champagne|prosecco|espumante",
        "soft_drink": r"coca-? ?cola|\bcoke\b|refresco|gaseosa|soft drink|refrigerante|\bsoda\b",
        "ice": r"\bhielo\b|\bice\b(?! cream)|\bgelo\b",
        "sandwich": r"sandwich|bocadillo|sanduiche|\bmisto\b",
        "burger": r"hamburgues|burger|hamburguer",
        "pizza": r"\bpizzas?\b",
        "salad": r"ensalada|\bsalads?\b|salada",
        "omelette": r"tortilla|omelet|omelete",
        "pasta": r"\bpasta\b|espagueti|spaghetti|macarr|massa\b",
        "soup": r"\bsopas?\b|\bsoups?\b",
        "fruit": r"\bfrutas?\b|\bfruits?\b",
        "dessert": r"\bpostres?\b|\bdesserts?\b|sobremesa|ice cream|helado|sorvete",
        "breakfast": r"desayuno|breakfast|cafe da manha",
        "dinner": r"\bcenas?\b|\bdinner\b|\bjantar\b",
    },
    "transport": {
        "taxi": r"\btaxis?\b|\bcabs?\b|\buber\b|\bremis\b",
        "airport_transfer": r"traslado|\btransfers?\b|shuttle|aeropuerto|airport|aeroporto|lanzadera",
    },
    "lost_item": {
        "charger": r"cargador|charger|carregador",
        "phone": r"\bmovil\b|\bcelular\b|telefono|\bphone\b|\biphone\b(?! charger)|\btelemovel|\btelefone",
        "headphones": r"auriculares|audifonos|headphones|earphones|earbuds|airpods|\bfones?\b",
        "wallet": r"cartera|billetera|wallet|\bpurse\b|carteira",
        "glasses": r"\bgafas\b|\blentes\b|anteojos|\bglasses\b|oculos",
        "jacket": r"chaqueta|\babrigo|cazadora|campera|chamarra|\bjacket|\bcoat\b|jaqueta|casaco",
        "bag": r"\bbolso|\bbolsa|mochila|\bbag\b|backpack|handbag|maleta|suitcase|\bmala\b",
        "watch": r"\breloj|\bwatch\b|\brelogio",
        "keys": r"\bllaves?\b|\bkeys?\b|\bchaves?\b",
        "passport": r"pasaporte|passport|passaporte",
        "jewellery": r"anillo|pendiente|collar\b|pulsera|aretes|\brings?\b|earring|necklace|bracelet"
        r"|\banel\b|brinco|colar\b",
        "laptop": r"portatil|laptop|ordenador|notebook|macbook",
        "tablet": r"tableta|\btablet|\bipad\b|kindle",
        "book": r"\blibro|\bbook\b|\blivro",
        "toy": r"peluche|juguete|\btoy\b|teddy|\bboneca|pelucia|brinquedo|muneca",
        "hat": r"\bgorra|\bgorro|sombrero|\bhat\b|\bcap\b|\bbone\b|chapeu",
        "clothes": r"camisa|camiseta|pantalon|vestido|jersey|sueter|zapatos|\bropa\b|\bshirt|trousers"
        r"|dress\b|sweater|shoes"
        r"|clothes|roupa|calcas?\b|sapatos|pijama|pyjama|bufanda|scarf|banador|swimsuit",
        "medicine": r"medicina|medicamento|pastillas|\bmedicine|\bmedication|\bpills\b|remedio",
    },
    "question": {
        "bicycles": r"bicicleta|\bbicis?\b|\bbicycle|\bbikes?\b|\bbike\b",
        "car_rental": r"(?:alquil\w*|rent\w*|alug\w*|hire) (?:\w+ ){0,2}(?:coches?|autos?|carros?"
        r"|cars?)|(?:coche|auto|carro)s? de (?:alquiler|aluguel)|\bcar (?:rental|hire)",
        "scooters": r"patinete|\bscooter|\bmotos?\b|motorbike",
        "massages": r"masaj|massag",
        "yoga": r"\byoga\b|\bioga\b",
        "sauna": r"\bsauna|\bjacuzzi|hidromas|hot tub",
        "heated_pool": r"(?:piscina|pool).{0,20}(?:climatiz|calefac|calient|heated|warm|aquecid)"
        r"|(?:heated|warm) (?:swimming )?pool",
        "internet_speed": r"\bmegas?\b|mbps|velocidad|(?:fast|speed).{0,20}(?:wi-? ?fi|internet)"
        r"|(?:wi-? ?fi|internet).{0,20}(?:fast|speed|rapid)",
        "cigarettes": r"cigarr|tabaco|tobacco|\bfags\b",
        "cash_machine": r"cajero|\batm\b|cash machine|caixa eletronico",
        "money_exchange": r"cambi(?:o|an|ais|ar) (?:de )?(?:dinero|dolares|moneda|divisas)"
        r"|(?:currency|money) exchange|exchange (?:money|currency|dollars)|cambio de moeda"
        r"|trocam? (?:dolares|dinheiro)",
        "halal_kosher": r"\bhalal\b|\bkosher\b",
        "tennis": r"\btenis\b|\btennis\b|\bpadel\b|squash",
        "billiards": r"billar|pool table|sinuca|bilhar|ping ?pong|table tennis",
        "laundry": r"lavander|laundry|lavan? ropa|lavam roupa|dry ?clean|tintorer",
        "babysitter": r"canguro|ninera|babysit|\bbaba\b",
        "microwave": r"microondas|microwave|micro-ondas",
        "kettle": r"hervidor|kettle|chaleira",
        "umbrella": r"paraguas|umbrella|guarda-? ?chuva",
        "hairdresser": r"peluquer|hairdress|cabeleireir",
        "shop": r"\btiendas?\b|\bshop\b|\bloja\b|souvenir",
        "library": r"biblioteca|\blibrary",
        "karaoke_or_disco": r"karaoke|discoteca|night ?club|\bbalada\b",
        "weddings": r"\bbodas?\b|wedding|casamento",
        "meeting_room": r"sala de (?:reuniones|juntas|reunioes)|meeting room|conference",
        "printer": r"imprimir|impresora|\bprint|\bfax\b|impressora",
        "boat_trips": r"\bbarco|\bboat|\bkayak|jet ski|motos? de agua|bucear|diving|mergulho",
        "sunbeds": r"hamaca|sombrilla|reposera|tumbona|sunbed|parasol|guarda-? ?sol|espreguicadeira",
        "electric_charger": r"cargador (?:de |para )?(?:coche|auto|carro)s? electric|electric car"
        r"|carro eletrico|\btesla",
    },
    "errand": {
        "wake_up_call": r"\b(?:me|nos) (?:\w+ ){0,2}despert\w+|\bdespert(?:ad|arme|arnos|ais|ame|eme"
        r"|enme|anos|en)\b|\bme desperte[ms]?\b|\bme acord(?:em|e|ar)\b"
        r"|wake[- ]?(?:up call|me up|us up)|servicio de despertador|llamada de despertador|servico de despertar",
        "luggage_carried": r"\b(?:sub|baj)(?:id|an|anme|anos|is|ir|en|enme|eme|a)(?:nos"
        r"|me)? (?:por favor )?(?:las |mis |nuestras |el |los )?"
        r"(?:maleta|equipaje|bolso|valija)|(?:bring|carry|take|send) (?:\w+ ){0,3}(?:luggage|bags"
        r"|suitcases?) (?:up|down|to)"
        r"|help with (?:my|our|the) (?:luggage|bags)|(?:subir|descer|levar"
        r"|levem) (?:\w+ ){0,2}(?:malas?|bagagem) (?:para|ao|pro)",
    },
}  # fmt: skip
_PATTERNS = {kind: {thing: re.compile(spelt) for thing, spelt in things.items()} for kind, things in _SPELT.items()}
_JOINED = {"es": " y ", "en": " and ", "pt": " e "}
_AND_HI = re.compile(r"^h?i(?!e)", re.IGNORECASE)


def things_in(kind: str, text: str) -> tuple[str, ...]:
    """The things of that kind that the words name, in the order in which they come."""
    line = fold(text)
    found = {thing: match.start() for thing, spelt in _PATTERNS.get(kind, {}).items() if (match := spelt.search(line))}
    if "hot_water" in found:
        found.pop("water", None)
    if kind == "repair" and len(found) > 1:
        found.pop("bed", None)  # It is where the water drips.
    return tuple(sorted(found, key=lambda thing: found[thing]))


def only_refused(kind: str, text: str, language: str) -> bool:
    """Whether things of that kind are named, and all of them as what is not wanted."""
    line = fold(text)
    places = [match for spelt in _PATTERNS.get(kind, {}).values() for match in spelt.finditer(line)]
    return bool(places) and all(is_refused(line, place, language) for place in places)


def named(spoken: str, kind: str, things: Iterable[str]) -> str:
    """ "toallas y mantas", in the hotel's words."""
    language = words.language_of(spoken)
    names = [words.say(spoken, f"things.{kind}_{thing}") for thing in things]
    if len(names) < 2:
        return "".join(names)
    joined = " e " if language == "es" and _AND_HI.match(names[-1]) else _JOINED[language]
    return ", ".join(names[:-1]) + joined + names[-1]
