"""Who comes: adults, children and their ages, rooms."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from hotel_agent.nlu.lexicons import any_of
from hotel_agent.nlu.numbers import number
from hotel_agent.nlu.text import masked

_N = r"(?P<n>\d{1,3}|una|un|uno|uma|um|one|an|a|sus|mis)"
_BABY = any_of("people", "babies")
_YOUNG = any_of("people", "young")
_KID = any_of("people", "kids", "babies", "young")
_TWINS = any_of("people", "twins")
_AND = r"(?:,|&|\+|\by\b|\be\b|\band\b|\bplus\b|\bmas\b|\bmais\b)"
_AGE_UNIT = r"(?:anos?|anitos|anios?|years?|yrs?|yo\b|y\.?o\.?|year-olds?|years? olds?|a\b)"
_MONTHS_OLD = r"(?:mes(?:es|itos)?|months?|mths?)"
_OF_THEM = r"(?:of them (?:are )?|of which (?:are )?|de ell[oa]s (?:son )?|del[ea]s (?:sao )?|son |sao |are )"
_KIDS = re.compile(
    rf"\b{_N} ?(?:{_OF_THEM}|mas |more |other |outr[oa]s |small |young |little |teenage |lindos |pequen[oa]s "
    rf"|filh[oa]s |hij[oa]s |school age |minor )?(?P<kid>{_KID})(?: (?:pequen[oa]s?|chic[oa]s?|menores"
    rf"|adolescentes?|de edad|de idade|small|little|del[ae]s?|suy[oa]s))?\b(?! de (?:un|una|la|el|um|uma|of a) )"
)
_OWN_KID = re.compile(
    r"\b(?:mi|nuestr[oa]|my|our|minha|meu|noss[oa]|el|la|the|o|a|su|con|con el|with) (?:little |small "
    rf"|teenage |unic[oa] |baby |pequen[oa] |newborn )?(?P<kid>{any_of('people', 'one_kid')})\b"
)
_SOME_KIDS = re.compile(
    r"\b(?:mis|nuestr[oa]s|my|our|minhas|meus|noss[oa]s|l[oa]s|as|os|the|con|with|com)"
    rf" (?P<kid>{any_of('people', 'some_kids')}|mi[oa]s|minhas|meus)\b"
    r"|(?:^|[,:;+] ?)(?P<kid2>kids|children|ninos|criancas)\b|\b(?P<kid3>mine|el mio|la mia|o meu"
    r"|a minha)\b(?= (?:is|are|tiene|tem) \d)"
)
_NEXT_KID = re.compile(rf"_ ?{_AND} (?P<kid>{any_of('people', 'one_kid')})\b")
_JOINED_BABY = re.compile(
    rf"(?:{_AND}|\bcon\b|\bwith\b|\bcom\b|\bn\b) ?(?P<kid>{_BABY}"
    rf"|{any_of('people', 'one_kid')}(?= (?:de )?\d+ ?(?:an|y)))\b"
)
_TWO_ALIKE = re.compile(
    rf"\b(?<!old )(?:(?P<n>2|unos|unas|mis|my|our|nuestr[oa]s|meus|minhas|os|as|l[oa]s) )?(?P<kid>{_TWINS})\b"
)
_TWO_AGED = re.compile(r"\b(?P<one>\d{1,2})-? (?:and|&|or)? ?(?P<two>\d{1,2})[- ]?(?:year|yr)s?[- ]?olds?\b")
_ONE_AND_OTHER = re.compile(
    r"\b(?:un[oa]?|one|uma?) (?:de |is |of |tiene |tem |aged )?(?P<one>\d{1,2})(?: anos)?,? (?:y|e|and|,) (?:el "
    r"|la |the |a |o )?"
    r"(?:otr[oa]|outr[oa]|other|another|un[oa]?|uma?|one) (?:de |is |of |tiene |tem "
    r"|aged )?(?P<two>\d{1,2})(?: anos)?\b"
)
_ANOTHER = re.compile(
    r"(?<=_)(?:,| y| e| and)*,? (?:el |la |the |a |o )?(?:otr[oa]|outr[oa]|other|another)(?: one)? (?:de |is |of "
    r"|aged )?(?P<n>\d{1,2})\b(?: anos)?(?! de )"
)
_SHORT = re.compile(
    r"\b(?P<a>\d{1,2}) ?(?:a|ad|adt|adts|adl) ?[+,&y]? ?(?P<c>\d{1,2}) ?(?:c|ch|chd|n|k|cca|ccas|nin)\b"
)
_NO_KIDS = re.compile(
    r"\b(?:sin|no|ningun|without|without any|sem|nenhuma|0|nada de) (?:hay |llevamos |tenemos |van "
    r"|vamos con |temos |tem |tenho |have |any |kids or )?(?:nin[oa]s?|hijos|menores|kids?|children"
    r"|child|criancas?|filhos|bebes|peques)\b"
    r"|\b(?:solo|only|just|so|somente|apenas) (?:\d+ )?adult[oa]?s\b"
)
_AGED_KID = re.compile(
    r"\b(?P<n>\d{1,2}|a(?=[- ])|an(?=[- ])|one(?=[- ]))[- ]?(?P<u>year|month|yr|mo|y(?=o\b|/o\b))s?[- ]?(?:old"
    r"|/?o)\b(?P<s>s)?(?: (?P<kid>kid|child|son"
    r"|daughter|boy|girl|baby|toddler|twins))?\b"
)
_NO_COUNT = (
    r"(?! ?(?:adult|person|pessoa|people|nin|hij|kid|child|crian|filh|noche|night|noite|mayor|hab|room|quarto|bab|beb))"
)
_AGE_LIST = re.compile(
    rf",? ?\(?(?:(?:pequen[oa]s |chic[oa]s )?(?:de edades? |de edad |edades?:? |con |de |que tienen? "
    rf"|tienen? |tiene |tem |que tem |com |aged |ages |age |of ages? |aged? of |of |is |are |who is "
    rf"|who are |whos |who |she |he |they |idades? |de idade |from |:|- ?)+ ?)?\(? ?"
    rf"(?P<ages>\d{{1,2}}(?: ?{_AGE_UNIT})?(?:(?: ?, ?y |,? ?e |,? ?y |,? and | ?& ?|, ?|/"
    rf"| ?\+ ?)\d{{1,2}}\b{_NO_COUNT}(?: ?{_AGE_UNIT})?)*)(?P<unit> ?{_AGE_UNIT}| ?{_MONTHS_OLD})?\b ?\)?"
)
_AGE_LEAD = re.compile(
    r"^,? ?(?:\(|de |con |tienen |tiene |que |tem |com |aged|ages|age|of |idade|edad|:|who|she |he |they |is |are |-)"
)
_ADULTS = re.compile(
    rf"\b{_N} ?(?:persona |personas |people |pessoas )?(?P<word>adult[oa]?s?|adlts?|ads?|adl"
    rf"|adts?|grown[- ]?ups?|mayores|grandes|adultos mayores|senhoras|senhores|senoras|senores|ladies|mujeres"
    rf"|hombres|women|men|mulheres|homens)\b(?! de \d)"
)
_TOTAL = re.compile(
    r"(?:\b(?P<o1>\d{1,2}) ?(?:o|u|or|ou|-|a|to) ?)?\b(?P<n>\d{1,3}|una|uma|un|one|1)(?: (?:o|u|or"
    r"|ou) (?P<or>\d{1,2}))? ?(?:sola |so |unica |single |other |otras |outras |mas |more )?"
    r"(?P<word>personas?|pers?\b|pax|people|persons?|guests?|pessoas?|huesped(?:es)?|hospedes?"
    r"|viajeros?|travell?ers?|pasajeros?|of us|de nosotros|de nos\b|amig[oa]s|friends|integrantes"
    r"|plazas|guys|blokes|colegas|companeros|companeras|colleagues|gentes|cabezas)\b"
)
_WE_ARE = re.compile(
    r"\b(?:somos?|seremos|seriamos|iremos|iriamos|vamos|vamos a ser|vamos ser|vamos a ir|viajamos|estamos|we are"
    r"|we will be|there are|there will be|party of|group of|grupo de|total de|total of|in total"
    r"|en total|en total somos|"
    r"e para|eramos|somos en|somos? em|estamos em|gente e em|gente vai em|vamos em|estaremos|seria para|seria pra"
    r"|es para|e pra|it is for|being"
    r"|make it|num total de)"
    r"(?: solo| solamente| just| only| apenas| so| now| ahora| unos| en total| nosotros"
    r"| a)? (?P<n>\d{1,3})(?: (?:o|u|or|ou) (?P<or>\d{1,2}))?\b(?![/:.,-]?\d)"
    r"(?! ?(?:noche|night|noite|dia|day|room|hab|quarto|cuarto|cama|bed|hora|hour|semana|week|mes|month|am\b|pm\b))"
)
_AFTER_FOR = (
    r"(?! ?(?:(?:o|or|ou|a|to|-) \d+ (?:noche|night|noite|dia|day)|noche|night|noite|dia|day|de (?:ene|feb|mar|abr"
    r"|may|jun|jul|ago|sep|set|oct|nov|dic|jan"
    r"|fev|mai|out|dez|este|la )|de \w+brero|semana|week|hora|hour|mes|month|(?:more|mas|mais) (?:noche|night"
    r"|noite|day|dia)|year|ano|min|moment|sec|last|am\b"
    r"|pm\b|hs?\b|hab|room"
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
    r"|vengo sol[oa]|travell?ing (?:alone|solo)|alone|on my own|coming solo|"
    r"solo traveler|solo traveller|viajando sozinh[oa]|sozinh[oa]|so eu|so para mim"
    r"|(?<!ver )(?<!mandar )(?<!enviar )(?<!dizer )(?<!manda )para mim\b(?! (?:e|y)\b|,)|somente eu|apenas eu"
    r"|eu so"
    r"|para mi sol[oa]|para mi\b(?! (?:y\b|e\b|beb|nen|nin|pequ|niet|sobrin|mujer|marido|espos|novi|pareja|hij|madre"
    r"|padre|mama|papa"
    r"|herman|amig|famil|abuel|suegr|ti[oa]|prim))|uno solo|una sola"
    r"|(?<!ver )(?<!mandar )(?<!enviar )(?<!dizer )(?<!manda )pra mim|for me(?! and)|"
    r"sol[oa] para mi|una unica persona|soy solo yo|soy yo sol[oa]|individualmente|vou sozinh[oa]|single (?:mum"
    r"|mom|dad|parent|person)|myself only|madre soltera|padre soltero|mae solteira)\b"
)
_PAIR = re.compile(
    r"\b(?:en pareja|somos pareja|una pareja|un matrimonio|somos matrimonio|somos un matrimonio"
    r"|a couple|as a couple|we are a couple|um casal|somos casal|em casal|para casal|para pareja"
    r"|(?<!mi )(?<!my )(?<!su )(?<!minha )(?:pareja|casal|couple|matrimonio)(?! e (?:um|uma|1) (?:dupl|solteiro"
    r"|twin|individual))(?= ?(?:con|com|with|y|e|and|plus|mais|mas|\+|&|,|_))|"
    r"somos los 2|nosotros 2|nosotras 2|nos 2|los 2 solos|the 2 of us|both of us|2 of us|nos dois"
    r"|nos duas|en luna de miel|on our honeymoon|mi pareja y yo)\b(?! (?:of|de) (?:days|small"
    r"|dias))"
    r"|(?:^|[,;])\W*(?:(?:para|pra|for|somos|we are|es|e) )?(?:casal|pareja|couple|matrimonio)\W*$"
    r"|\bme ?(?:\+|plus|and) ?1\b|\byo (?:\+|y|mas) ?1 ?(?:mas)?\b|\beu (?:\+|e mais|mais) ?(?:1|um|uma)\b"
)
_PARENTS = re.compile(
    r"(?<!mi )(?<!my )(?<!minha )(?<!meu )\b(?:papa|mama|mum|mom|dad|pai|mae),? (?:y |and |e |& )?(?:papa|mama|mum"
    r"|mom|dad|pai|mae)\b"
)
_PLUS = re.compile(
    r"\b(?:me|yo|eu) ?(?:\+|plus|mas|mais|e mais|and) ?(?P<n>\d)\b(?! ?(?:noch|night|noit|dia|day|nin|kid|child|crian))"
)
_US = re.compile(r"\b(?:nosotr[oa]s|nos [oa]s|us) (?P<n>\d)(?=\W*$|,| y | and | e )")
_PAIRS = re.compile(r"\b(?P<n>\d{1,2}) (?:parejas|couples|casais|matrimonios)\b")
_FAMILY_OF = re.compile(
    r"\b(?:familia|family|familia nuestra) (?:de|of|com|con) (?P<n>\d{1,2})\b(?! (?:hij|filh|nin|kid"
    r"|child|crianca))"
)
_RELATIVE = rf"(?P<rel>{any_of('people', 'relatives')})"
_PLURAL_RELATIVES = rf"(?P<rels>{any_of('people', 'pairs_of_relatives')})"
_ONE_RELATIVE = re.compile(
    rf"(?:\b(?:mi|my|our|minha|meu|nuestr[oa]|noss[oa]|a|an|un|una|uma|um|el|la|the|1|su|her|his|another"
    rf"|otr[oa]|con|com|with)) (?:minha |meu |mejor |best |futur[oa] |old "
    rf"|dear )?{_RELATIVE}\b(?! (?:de|of|from|dos) )"
)
_NEXT_RELATIVE = re.compile(rf"_ ?{_AND} ?{_RELATIVE}\b(?! (?:de|of|from|dos) )")
_TWO_RELATIVES = re.compile(rf"\b(?:mis|my|our|meus|nuestros|nossos|los|the|os) (?:2 )?{_PLURAL_RELATIVES}\b")
_MANY_RELATIVES = re.compile(
    r"\b(?:con |with |com |y |and |e )?(?:mis |my |our |meus "
    rf"|minhas )?(?P<n>\d{{1,2}}) (?P<rels>{any_of('people', 'friends')})\b"
)
# A pair that others may come with, unlike "en pareja", which says what the speaker and the partner are.
_BESIDE_OTHERS = re.compile(r"(?:un|una|um|a) (?:pareja|matrimonio|casal|couple)|nosotr[oa]s|nos |(?:the )?2 of us")
_THIRD_PERSON = re.compile(
    r" (?:is |are |will be |es |e )?(?:coming|arriving|staying|visiting|llega\w*|viene\w*|va(?! en silla)|van|ira"
    r"|iran|chega\w*|vem|vao|vai)\b"
)
# "Una señora" is somebody, "mi señora" the guest's wife.
_NOT_MINE = re.compile(
    r"(?:con |with |com )?(?:una?|el|la|uma?|a|the|un) (?:senora|mujer|mulher|viej[oa]|mother|father)\b"
)
_TO_THE_POOL = re.compile(
    r" (?:to|a|para|pra|in|en|na) (?:the |la |el |a |o )?(?:pool|piscina|gym|gimnasio|spa|bar|room|habitacion|quarto)\b"
)
_NOT_COMING = re.compile(
    r"\b(?:sorpresa|regalo|surprise|gift|present|birthday|cumple|cumpleanos|aniversario|presente|surpresa|invoice"
    r"|factura|fatura|nota fiscal"
    r"|receipt|recibo)\b[^.,;]{0,12}$"
)
_SPEAKER = re.compile(
    r"\b(?:yo|me|i|eu|mim|myself|conmigo|mi persona|mi mism[oa]|para mi)\b(?! (?:llamo|gustaria|quiero|need"
    r"|want|would|am|have|preciso|quero|puede|pueden|podria|confirm|interesa|da|dan|dice|indica"
    r"|responde|pod|sale|quedo|quedaria))"
)
_COMPANY = re.compile(
    r"\b(?:con|with|com|somos|we are|viajo|viajamos|travell?ing|voy|vou|iremos|vamos|seremos|seriamos"
    r"|para|for|pra|party|adult|and|y|e|plus|mas|mais|me|yo|eu|i)\b|[,+&]"
)
_FOR_OTHERS = re.compile(
    r"\b(?:para|for|pra|pro|pros|van?|vao|ira|vienen?|llegan?|vai|vem|seran|son|es|it is)(?: solo| so| just| only)?"
    r"(?: a| o| os)? $"
)
_PARTY = re.compile(
    r"\W*(?:somos |seremos |we are |para |for )?(?P<a>\d{1,2})(?: ?(?:ad|adultos?|adults?|a))? ?(?:y|e"
    r"|and|\+|,|&|mas|mais|con|com|with|/) ?(?P<c>\d{1,2})(?: ?(?:n|ninos?|kids?|child|children"
    r"|criancas?|c|menor|menores))?\W*"
)
_SPOKEN_TO = re.compile(
    r"\b(?:hablar|hable|habla|hablamos|comunicar\w*|contactar\w*|atienda|atender\w*|atendio|atendeu|pasa\w*|passem?"
    r"|passa\w*|pass|paseme|speak|spoke|talk|talked|chat|connect|transfer|falar|falei|conversar|atendido|quiero"
    r"|prefiero|quero) (?:por favor |-?me )?(?:con|to|with|com|por|a)? ?$"
    r"|\b(?:soy|i am|sou) $"
)
_BARE = re.compile(
    r"\W*(?:solo |only |just |so |somos |we are |serian |seriamos |seremos |son |apenas |para |for "
    r"|pra |with |con |com |vamos )?(?P<n>\d{1,3}|una?|uno|uma?|one|ningun[oa]?|none|nenhuma?|no|nao|0"
    r"|sin|zero|nobody|nadie|ninguem)(?: nada mas| only| por favor| please| total| en total)?\W*"
)
_ROOMS = re.compile(
    r"(?<![\d/.,:-])\b(?P<n>\d{1,2}|one|una sola|una unica|uma so) (?:de las |of the |more |mas "
    r"|mais )?(?:(?:doubles?|singles?|twin|triple|family|individual|standard|separate|different"
    r"|biggest|best|bigger|big|small|nice|joined|joining|connecting|adjoining|quiet|cheap|non smoking|diferentes) )?"
    r"(?P<word>habitacion(?:es)?|cuartos|piezas|rooms?|quartos?|recamaras"
    r"|apartamentos|dobles|individuales|sencillas|suites|familiares|singles|doubles|triples|duplos"
    r"|simples|matrimoniales|single rooms|double rooms)\b"
)
_PLAIN_ROOM = re.compile(r"habitacion(?:es)?|cuartos|piezas|rooms?|quartos?|recamaras|apartamentos")
_ONE_MORE_ROOM = re.compile(
    r"(?:\b(?:y|e|and|plus|mas|mais)|[,+&]) (?:una|1|a|an|uma|um|one|_+) (?:individual|single|doble|double|twin"
    r"|triple|suite|sencilla"
    r"|simple|familiar|family|dupl[oa]|tripl[oa]|matrimonial)\b"
)
_OURS = re.compile(r"\b(?:our|my|nuestr[oa]s|mis|meus|minhas|noss[oa]s) $")
_A_THING_FOR_KIDS = re.compile(r"'? (?:menu|friendly|club|pool|bed|seat|chair)")
_TRAVELS = re.compile(r"\b(?:con|with|com|y|and|e|viaj|travel|somos|we are)\b")
_TOLD_ABOUT = re.compile(
    r" (?:va en silla|usa |uses |dejo|left|olvid|perdi|lost|enferm|se |vive|tiene (?:fiebre|alergia)|has a fever"
    r"|need|fell|feels?|me (?:dij|recom|indic|cont)|disse|indicou|told"
    r"|said|recommend|cayo|caiu|vomit|threw|broke|rompi|quebr|passando mal|esta passando"
    r"|(?:es|esta|is|eh) (?!\d)|e (?:ce|al|ve|in|di|mu|au))"
)
_ALSO_COMES = re.compile(
    r" (?:tambien |tambem |also |tb |tbm )?(?:vien|va\b|come|com(?:es|ing)|joins?|vem|vai|se (?:nos )?suma)"
)
# "Madre e hija", once the daughter is counted.
_PARENT = re.compile(r"\b(?:madre|padre|mother|father|mum|mom|dad|mae|pai)(?: ?,| y| e| and| con| com| with)? ?_")
_WITH_THE_CHILDREN = re.compile(
    r"\b(?:yo con|viajo con|voy con|vou com|i am (?:travell?ing|coming) with|i am bringing|bringing my|llevo a mi"
    r"|traigo a mi"
    r"|me and|y yo|and me|and i|e eu|just me and|eu e|yo y|she and|ella y|ela e|he and|me with)\b"
    r"|\b(?:llego|voy|viajo|vengo|ire|i am coming|i will come|i arrive|chego|vou|venho)\b[^.;]{0,24}"
    r" (?:con|with|com) (?:mis?|my|meus?|minhas?)\b"
)
_YEARS = re.compile(r"\b(?:anos?|anitos|anios?|year|yr|yo|y\.?o|mes|month)")
_NO_AGE_AFTER = re.compile(
    r" ?(?:de (?:ene|feb|mar|abr|may|jun|jul|ago|sep|oct|nov|dic)|/|al |noche|night|noite|adult|hab|room|-)"
)
_ADULT_AGE = 18
_IMPOSSIBLE = 60
_MOST_ROOMS = 40


@dataclass
class Party:
    adults: int | None = None
    children: int | None = None
    ages: list[int] = field(default_factory=list)
    babies: int | None = None  # of the children, those who were called babies and whose age was not said
    rooms: int | None = None
    ambiguous: list[str] = field(default_factory=list)
    line: str = ""


_SHORT_FOR = re.compile(r"\bp/(?= ?\d)")  # "p/2" is "para 2".
# In Mexico "cuates" are twins, or mates where they are counted; the words are equally long.
_COUNTED_MATES = re.compile(r"(\b(?:\d{1,2}|mis|unos|entre) )cuates\b")


def find_party(line: str, expected: str | None) -> Party:
    """The people and rooms of a tidy line whose days and times may still be in it."""
    return _Count(_SHORT_FOR.sub("para ", _COUNTED_MATES.sub(r"\1amigos", line)), expected).party()


class _Count:
    """One pass over a line; what is counted is blotted out, so that nobody is counted twice."""

    def __init__(self, line: str, expected: str | None) -> None:
        self.line = line
        self.rest = line
        self.expected = expected
        self.found = Party()
        self.children = 0
        self.ages: list[int] = []
        self.uncounted = False  # "mis hijos": children, but how many?
        self.grown_children = 0
        self.perhaps_grown = 0  # "3 chicas", who are children only beside adults
        self.pair: re.Match[str] | None = None  # "en pareja", "nosotros dos"

    def party(self) -> Party:
        self._rooms()
        self._children()
        self.pair = _PAIR.search(self.rest) or _PARENTS.search(self.rest)
        if self.pair:
            self._take(self.pair)
        adults = self._adults()
        relatives = self._relatives()
        total = self._total(relatives) if relatives is None or not self.pair else None
        self._settle(adults, relatives, total)
        self._answer_to_a_question()
        self.found.line = self.rest
        return self.found

    def _take(self, match: re.Match[str], start: int | None = None, end: int | None = None) -> None:
        self.rest = masked(self.rest, match.start() if start is None else start, match.end() if end is None else end)

    def _rooms(self) -> None:
        amounts: Counter[bool] = Counter()
        for match in list(_ROOMS.finditer(self.rest)):
            amounts[bool(_PLAIN_ROOM.fullmatch(match["word"]))] += number(match["n"].split()[0])
            self._take(match, end=match.end("n"))
        kinds = amounts[False] + (len(_ONE_MORE_ROOM.findall(self.rest)) if amounts[False] else 0)
        # "2 rooms, one double and one twin" names the same two twice.
        amount = amounts[True] if amounts[True] == kinds else amounts[True] + kinds
        if 0 < amount <= _MOST_ROOMS:
            self.found.rooms = amount

    # --- children ---

    def _children(self) -> None:
        self._twins()
        self._told_by_age()
        none = _NO_KIDS.search(self.rest)
        if none:
            self._take(none, end=none.end() if not re.search("adult", none.group()) else none.start())
            self.found.children = 0
        for pattern in (_KIDS, _OWN_KID, _NEXT_KID, _SOME_KIDS, _JOINED_BABY):
            while (match := self._next_kid(pattern)) is not None:
                self._kid(match)
        self._two_ages_apart()
        if self.children or self.ages:
            self.found.children = max(self.children, len(self.ages))
            self.found.ages = self.ages
        elif self.uncounted:
            self.found.ambiguous.append("children")
        if self.grown_children and not self.found.children:
            self.found.children = None

    def _twins(self) -> None:
        match = _TWO_ALIKE.search(self.rest)
        if match:
            told = self._ages_after(match)
            listed = told[0] if told else []
            self._add(2, listed * 2 if len(listed) == 1 else listed)
            self._take(match, end=match.end() + (told[1] if told else 0))

    def _told_by_age(self) -> None:
        """ "Our 3- and 6-year-olds", "a 5 year old", "8 month old twins"."""
        for match in _TWO_AGED.finditer(self.rest):
            self._add(2, [int(match["one"]), int(match["two"])])
            self._take(match)
        for match in _AGED_KID.finditer(self.rest):
            in_months = match["u"].startswith("m")
            age = number(match["n"]) // (12 if in_months else 1)
            if age < _ADULT_AGE:
                many = 2 if match["kid"] == "twins" else 1
                self._add(many, [age] * many)
                self._take(match)

    def _two_ages_apart(self) -> None:
        """ "2 hijos, uno de 3 y otro de 6": the ages of children that were counted before, or of two."""
        match = _ONE_AND_OTHER.search(self.rest)
        if match and not self.ages and (self.children == 2 or self.uncounted):
            self._add(2 - self.children, [int(match["one"]), int(match["two"])])
            self._take(match)
        for another in _ANOTHER.finditer(self.rest) if self.children == len(self.ages) else ():
            self._add(1, [int(another["n"])])
            self._take(another)

    def _add(self, amount: int, ages: list[int]) -> None:
        self.children += amount
        self.ages += ages

    def _next_kid(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        return next((match for match in pattern.finditer(self.rest) if self._comes_along(match)), None)

    def _comes_along(self, match: re.Match[str]) -> bool:
        """Whether the child that is spoken of is one of the guests."""
        after = self.rest[match.end() :]
        if match.re is _KIDS:
            if match["n"] in ("a", "un", "una", "uma") and self._is_spoken_to(match):
                return False
            return not (match["n"] in ("a", "un", "una") and _A_THING_FOR_KIDS.match(after))
        if match.re is _SOME_KIDS:
            named = match["kid"] and not re.fullmatch(r"mi[oa]s|minhas|meus", match["kid"])
            travels = named and _TRAVELS.search(self.rest[: match.end()])
            return bool(travels) or self._ages_after(match) is not None
        if match.re is _OWN_KID:
            if match.group().split()[0] in ("con", "with") or self._ages_after(match) is not None:
                return True
            if _TOLD_ABOUT.match(after):
                return False
            around = self.rest[max(0, match.start() - 28) : match.start()] + after[:8]
            return bool(_COMPANY.search(around) or _ALSO_COMES.match(after))
        return True

    def _kid(self, match: re.Match[str]) -> None:
        """Adds the children that these words name, and their ages."""
        parts = match.groupdict()
        kid, said = parts["kid"] or parts.get("kid2") or parts.get("kid3") or "", parts.get("n")
        told = self._ages_after(match)
        listed = told[0] if told else []
        only_the_word = match.re in (_NEXT_KID, _JOINED_BABY) or parts.get("kid2")
        start = match.start("kid2" if parts.get("kid2") else "kid") if only_the_word else match.start()
        self._take(match, start, match.end() + (told[1] if told else 0))
        if match.re is _SOME_KIDS and not listed:
            self.uncounted = True
            return
        own_many = match.re is _SOME_KIDS or said in ("sus", "mis")
        amount = len(listed) if own_many else number(said) if said else 1
        if own_many and self.children == amount and not self.ages:
            amount = 0  # "3 hijos: … los niños de 3, 5 y 12" are the same three.
        # A grown-up son is one more adult.
        minors = [age for age in listed if age < _ADULT_AGE]
        self.grown_children += len(listed) - len(minors)
        amount = max(amount - (len(listed) - len(minors)), 0)
        if re.fullmatch(_YOUNG, kid) and not listed and not _OURS.search(self.line[: match.start()]):
            self.perhaps_grown += amount
        if re.fullmatch(_BABY, kid) and not listed:
            self.found.babies = (self.found.babies or 0) + amount
        self._add(amount, minors[:amount] if said and not own_many else minors)

    def _ages_after(self, match: re.Match[str]) -> tuple[list[int], int] | None:
        """The ages that follow a child, and where they end; none if the numbers there say something else."""
        tail = self.rest[match.end() : match.end() + 48]
        told = _AGE_LIST.match(tail)
        if not told:
            return None
        lead = tail[: told.start("ages")]
        named = bool(_YEARS.search(told.group()))
        said = match.groupdict().get("n") or ""
        listed = list(re.finditer(r"\d+", told["ages"]))
        kids = number(said) if said.isdigit() else len(listed) if match.re in (_TWO_ALIKE, _SOME_KIDS) else 1
        if not named and lead in (", ", " ") and len(listed) >= kids > 1:
            # "2 kids, 4 and 9": as many numbers as children.
            return [int(age.group()) for age in listed[:kids]], told.start("ages") + listed[kids - 1].end()
        if not named and (not _AGE_LEAD.match(lead) or re.match(r"^,? ?(?:con|com|y) ?$", lead)):
            return None
        if not named and _NO_AGE_AFTER.match(tail[told.end() :]):
            return None
        numbers = [int(age.group()) for age in listed]
        if re.match(rf" ?{_MONTHS_OLD}", told["unit"] or ""):
            numbers = [age // 12 for age in numbers]
        if not named and len(numbers) > max(kids, 1) and match.re is _KIDS:
            return numbers[:kids], told.start("ages") + listed[kids - 1].end()
        return (numbers, told.end()) if all(age <= 99 for age in numbers) else None

    # --- adults ---

    def _adults(self) -> int | None:
        short = _SHORT.search(self.rest)
        if short and not self.children:
            self._take(short)
            self.found.children = int(short["c"])
            return int(short["a"])
        counted = []
        for match in _ADULTS.finditer(self.rest):
            if match["n"] in ("sus", "mis") or (
                match["word"] in ("grandes", "men", "women") and not match["n"].isdigit()
            ):
                continue
            counted.append(number(match["n"]))
            self._take(match)
        return sum(counted) if counted else None

    def _relatives(self) -> int | None:
        """Adults in "mi mujer, mi suegra y yo"; the speaker comes along unless it is for somebody else."""
        named = 0
        first: re.Match[str] | None = None
        alone = True  # nothing but "3 amigos", who may be all that come
        for pattern, many in ((_ONE_RELATIVE, 1), (_NEXT_RELATIVE, 1), (_TWO_RELATIVES, 2), (_MANY_RELATIVES, 0)):
            while (match := self._next_relative(pattern)) is not None:
                named += many or int(match["n"])
                alone = alone and pattern is _MANY_RELATIVES and not match.group().startswith(("con ", "with ", "com "))
                first = match if first is None or match.start() < first.start() else first
                self._take(match, start=match.start() + (1 if pattern is _NEXT_RELATIVE else 0))
        if first is None:
            return (
                1
                if self.found.children and (_WITH_THE_CHILDREN.search(self.line) or _PARENT.search(self.rest))
                else None
            )
        if self.pair and _BESIDE_OTHERS.match(self.pair.group().lstrip(" ,;")):
            return named + 2
        speaks = bool(_SPEAKER.search(self.rest))
        of_others = (
            alone or _FOR_OTHERS.search(self.rest[: first.start()]) or _THIRD_PERSON.match(self.rest, first.end())
        )
        return named if of_others and not speaks else named + 1

    def _next_relative(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        for match in pattern.finditer(self.rest):
            before, after = self.rest[: match.start()], self.rest[match.end() :]
            if _NOT_MINE.match(match.group()) or _TO_THE_POOL.match(after):
                continue
            if _NOT_COMING.search(before) or _TOLD_ABOUT.match(after) and not _THIRD_PERSON.match(after):
                continue
            in_company = (
                pattern is _NEXT_RELATIVE
                or match.group().split()[0] in ("con", "with", "com")
                or _COMPANY.search(f"{before[-28:]} {after[:8]}")
                or _THIRD_PERSON.match(after)
                or _FOR_OTHERS.search(before)
                or (pattern is _MANY_RELATIVES and len(self.line.split()) <= 4)
            )
            if in_company:
                return match
        return None

    def _total(self, relatives: int | None) -> int | None:
        pairs = _PAIRS.search(self.rest)
        if pairs:
            self._take(pairs)
            return 2 * int(pairs["n"]) + (self.found.children or 0)
        if _RANGE_FOR.search(self.rest):
            self.found.ambiguous.append("adults")
            return None
        plus = _PLUS.search(self.rest)
        if plus:
            self._take(plus)
            return int(plus["n"]) + 1
        for pattern in (_TOTAL, _WE_ARE, _US, _FOR):
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
            return (number(match["n"]) if match["n"].isdigit() else 1) + self._children_apart(match)
        family = _FAMILY_OF.search(self.rest)
        if family:
            self._take(family)
            if not self.found.children:
                self.found.ambiguous += ["adults"] if self.found.children == 0 else ["adults", "children"]
                return None
            return int(family["n"])
        if self.pair:
            return 2 + (self.found.children or 0)
        alone = relatives is None and _ONE.search(self.line)
        return 1 + (self.found.children or 0) if alone else None

    def _children_apart(self, match: re.Match[str]) -> int:
        """The children that come on top of a total: "2 personas y un niño", but not "somos 4, 2 niños"."""
        after = self.line[match.end() : match.end() + 5]
        joined = re.match(r" ?(?:y|e|and|plus|mas|mais|\+|&) ", after) and self.rest[match.end() :].lstrip(
            " yeandplusmi+&"
        ).startswith("_")
        return (self.found.children or 0) if joined else 0

    def _is_spoken_to(self, match: re.Match[str]) -> bool:
        """Whether somebody is asked for ("hablar con una persona"), not counted."""
        return bool(_SPOKEN_TO.search(self.rest[max(0, match.start() - 30) : match.start()]))

    def _settle(self, adults: int | None, relatives: int | None, total: int | None) -> None:
        children = self.found.children or 0
        if self.perhaps_grown == children > 0 and adults is None and relatives is None and total is None:
            self.found.adults, self.found.children = children, None
            return
        if adults is not None:
            self.found.adults = adults
            if total is not None and total > adults and not children and self.found.children is None:
                self.found.children = total - adults
        elif relatives is not None and total is not None and total > children and total - children != relatives:
            self.found.adults = total - children
        elif relatives is not None:
            self.found.adults = relatives
        elif total is not None:
            # "Para 2 con 2 niños" counts the two apart.
            self.found.adults = total - children if total > children else total
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
