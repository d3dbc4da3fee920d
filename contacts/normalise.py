"""Compare tolerantly: case, spaces, Unicode form, phone format and country spelling are not differences. Pure."""

import re
import unicodedata
from functools import lru_cache

import phonenumbers
import pycountry

from contacts.values import Value

_SUFFIXES = {"jr", "sr", "ii", "iii", "iv", "phd", "md", "esq"}
_SPACE = re.compile(r"\s+")
_NOT_WORD = re.compile(r"[^\w]+")
# Names that people write and ISO 3166 does not list.
_COUNTRY_ALIASES = {
    "uk": "GB", "aust": "AU", "great britain": "GB", "england": "GB", "scotland": "GB", "wales": "GB",
    "northern ireland": "GB", "america": "US",
    "aotearoa": "NZ", "aotearoa new zealand": "NZ", "south korea": "KR", "vietnam": "VN", "russia": "RU",
    "turkey": "TR", "czech republic": "CZ", "hong kong sar": "HK", "republic of ireland": "IE",
}  # fmt: skip


def text_key(text: str) -> str:
    """Return what remains of a text once case, spaces and Unicode form no longer count."""
    return _SPACE.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip()


def uncomma(name: str) -> str:
    """Turn a person's "Last, First Middle" into "First Middle Last"; leave any other name as it is.

    Karbon's lists show people that way (facts, Karbon A6.1), "Doe Jr., John" included.
    """
    last, comma, first = name.partition(",")
    first = first.strip()
    if not comma or not first or "," in first or first.casefold().rstrip(".") in _SUFFIXES:
        return name
    return f"{first} {last.strip()}".strip()


def name_key(name: str, *, is_person: bool) -> str:
    return text_key(uncomma(name) if is_person else name)


@lru_cache(maxsize=4096)
def country_code(country: str) -> str:
    """Return the ISO 3166-1 alpha-2 code for a country as people write it, or "" when it is none we know."""
    key = text_key(country)
    if not key:
        return ""
    if key in _COUNTRY_ALIASES:
        return _COUNTRY_ALIASES[key]
    initials = key.replace(" ", "").replace(".", "")  # "N Z", "U.S.A."
    try:
        return str(pycountry.countries.lookup(initials if len(initials) <= 3 else key).alpha_2)
    except LookupError:
        return _COUNTRY_ALIASES.get(initials, "")


def country_name(code: str) -> str:
    """Return the everyday name of an alpha-2 code ("NZ" → "New Zealand"); a text that is no code comes back as it is."""
    country = pycountry.countries.get(alpha_2=code.upper()) if len(code) == 2 else None
    if country is None:
        return code
    name = str(getattr(country, "common_name", country.name))
    # Xero takes letters only for a country (facts, Xero 8.2); spaces are seen in its own examples.
    return name if name.replace(" ", "").isalpha() else code.upper()


def _digits(text: str) -> str:
    return "".join(c for c in text if c.isdigit())


def phone_region(phone: dict[str, str]) -> str:
    """Return the alpha-2 region that a phone value names by a country code, be it "NZ", "64" or "+64"; else ""."""
    country = phone.get("country", "")
    if len(country) == 2 and country.isalpha():
        return country.upper()
    calling_code = _digits(country)
    region = phonenumbers.region_code_for_country_code(int(calling_code)) if calling_code else "ZZ"
    return "" if region in ("ZZ", "001") else region


def phone_text(phone: dict[str, str]) -> str:
    """Return the whole number as one would dial or print it: "+64 9 555 0100", or "09 555 0100" when no country is told."""
    number = " ".join(filter(None, (phone.get("area", "").strip(), phone.get("number", "").strip())))
    code = _digits(phone.get("country", ""))
    if not code or not number or number.startswith("+"):
        return number
    return f"+{code} {number}"


def _phone_parts(phone: dict[str, str]) -> tuple[str, str]:
    """Return (calling code or "", national digits without trunk zeros or extension marks) of a phone value."""
    text, region = phone_text(phone), phone_region(phone)
    try:
        parsed = phonenumbers.parse(text, region or None)
    except phonenumbers.NumberParseException:
        return "", _digits(text).lstrip("0")
    national = f"{parsed.national_number}{f'x{parsed.extension}' if parsed.extension else ''}"
    return str(parsed.country_code), national


def same_phone(a: dict[str, str], b: dict[str, str]) -> bool:
    """Tell whether two phones ring the same line; a missing country code agrees with any."""
    (code_a, national_a), (code_b, national_b) = _phone_parts(a), _phone_parts(b)
    return national_a == national_b and (code_a == code_b or not code_a or not code_b)


def _address_key(address: dict[str, str]) -> tuple[str, ...]:
    country = address.get("country", "")
    parts = (address.get("lines", ""), address.get("city", ""), address.get("region", ""), address.get("postcode", ""))
    folded = [_NOT_WORD.sub(" ", text_key(part)).strip() for part in parts]
    return (*folded, country_code(country) or text_key(country))


def same_address(a: dict[str, str], b: dict[str, str]) -> bool:
    return _address_key(a) == _address_key(b)


def same_text(a: str, b: str) -> bool:
    return text_key(a) == text_key(b)


def same_name(a: str, b: str) -> bool:
    """Tell whether two names agree, "Smith, John" and "John Smith" included."""
    return text_key(a) == text_key(b) or text_key(uncomma(a)) == text_key(uncomma(b))


def trimmed(parts: dict[str, str]) -> Value:
    """Return a phone or address value: parts stripped of outer spaces, empty ones left out."""
    return {key: text.strip() for key, text in parts.items() if text and text.strip()}
