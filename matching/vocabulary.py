"""What a reader of address books knows about words: legal forms, abbreviations, titles, nicknames, shared mailboxes. Pure.

All words are folded (`fold`): lower case, no accents, no apostrophes. The tables are ours; ``model/nicknames.txt`` holds
the families of given names.
"""

import re
import unicodedata
from functools import cache, lru_cache
from pathlib import Path

NICKNAMES_PATH = Path(__file__).parent / "model" / "nicknames.txt"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Letters that are no accented form of a Latin one, so that Unicode does not take them apart.
_LETTERS = str.maketrans(
    {"ß": "ss", "đ": "d", "ð": "d", "ø": "o", "ł": "l", "æ": "ae", "œ": "oe", "þ": "th", "ı": "i", "ħ": "h", "ŋ": "ng"}
)
_APOSTROPHES = re.compile(r"['’‘`´ʻʼ]")

# Each legal form with the family it belongs to: Ltd and Limited are one, Ltd and LLC are two.
LEGAL_FORMS = {
    word: family
    for family, words in {
        "limited": "ltd limited ltda limitada pty proprietary pl tapui",
        "incorporated": "inc incorporated corp corporation incorp",
        "llc": "llc lc",
        "llp": "llp lp pllc",
        "plc": "plc",
        "gmbh": "gmbh ug haftungsbeschrankt",
        "ag": "ag se",
        "sa": "sa sas sarl srl spa sl sro",
        "bv": "bv nv cv vof",
        "nordic": "ab as aps oy oyj",
        "kg": "kg ohg",
        "company": "co company cie",
        "cic": "cic",
        "sdn": "sdn bhd",
    }.items()
    for word in words.split()
}

# The whole word, then how it is shortened.
_SHORTENED = """
    associates=assoc/assocs association=assn brothers=bros building=bldg builders=bldrs council=cncl
    construction=constr consulting=consult centre=ctr/center department=dept district=dist electrical=elec
    engineering=eng/engr engineers=engrs enterprises=ent equipment=equip estate=est family=fam foundation=fdn
    financial=fncl government=govt group=grp/gp holdings=hldg/hldgs/holding hospital=hosp
    industries=ind/inds/indust insurance=ins institute=inst international=int/intl
    investments=inv/invest/invs/investment laboratory=lab laboratories=labs manufacturing=mfg management=mgmt/mgt
    market=mkt marketing=mktg national=nat/natl organisation=org/organization partnership=pship/pshp
    products=prod/prods professional=prof properties=prop/props/property partners=ptnrs school=sch
    services=serv/servs/service/svc/svcs society=soc solutions=sol/solns superannuation=super supplies=supp
    systems=sys technology=tech/technologies trust=tr/trs transport=trans university=univ south=sth north=nth
    mount=mt jr=jnr/junior sr=snr/senior merchants=mcht road=rd avenue=ave/av crescent=cres court=crt drive=dr
    parade=pde place=pl highway=hwy terrace=tce lane=ln
"""
ABBREVIATIONS = {
    short: whole
    for entry in _SHORTENED.split()
    for whole, _, shorts in [entry.partition("=")]
    for short in shorts.split("/")
}

TITLES = _words(
    """
    mr mrs ms miss mx mister madam mdm dr doctor prof professor sir dame lady lord rev reverend fr sr hon
    """
)
GENERATIONS = {"jr": "junior", "sr": "senior", "ii": "second", "iii": "third", "iv": "fourth"}
# Said about an entry, not part of anybody's name.
NOTES = _words(
    """
    mobile home work new old personal private office head main branch accounts department dept billing client
    customer supplier do not use deceased inactive closed archive archived duplicate copy temp cash account acct
    cell business invoices payable
    """
)
PLACES = _words(
    """
    nz uk au us usa aust australia australian australasia zealand aotearoa america american england scotland wales
    ireland canada singapore global international europe asia pacific
    """
)
_SMALL_WORDS = _words("the and of for a an y e und et de la le der und & +")

# Words that make a name one of something other than a human being.
ORGANISATION_WORDS = _words(
    """
    trust trustee trustees nominees holdings investments properties partnership partners associates estate fund
    superannuation foundation society association club church school college university council department committee
    centre services solutions group enterprises industries systems technology consulting consultants consultancy
    advisory management plumbing electrical building builders construction roofing scaffolding carpentry joinery
    painting landscaping gardening farming farms farm dairy shearing transport logistics motors automotive garage
    repair repairs cleaning catering cafe restaurant bar hotel motel inn pub bakery butchery market supermarket
    store shop supplies supply products merchants traders trading imports exports international engineering
    engineers manufacturing design studio studios media marketing advertising print printing publishing books
    photography dental dentist medical clinic physiotherapy pharmacy chemist veterinary vets hospital health care
    childcare preschool academy training education tutoring insurance finance financial bank lending mortgages
    accounting bookkeeping solicitors lawyers legal law chambers realty rentals leasing storage security electronics
    software computers digital networks telecom energy solar gas water mining drilling timber forestry nursery
    florist furniture kitchens bathrooms interiors flooring tiles glass windows doors fencing concrete earthmoving
    haulage freight couriers travel tours taxis limousines fitness gym yoga salon hair beauty spa nails barbers
    fashion clothing jewellers brewery wines winery vineyards distillery fisheries seafood meats meat grocery deli
    foods food sports football netball cricket rugby bowling theatre museum library charity charitable ministries
    parish government authority agency board commission institute laboratory laboratories brothers sons daughters
    cooperative
    """
)
# Words that set two entities of one family apart, however much else they share.
ENTITY_WORDS = _words(
    """
    trust family holdings investments properties partnership nominees trustees trustee estate superannuation fund
    services farming consulting foundation charitable
    """
)

ROLE_MAILBOXES = _words(
    """
    accounts account accountspayable accts admin administration administrator ap ar bill billing bills book bookings
    books bookkeeper bookkeeping contact contactus enquiries enquiry finance hello help hi info information invoice
    invoices mail manager noreply office orders payable payables payments payroll reception sales secretary service
    support tax team treasurer
    """
)
FREE_MAIL = _words(
    """
    gmail googlemail hotmail outlook live yahoo ymail rocketmail icloud me mac xtra bigpond optusnet iinet tpg
    westnet btinternet btopenworld virginmedia sky talktalk blueyonder ntlworld aol msn protonmail proton gmx web
    mail yandex qq 163 126 naver comcast verizon att sbcglobal bellsouth cox slingshot vodafone actrix paradise
    clear orcon inspire hey fastmail zoho libero orange wanadoo free laposte telstra eircom
    """
)


@lru_cache(maxsize=20_000)
def fold(text: str) -> str:
    """Return lower case without accents and apostrophes; other punctuation stays."""
    plain = _APOSTROPHES.sub("", unicodedata.normalize("NFKD", text.casefold()).translate(_LETTERS))
    return "".join(c for c in plain if not unicodedata.combining(c))


def is_small(word: str) -> bool:
    return word in _SMALL_WORDS


@cache
def _families() -> tuple[dict[str, frozenset[int]], list[str]]:
    """Return the families that each given name belongs to, and the formal name of each family."""
    lines = NICKNAMES_PATH.read_text(encoding="utf-8").splitlines()
    families = [fold(line).split() for line in lines if line.strip() and not line.startswith("#")]
    by_name: dict[str, set[int]] = {}
    for number, names in enumerate(families):
        for name in names:
            by_name.setdefault(name, set()).add(number)
    return {name: frozenset(numbers) for name, numbers in by_name.items()}, [names[0] for names in families]


def is_given_name(word: str) -> bool:
    """Is this a given name that many have, as far as our families know?"""
    return word in _families()[0]


def are_forms_of_one_name(one: str, other: str) -> bool:
    """Tell whether two given names are forms of one: Bob and Robert are, Bob and Rob, too."""
    known = _families()[0]
    return one in known and other in known and not known[one].isdisjoint(known[other])


def formal_name(one: str, other: str) -> str:
    """Return the formal name that two forms share ("robert" for "rob" and "bob"), or "" where they share none."""
    known, heads = _families()
    common = [heads[number] for number in sorted(known.get(one, frozenset()) & known.get(other, frozenset()))]
    return next((head for head in common if head in (one, other)), common[0] if common else "")


_SOUNDS = [
    (re.compile(pattern), sound)
    for pattern, sound in (
        (r"sch|sh|sz|ş", "s"), (r"ph", "f"), (r"ck|qu|q|c(?=[aoukrl])|kh|ch", "k"), (r"c", "s"), (r"z", "s"),
        (r"tz|ts|cz", "s"), (r"th|dh|dd", "t"), (r"w", "v"), (r"ou|oo|u", "o"), (r"y|ij|ee|ie|ei|i", "e"), (r"j", "e"),
        (r"ae|ai|ay", "e"), (r"(?<=.)h", ""), (r"(.)\1+", r"\1"),
    )
]  # fmt: skip


@lru_cache(maxsize=100_000)
def sound(word: str) -> str:
    """Return roughly how a word sounds, so that spellings of one name meet: Mohammed and Muhamad, Katherine and Catherine."""
    for pattern, letters in _SOUNDS:
        word = pattern.sub(letters, word)
    return word.rstrip("e") or word


@lru_cache(maxsize=100_000)
def skeleton(word: str) -> str:
    """Return the first letter and the consonants in alphabetic order: it survives lost vowels and swapped letters."""
    return word[:1] + "".join(sorted({c for c in word[1:] if c not in "aeiouyh"}))
