"""Who comes: adults, children and their ages, rooms."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from hotel_agent.nlu.numbers import number
from hotel_agent.nlu.text import masked

_N = r"(?P<n>\d{1,3}|una|un|uno|uma|um|one|an|a|sus|mis)"
_KID = (
    r"(?:nin[oa]s?|ninit[oa]s?|nen[ea]s?|nenit[oa]s?|chic[oa]s|chiquit[oa]s?|chiquilin\w*|chamac[oa]s?"
    r"|chavit[oa]s?|guaguas?|guag[uü]it\w+|pequen[oa]s?|peques?|peq|menor(?:es)?|criatura|criaturas|"
    r"hij[oa]s?|hijit[oa]s?|pib[ea]s?|crios?|crias?|bebes?|bebit[oa]s?|bb|bbs|niet[oa]s?|sobrin[oa]s?"
    r"|adolescentes?|kids?|kiddos?|child|children|childs|toddlers?|teens?|teenagers?|"
    r"bab(?:y|ies)|infants?|newborn|sons?|daughters?|boys?|girls?|grandkids?|grandson|granddaughter"
    r"|grandchild(?:ren)?|nephews?|nieces?|little ones?|criancas?|filh[oa]s?|filhinh[oa]s?|bebezinh[oa]"
    r"|menin[oa]s?|net[oa]s?|netinh[oa]s?|"
    r"sobrinh[oa]s?|recien nacid[oa]|recem[- ]nascid[oa])"
)
_BABY = (
    r"(?:bebes?|bebit[oa]s?|bb|bab(?:y|ies)|infants?|newborn|bebezinh[oa]|recien nacid[oa]"
    r"|recem[- ]nascid[oa]|guaguas?)"
)
_AGE_UNIT = r"(?:anos?|anitos|anios?|years?|yrs?|yo\b|y\.?o\.?|year-olds?|years? olds?|a\b)"
_MONTHS_OLD = r"(?:mes(?:es|itos)?|months?|mths?)"
_KIDS = re.compile(
    rf"\b{_N} ?(?:mas |more |other |outr[oa]s |small |young |little |teenage |lindos |pequen[oa]s "
    rf"|filh[oa]s |hij[oa]s |school age )?(?P<kid>{_KID})(?: (?:pequen[oa]s?|chic[oa]s?|menores"
    rf"|adolescentes?|de edad|de idade|small|little))?\b"
)
_OWN_KID = re.compile(
    r"\b(?:mi|nuestr[oa]|my|our|minha|meu|noss[oa]|el|la|the|o|a|su|con|con el|with) (?:little |small "
    r"|teenage |unic[oa] |baby |pequen[oa] |newborn )?"
    r"(?P<kid>hij[oa]|hijit[oa]|nen[ea]|nin[oa]|bebe|bebit[oa]|bb|peque|pequen[oa]|niet[oa]|sobrin[oa]"
    r"|adolescente|son|daughter|kid|child|baby|toddler|newborn|grandson|granddaughter|"
    r"little one|filh[oa]|filhinh[oa]|crianca|net[oa]|menin[oa]|recien nacid[oa]|boy|girl)\b"
)
_SOME_KIDS = re.compile(
    r"\b(?:mis|nuestr[oa]s|my|our|minhas|meus|noss[oa]s|l[oa]s|the|con|with|com) (?P<kid>hij[oa]s"
    r"|nin[oa]s|nenes|nenas|chicos|peques|niet[oa]s|sobrin[oa]s|kids|children|sons|daughters|grandkids"
    r"|grandchildren|filh[oa]s|criancas|net[oa]s)\b"
)
_NO_KIDS = re.compile(
    r"\b(?:sin|no|ningun|without|without any|sem|nenhuma|0|nada de) (?:hay |llevamos |tenemos |van "
    r"|vamos con |temos |tem |tenho |have |any |kids or )?(?:nin[oa]s?|hijos|menores|kids?|children"
    r"|child|criancas?|filhos|bebes|peques)\b"
    r"|\b(?:solo|only|just|so|somente|apenas) (?:\d+ )?adult[oa]?s\b"
)
_AGED_KID = re.compile(
    r"\b(?P<n>\d{1,2}|a|an|one)[- ](?P<u>year|month|yr|mo)s?[- ]?old(?P<s>s)?(?: (?P<kid>kid|child|son"
    r"|daughter|boy|girl|baby|toddler|twins))?\b"
)
_AGE_LIST = re.compile(
    rf",? ?\(?(?:(?:pequen[oa]s |chic[oa]s )?(?:de edades? |de edad |edades?:? |con |de |que tienen? "
    rf"|tienen? |tiene |tem |que tem |com |aged |ages |age |of ages? |aged? of |of |is |are |who is "
    rf"|who are |idades? |de idade |from |:|- ?)+ ?)?\(? ?"
    rf"(?P<ages>\d{{1,2}}(?: ?{_AGE_UNIT})?(?:(?: ?, ?y |,? ?e |,? ?y |,? and | ?& ?|, ?|/"
    rf"| ?\+ ?)\d{{1,2}}(?: ?{_AGE_UNIT})?)*)(?P<unit> ?{_AGE_UNIT}| ?{_MONTHS_OLD})?\b ?\)?"
)
_AGE_LEAD = re.compile(
    r"^,? ?(?:\(|de |con |tienen |tiene |que |tem |com |aged|ages|age|of |idade|edad|:|who |is |are |-)"
)
_ADULTS = re.compile(
    rf"\b{_N} ?(?:persona |personas |people |pessoas )?(?P<word>adult[oa]?s?|adlts?|ads?|adl"
    rf"|grown[- ]?ups?|mayores|grandes|adultos mayores|senhoras|senhores|senoras|senores|ladies|mujeres"
    rf"|hombres|women|men|mulheres|homens)\b(?! de \d)"
)
_TOTAL = re.compile(
    r"(?:\b(?P<o1>\d{1,2}) ?(?:o|u|or|ou|-|a|to) ?)?\b(?P<n>\d{1,3}|una|uma|un|one|1)(?: (?:o|u|or"
    r"|ou) (?P<or>\d{1,2}))? ?(?:sola |so |unica |single |other |otras |outras |mas |more )?"
    r"(?P<word>personas?|pers?\b|pax|people|persons?|guests?|pessoas?|huesped(?:es)?|hospedes?"
    r"|viajeros?|travell?ers?|pasajeros?|of us|de nosotros|de nos\b|amig[oa]s|friends|integrantes"
    r"|plazas|colegas|companeros|companeras|colleagues|gentes|cabezas)\b"
)
_WE_ARE = re.compile(
    r"\b(?:somos|seremos|seriamos|iremos|iriamos|vamos|vamos a ser|vamos a ir|viajamos|estamos|we are"
    r"|we will be|there are|there will be|party of|group of|grupo de|total de|total of|in total"
    r"|en total|en total somos|"
    r"e para|eramos|somos en|vamos em|estaremos|seria para|seria pra|es para|e pra|it is for|being"
    r"|make it|num total de)"
    r"(?: solo| solamente| just| only| apenas| so| now| ahora| unos| en total| nosotros"
    r"| a)? (?P<n>\d{1,3})(?: (?:o|u|or|ou) (?P<or>\d{1,2}))?\b(?![/:.,-]?\d)"
    r"(?! ?(?:noche|night|noite|dia|day|room|hab|quarto|cuarto|cama|bed|hora|hour|semana|week|mes|month|am\b|pm\b))"
)
_AFTER_FOR = (
    r"(?! ?(?:noche|night|noite|dia|day|de (?:ene|feb|mar|abr|may|jun|jul|ago|sep|set|oct|nov|dic|jan"
    r"|fev|mai|out|dez|este|la )|de \w+brero|semana|week|hora|hour|mes|month|am\b|pm\b|hs?\b|hab|room"
    r"|quarto|cuarto|cama|bed|ene|"
    r"feb|mar|apr|abr|may|jun|jul|aug|ago|sep|set\b|oct|nov|dec|dic|jan|fev|mai|out\b|dez|del mes|st\b"
    r"|nd\b|rd\b|th\b|eur|usd|\$|€|al \d|ao \d|a \d|to \d|-\d|/|:|perr|dog|gato|cat|coche|car|maleta"
    r"|toalla|towel|o'?clock|_))"
)
_FOR = re.compile(
    r"\b(?:para|for|pra|p|x)(?: nosotros| nos| us| los| the| as| os| solo| only| just)? (?P<n>\d{1,2}"
    r"|un[ao]? sol[ao]|just one|one|uno)\b(?! \d*[/:])" + _AFTER_FOR
)
_RANGE_FOR = re.compile(
    r"\b(?:para|for|pra|somos|we are|seremos) (?P<a>\d{1,2}) (?:o|u|or|ou) (?P<b>\d{1,2})\b" + _AFTER_FOR
)
_ONE = re.compile(
    r"\b(?:solo yo|yo solo|yo sola|solamente yo|nada mas yo|just me|only me|me only|just myself"
    r"|only myself|by myself|for myself only|it is me|viajo sol[oa]|voy sol[oa]|ire sol[oa]"
    r"|vengo sol[oa]|travell?ing alone|alone|on my own|"
    r"solo traveler|solo traveller|viajando sozinh[oa]|sozinh[oa]|so eu|somente eu|apenas eu|eu so"
    r"|para mi sol[oa]|para mi\b(?! (?:y|e|mujer|marido|espos|novi|pareja|hij|madre|padre|mama|papa"
    r"|herman|amig|famil|abuel|suegr|ti[oa]|prim))|uno solo|una sola|pra mim|for me(?! and)|"
    r"sol[oa] para mi|una unica persona|soy solo yo|soy yo sol[oa]|individualmente|vou sozinh[oa])\b"
)
_PAIR = re.compile(
    r"\b(?:en pareja|somos pareja|una pareja|un matrimonio|somos matrimonio|somos un matrimonio"
    r"|a couple|as a couple|we are a couple|um casal|somos casal|em casal|para casal|para pareja"
    r"|pareja con|casal com|couple with|"
    r"somos los 2|nosotros 2|nosotras 2|nos 2|los 2 solos|the 2 of us|both of us|2 of us|nos dois"
    r"|nos duas|pareja y|en luna de miel|on our honeymoon|mi pareja y yo)\b(?! (?:of|de) (?:days|small"
    r"|dias))"
    r"|(?:^|[,;])\W*(?:(?:para|pra|for|somos|we are|es|e) )?(?:casal|pareja|couple|matrimonio)\W*$"
    r"|\bme ?(?:\+|plus|and) ?1\b|\byo (?:\+|y|mas) ?1 ?(?:mas)?\b|\beu (?:\+|e mais|mais) ?(?:1|um|uma)\b"
)
_PAIRS = re.compile(r"\b(?P<n>\d{1,2}) (?:parejas|couples|casais|matrimonios)\b")
_FAMILY_OF = re.compile(
    r"\b(?:familia|family|familia nuestra) (?:de|of|com|con) (?P<n>\d{1,2})\b(?! (?:hij|filh|nin|kid"
    r"|child|crianca))"
)
_RELATIVE = (
    r"(?P<rel>mujer|senora|esposa|esposo|marido|novi[oa]|pareja|companer[oa]|suegr[oa]|madre|padre|mama"
    r"|papa|viej[oa]|herman[oa]|amig[oa]|abuel[oa]|ti[oa]|prim[oa]|cunad[oa]|yerno|nuera|socio|jef[ea]"
    r"|colega|prometid[oa]|"
    r"wife|husband|girlfriend|boyfriend|partner|fiancee?|spouse|hubby|mum|mom|mother|father|dad|sister"
    r"|brother|friend|mate|aunt|uncle|cousin|grandma|grandpa|grandmother|grandfather|boss|colleague"
    r"|mother-in-law|father-in-law|mother in law|"
    r"father in law|mulher|namorad[oa]|noiv[oa]|companheir[oa]|mae|pai|irma|irmao|sogr[oa]|av[oa]|vovo"
    r"|prim[oa]|cunhad[oa]|conjuge|parceir[oa])"
)
_PLURAL_RELATIVES = (
    r"(?P<rels>padres|papas|viejos|suegros|abuelos|parents|in-laws|in laws|grandparents|folks|pais"
    r"|sogros|avos)"
)
_ONE_RELATIVE = re.compile(
    rf"(?:\b(?:mi|my|our|minha|meu|nuestr[oa]|noss[oa]|a|an|un|una|uma|um|el|la|the|1|su|her|his|another"
    rf"|otr[oa]|con|com|with)) (?:minha |meu |mejor |best |futur[oa] |old "
    rf"|dear )?{_RELATIVE}\b(?! (?:de|of|from|dos) )"
)
_TWO_RELATIVES = re.compile(rf"\b(?:mis|my|our|meus|nuestros|nossos|los|the|os) (?:2 )?{_PLURAL_RELATIVES}\b")
_MANY_RELATIVES = re.compile(
    r"\b(?:con |with |com |y |and |e )?(?:mis |my |our |meus "
    r"|minhas )?(?P<n>\d{1,2}) (?P<rels>herman[oa]s|amig[oa]s|ti[oa]s|prim[oa]s|friends|mates|sisters"
    r"|brothers|cousins|irmaos|irmas|companer[oa]s|colleagues|buddies|amigas)\b"
)
_SPEAKER = re.compile(
    r"\b(?:yo|me|i|eu|myself|conmigo|mi persona|mi mism[oa]|para mi)\b(?! (?:llamo|gustaria|quiero|need"
    r"|want|would|am|have|preciso|quero|puede|pueden|podria|confirm|interesa|da|dan|dice|indica"
    r"|responde|pod|sale|quedo|quedaria))"
)
_COMPANY = re.compile(
    r"\b(?:con|with|com|somos|we are|viajo|viajamos|travell?ing|voy|vou|iremos|vamos|seremos|seriamos"
    r"|para|for|pra|party|adult|and|y|e|plus|mas|mais|me|yo|eu|i)\b|[,+&]"
)
_FOR_OTHERS = re.compile(r"\b(?:para|for|pra)(?: a| o)? $")
_PARTY = re.compile(
    r"\W*(?:somos |seremos |we are |para |for )?(?P<a>\d{1,2})(?: ?(?:ad|adultos?|adults?|a))? ?(?:y|e"
    r"|and|\+|,|&|mas|mais|con|com|with|/) ?(?P<c>\d{1,2})(?: ?(?:n|ninos?|kids?|child|children"
    r"|criancas?|c|menor|menores))?\W*"
)
_SPOKEN_TO = re.compile(
    r"\b(?:hablar|hable|habla|comunicar\w*|contactar\w*|atienda|atender\w*|pasame|paseme|pasas|speak"
    r"|talk|chat|connect|transfer|falar|"
    r"conversar|atendido|quiero|prefiero|quero) (?:por favor |me )?(?:con|to|with|com|por|a)? ?$"
)
_BARE = re.compile(
    r"\W*(?:solo |only |just |so |somos |we are |serian |seriamos |seremos |son |apenas |para |for "
    r"|pra |with |con |com |vamos )?(?P<n>\d{1,3}|una?|uno|uma?|one|ningun[oa]?|none|nenhuma?|no|nao|0"
    r"|sin|zero|nobody|nadie|ninguem)(?: nada mas| only| por favor| please| total| en total)?\W*"
)
_ROOMS = re.compile(
    r"(?<![\d/.,:-])\b(?P<n>\d{1,2}|one|una sola|una unica|uma so) (?:de las |of the |more |mas "
    r"|mais )?(?:(?:doubles?|singles?|twin|triple|family|individual|standard|separate|different"
    r"|connecting|adjoining|quiet|cheap|non smoking|diferentes) )?"
    r"(?P<word>habitacion(?:es)?|cuartos|piezas|rooms?|quartos?|bedrooms?|dormitorios|recamaras"
    r"|apartamentos|dobles|individuales|sencillas|suites|familiares|singles|doubles|triples|duplos"
    r"|simples|matrimoniales|single rooms|double rooms)\b"
)
_ADULT_AGE = 18
_IMPOSSIBLE = 60
_MOST_ROOMS = 40


@dataclass
class Party:
    adults: int | None = None
    children: int | None = None
    ages: list[int] = field(default_factory=list)
    rooms: int | None = None
    ambiguous: list[str] = field(default_factory=list)
    line: str = ""


def find_party(line: str, expected: str | None) -> Party:
    """The people and rooms of a tidy line whose days and times may still be in it."""
    return _Count(line, expected).party()


class _Count:
    """One pass over a line; what is counted is blotted out, so that nobody is counted twice."""

    def __init__(self, line: str, expected: str | None) -> None:
        self.line = line
        self.rest = line
        self.expected = expected
        self.found = Party()
        self.grown_children = 0

    def party(self) -> Party:
        self._rooms()
        self._children()
        adults = self._adults()
        relatives = self._relatives()
        total = self._total()
        self._settle(adults, relatives, total)
        self._answer_to_a_question()
        self.found.line = self.rest
        return self.found

    def _take(self, match: re.Match[str], start: int | None = None, end: int | None = None) -> None:
        self.rest = masked(self.rest, match.start() if start is None else start, match.end() if end is None else end)

    def _rooms(self) -> None:
        matches = list(_ROOMS.finditer(self.rest))
        for match in matches:
            self._take(match, end=match.end("n"))
        amount = sum(number(match["n"].split()[0]) for match in matches)
        if 0 < amount <= _MOST_ROOMS:
            self.found.rooms = amount

    def _children(self) -> None:
        counts: list[int] = []
        ages: list[int] = []
        unknown = False
        for match in _AGED_KID.finditer(self.rest):
            if match["n"].isdigit() and int(match["n"]) < _ADULT_AGE or match["u"].startswith("m"):
                ages.append(
                    0
                    if match["u"].startswith("m") and number(match["n"]) < 12
                    else number(match["n"]) // (12 if match["u"].startswith("m") else 1)
                )
                twins = match["kid"] == "twins"
                counts.append(2 if twins else 1)
                ages += [ages[-1]] if twins else []
                self._take(match)
        none = _NO_KIDS.search(self.rest)
        if none:
            self._take(none, end=none.end() if not re.search("adult", none.group()) else none.start())
            self.found.children = 0
        for pattern in (_KIDS, _OWN_KID, _SOME_KIDS):
            while True:
                kid = self._next_kid(pattern)
                if kid is None:
                    break
                amount, unsure = self._kid(kid, ages)
                unknown |= unsure
                if amount:
                    counts.append(amount)
        if counts or ages:
            self.found.children = max(sum(counts), len(ages))
            self.found.ages = ages
        if unknown and not counts:
            self.found.ambiguous.append("children")
        if self.grown_children and not self.found.children:
            self.found.children = None

    def _next_kid(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        for match in pattern.finditer(self.rest):
            if pattern is _OWN_KID and not self._in_company(match):
                continue
            if pattern is _SOME_KIDS and not re.search(
                r"\b(?:con|with|com|y|and|e|viaj|travel|somos|we are)\b", self.rest[: match.end()]
            ):
                continue
            if (
                pattern is _KIDS
                and match["n"] in ("a", "un", "una")
                and re.match(r" (?:menu|friendly|club|pool|bed|seat|chair)", self.rest[match.end() :])
            ):
                continue
            return match
        return None

    def _in_company(self, match: re.Match[str]) -> bool:
        lead = match.group().split()[0]
        if lead in ("con", "with"):
            return True
        if re.match(
            r" (?:dejo|left|olvid|perdi|lost|esta enferm|is sick|se |vive|tiene (?:fiebre|alergia)"
            r"|has a fever|need)",
            self.rest[match.end() :],
        ):
            return False
        around = self.rest[max(0, match.start() - 28) : match.start()] + self.rest[match.end() : match.end() + 8]
        return bool(_COMPANY.search(around))

    def _kid(self, match: re.Match[str], ages: list[int]) -> tuple[int, bool]:
        """How many children these words add, their ages put on the list;
        and whether the number is unknown."""
        kid = match["kid"]
        said = match.groupdict().get("n")
        told = self._ages_after(match)
        start, end = match.start(), match.end() + (told[1] if told else 0)
        listed = told[0] if told else []
        if match.re is _SOME_KIDS and not listed:
            self._take(match)
            return 0, True
        plural_own = said in ("sus", "mis")
        amount = len(listed) if match.re is _SOME_KIDS or plural_own else number(said) if said else 1
        # A grown-up son is one more adult.
        self.grown_children += sum(age >= _ADULT_AGE for age in listed)
        minors = [age for age in listed if age < _ADULT_AGE]
        amount -= len(listed) - len(minors)
        if not listed and re.fullmatch(_BABY, kid) and amount <= 3:
            minors = [0] * amount
        ages += minors[: amount if amount > 0 else 0] if said and len(minors) > amount else minors
        self._take(match, start, end)
        return max(amount, 0), False

    def _ages_after(self, match: re.Match[str]) -> tuple[list[int], int] | None:
        tail = self.rest[match.end() : match.end() + 48]
        told = _AGE_LIST.match(tail)
        if not told:
            return None
        lead = tail[: told.start("ages")]
        unit = told["unit"] or ""
        named = bool(re.search(r"\b(?:anos?|anitos|anios?|year|yr|yo|y\.?o|mes|month)", told.group()))
        kids = number(match["n"]) if (match.groupdict().get("n") or "").isdigit() else 1
        listed = list(re.finditer(r"\d+", told["ages"]))
        if not named and lead == ", " and len(listed) >= kids > 1:
            # "2 kids, 4 and 9": as many numbers as children.
            return [int(age.group()) for age in listed[:kids]], told.start("ages") + listed[kids - 1].end()
        if not named and (not _AGE_LEAD.match(lead) or re.match(r"^,? ?(?:con|com|y) ?$", lead)):
            return None
        if not named and re.match(
            r" ?(?:de (?:ene|feb|mar|abr|may|jun|jul|ago|sep|oct|nov|dic)|/|al |noche|night|noite|adult"
            r"|hab|room|-)",
            tail[told.end() :],
        ):
            return None
        numbers = [int(age) for age in re.findall(r"\d+", told["ages"])]
        if re.match(rf" ?{_MONTHS_OLD}", unit):
            numbers = [age // 12 for age in numbers]
        if not named and len(numbers) > max(kids, 1) and match.re is _KIDS:
            numbers = numbers[:kids]
            end = [found.end() for found in re.finditer(r"\d+", tail[: told.end()])][len(numbers) - 1]
            return numbers, end
        return (numbers, told.end()) if all(age <= 99 for age in numbers) else None

    def _adults(self) -> int | None:
        counted = []
        for match in _ADULTS.finditer(self.rest):
            if match["word"] in ("grandes", "men", "women") and not match["n"].isdigit():
                continue
            if match["n"] in ("sus", "mis"):
                continue
            counted.append(number(match["n"]))
            self._take(match)
        return sum(counted) if counted else None

    def _relatives(self) -> int | None:
        """Adults in "mi mujer, mi suegra y yo"; the speaker comes along unless it is for somebody else."""
        adults, first, others = 0, None, True
        for pattern, many in ((_ONE_RELATIVE, 1), (_TWO_RELATIVES, 2), (_MANY_RELATIVES, 0)):
            for match in pattern.finditer(self.rest):
                around = (
                    self.rest[max(0, match.start() - 28) : match.start()]
                    + " "
                    + self.rest[match.end() : match.end() + 8]
                )
                lead = match.group().split()[0]
                if lead not in ("con", "with", "com") and not _COMPANY.search(around):
                    continue
                adults += many or int(match["n"])
                first = match.start() if first is None else min(first, match.start())
                others = (
                    others and bool(_FOR_OTHERS.search(self.rest[: match.start()])) or others and first != match.start()
                )
                self._take(match)
        if first is None:
            children_with_me = self.found.children and re.search(
                r"\b(?:yo con|viajo con|voy con|vou com|i am (?:travell?ing|coming) with|me and|y yo"
                r"|and me|and i|e eu|just me and|eu e|yo y)\b",
                self.line,
            )
            return 1 if children_with_me else None
        for_others = bool(_FOR_OTHERS.search(self.rest[:first])) and not _SPEAKER.search(self.rest)
        return adults + (0 if for_others else 1)

    def _total(self) -> int | None:
        pairs = _PAIRS.search(self.rest)
        if pairs:
            self._take(pairs)
            return 2 * int(pairs["n"])
        if _RANGE_FOR.search(self.rest):
            self.found.ambiguous.append("adults")
            return None
        for pattern in (_TOTAL, _WE_ARE, _FOR):
            matches = [match for match in pattern.finditer(self.rest) if not self._is_spoken_to(match)]
            if not matches:
                continue
            match = matches[-1]
            parts = match.groupdict()
            if parts.get("or") or parts.get("o1"):
                self.found.ambiguous.append("adults")
                return None
            for one in matches:
                self._take(one)
            return number(match["n"]) if match["n"].isdigit() else 1
        family = _FAMILY_OF.search(self.rest)
        if family:
            self._take(family)
            if not self.found.children:
                self.found.ambiguous.append("adults")
                return None
            return int(family["n"])
        if _PAIR.search(self.line):
            return 2 + (self.found.children or 0)
        return 1 + (self.found.children or 0) if _ONE.search(self.line) else None

    def _is_spoken_to(self, match: re.Match[str]) -> bool:
        """Whether somebody is asked for ("hablar con una persona"), not counted."""
        return bool(_SPOKEN_TO.search(self.rest[max(0, match.start() - 30) : match.start()]))

    def _settle(self, adults: int | None, relatives: int | None, total: int | None) -> None:
        children = self.found.children or 0
        if adults is not None:
            self.found.adults = adults
            if total is not None and total > adults and not children and self.found.children is None:
                self.found.children = total - adults
        elif relatives is not None and total is not None and total > children and total - children != relatives:
            self.found.adults = total - children
        elif relatives is not None:
            self.found.adults = relatives
        elif total is not None:
            self.found.adults = max(total - children, 0) if children else total
            if children and total - children <= 0:
                # "para 2 con 2 niños" counts the two apart.
                self.found.adults = total
        if self.found.adults is not None:
            self.found.adults += self.grown_children if relatives is not None or total is None else 0
            if not 0 <= self.found.adults <= 500:
                self.found.adults = None

    def _answer_to_a_question(self) -> None:
        """Numbers alone mean what was asked."""
        party, expected = self.found, self.expected
        if expected not in ("adults", "children", "party"):
            return
        pair = _PARTY.fullmatch(self.line)
        if pair and party.adults is None and party.children is None:
            party.adults, party.children = int(pair["a"]), int(pair["c"])
            self.rest = masked(self.rest, 0, len(self.rest))
            return
        bare = _BARE.fullmatch(self.line)
        if bare is None:
            return
        word = bare["n"]
        if not word.isdigit() and word not in ("un", "una", "uno", "uma", "um", "one"):
            if expected == "children":
                party.children = 0
            return
        value = number(word)
        if value > _IMPOSSIBLE:
            return
        if expected == "children":
            party.children, party.adults = value, None
        elif party.adults is None and party.children is None:
            party.adults = value
        self.rest = masked(self.rest, 0, len(self.rest))
