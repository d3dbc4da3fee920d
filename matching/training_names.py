"""Made-up names that teach the classifier what the registers lack: couples, ledger entries, firms of surnames.

Only training imports this. Names are composed from the look-up lists and the project's own classes of words.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from matching import features

COUNT = 14_000

_LEGAL = ("Ltd", "Limited", "Pty Ltd", "P/L", "Inc", "LLC", "LLP", "plc", "Co", "Pty. Ltd.", "Limited Partnership")
_TITLES = ("Mr", "Mrs", "Ms", "Miss", "Dr", "Prof", "Sir", "Rev", "Mx", "Hon", "Mr.", "Dr.", "Fr", "Dame", "Capt")
_CREDENTIALS = (
    "PhD",
    "JP",
    "CA",
    "CPA",
    "MBE",
    "OBE",
    "QC",
    "KC",
    "Jr",
    "Snr",
    "III",
    "Esq",
    "FCA",
    "ONZM",
    "AM",
    "RN",
)
_TRUSTS = ("Family Trust", "Trust", "Whanau Trust", "Super Fund", "Superannuation Fund", "Will Trust", "Living Trust")
_TRADING_AS = ("t/a", "T/A", "trading as", "ta", "dba")
_SAINTLY = ("Church", "School", "Hospital", "Parish", "College")
_LEDGER_TEXT = (
    "Petty Cash|Cash Sales|Cash Sale|Sundry Debtors|Sundry Creditors|Sundry Suppliers|IRD|ATO|HMRC|ACC|"
    "GST|IRS|ASIC|Bank Fees|Bank Charges|Suspense Account|Suspense|Misc|Miscellaneous|Cash|Eftpos|"
    "Unknown|Unknown Supplier|Drawings|Wages|Wages Clearing|Payroll|PAYE|VAT|Opening Balance|"
    "Stripe Payments|Walk-in|Walk In Customer|Counter Sales|Cash Customer|Cash Account|Sales|Online Sales|"
    "Till Takings|Rent|Inland Revenue|Interest|Bank|Visa|Mastercard|Credit Card|Amex|Various|"
    "Various Suppliers|One-off Customer|General Expenses|Rounding|Staff Reimbursements|Donations|"
    "Member Subscriptions|Test Contact|Do Not Use|Rates|Parking|Fuel|Companies Office|Companies House|"
    "Land Registry|Tenants|Intercompany|Transfer|Reimbursement|Shop Sales|Levies|Tax Office|"
    "Parking Fines|Refunds|Deposit Account|Loan Account|Clearing Account|Depreciation|Accruals|Debtors"
)
_LEDGER = _LEDGER_TEXT.split("|")
_FAMILY_NAMES_TEXT = "王 李 張 张 劉 刘 陳 陈 楊 杨 黃 黄 趙 赵 吳 吴 周 徐 孫 孙 馬 马 朱 胡 林 郭 何 高 佐藤 鈴木 高橋 田中 김 이 박 최 정"
_FAMILY_NAMES = _FAMILY_NAMES_TEXT.split()
_GIVEN_PARTS_TEXT = (
    "伟 偉 芳 娜 敏 静 丽 麗 强 磊 军 洋 勇 艳 杰 娟 涛 明 超 秀英 太郎 花子 健 美咲 민준 서연 지우 현우 수진"
)
_GIVEN_PARTS = _GIVEN_PARTS_TEXT.split()
_FIRM_ENDS_TEXT = "有限公司 株式会社 股份有限公司 公司 銀行 银行 集团 大学 주식회사 協会 商店"
_FIRM_ENDS = _FIRM_ENDS_TEXT.split()


@dataclass(frozen=True, slots=True)
class Words:
    """What names are composed of."""

    rng: random.Random
    given_list: Sequence[str]
    only_surnames: Sequence[str]
    classes: dict[str, list[str]]
    brands: Sequence[str]

    def given(self) -> str:
        return self.rng.choice(self.given_list).title()

    def surname(self) -> str:
        if self.rng.random() < 0.15:
            return self.rng.choice(self.classes["V"]).title()
        return self.rng.choice(self.only_surnames).title()

    def initials(self) -> str:
        letters = [self.rng.choice("ABCDEFGHJKLMNPRSTVW") for _ in range(self.rng.choice((1, 1, 2)))]
        return self.rng.choice((" ".join(letters), "".join(letters), "".join(f"{c}." for c in letters)))

    def word(self) -> str:
        return self.rng.choice(self.classes["W"]).title()

    def trade(self) -> str:
        return self.rng.choice(self.classes["B"]).title()

    def sign(self) -> str:
        return self.rng.choice(("&", "&", "and", "+"))

    def pick(self, options: Sequence[str]) -> str:
        return self.rng.choice(options)


Template = Callable[[Words], str]

_PEOPLE: tuple[tuple[int, Template], ...] = (
    (10, lambda w: f"{w.given()} {w.surname()}"),
    (6, lambda w: f"{w.given()} {w.pick(w.classes['V']).title()}"),
    (3, lambda w: f"{w.pick(w.classes['V']).title()}, {w.given()}"),
    (4, lambda w: f"{w.surname()}, {w.given()}"),
    (2, lambda w: f"{w.surname()}, {w.initials()}"),
    (2, lambda w: f"{w.surname()} {w.given()}"),
    (4, lambda w: w.given()),
    (2, lambda w: f"{w.given()} {w.given()}"),
    (2, lambda w: f"{w.given()} {w.given()} {w.surname()}"),
    (2, lambda w: f"{w.given()}-{w.given()} {w.surname()}"),
    (2, lambda w: f"{w.given()} {w.surname()}-{w.surname()}"),
    (2, lambda w: f"{w.given()} {w.initials()} {w.surname()}"),
    (3, lambda w: f"{w.initials()} {w.surname()}"),
    (2, lambda w: f"{w.given()} {w.initials()[0]}"),
    (3, lambda w: f"{w.pick(_TITLES)} {w.surname()}"),
    (3, lambda w: f"{w.pick(_TITLES)} {w.given()} {w.surname()}"),
    (2, lambda w: f"{w.given()} {w.surname()} {w.pick(_CREDENTIALS)}"),
    (2, lambda w: f"{w.given()} {w.surname()}, {w.pick(_CREDENTIALS)}"),
    (4, lambda w: f"{w.given()} {w.sign()} {w.given()} {w.surname()}"),
    (2, lambda w: f"{w.given()} {w.surname()} {w.sign()} {w.given()} {w.surname()}"),
    (3, lambda w: f"{w.initials()} {w.sign()} {w.initials()} {w.surname()}"),
    (2, lambda w: f"{w.surname()}, {w.given()} {w.sign()} {w.given()}"),
    (2, lambda w: f"{w.surname()} {w.initials()} {w.sign()} {w.initials()}"),
    (3, lambda w: f"Mr {w.sign()} Mrs {w.pick(('', w.initials() + ' '))}{w.surname()}"),
    (1, lambda w: f"Mr {w.initials()} {w.sign()} {w.pick(('Mrs', 'Ms', 'Dr'))} {w.initials()} {w.surname()}"),
    (2, lambda w: f"{w.given()} {w.surname()} {w.pick(('(deceased)', '(Deceased)', '(dec)', 'deceased', 'decd'))}"),
    (1, lambda w: f"{w.given()} {w.surname()} ({w.given()})"),
    (1, lambda w: f"{w.given()} {w.surname()} {w.pick(('nee', 'née', 'formerly'))} {w.surname()}"),
    (1, lambda w: f"{w.given()} ({w.given()}) {w.surname()}"),
    (2, lambda w: w.pick(_FAMILY_NAMES) + w.pick(_GIVEN_PARTS) + w.pick(("", w.pick(_GIVEN_PARTS)))),
)

_ORGANISATIONS: tuple[tuple[int, Template], ...] = (
    (4, lambda w: f"{w.surname()} {w.sign()} {w.surname()}"),
    (3, lambda w: f"{w.surname()} {w.surname()}"),
    (2, lambda w: f"{w.surname()}, {w.surname()} {w.sign()} {w.surname()}"),
    (1, lambda w: f"{w.surname()} {w.surname()} {w.surname()}"),
    (2, lambda w: f"{w.surname()} {w.sign()} {w.pick(('Sons', 'Co', 'Daughters', 'Partners', 'Associates', 'Son'))}"),
    (2, lambda w: f"{w.surname()} {w.pick(('Bros', 'Brothers', 'Bros.', 'Family', 'Group', 'Sisters'))}"),
    (5, lambda w: f"{w.given()} {w.surname()} {w.trade()}"),
    (3, lambda w: f"{w.initials()} {w.surname()} {w.trade()}"),
    (3, lambda w: f"{w.surname()} {w.trade()}"),
    (2, lambda w: f"{w.given()} {w.trade()}"),
    (2, lambda w: f"{w.given()} {w.sign()} {w.given()} {w.trade()}"),
    (2, lambda w: f"{w.given()}'s {w.trade()}"),
    (2, lambda w: f"{w.given()}'s"),
    (1, lambda w: f"{w.surname()}'s {w.word()}"),
    (3, lambda w: f"{w.given()} {w.surname()} {w.pick(_LEGAL)}"),
    (2, lambda w: f"{w.given()} {w.pick(_LEGAL)}"),
    (1, lambda w: f"{w.initials()} {w.sign()} {w.initials()} {w.surname()} {w.pick(_LEGAL)}"),
    (3, lambda w: f"{w.pick(('The ', ''))}{w.surname()} {w.pick(_TRUSTS)}"),
    (3, lambda w: f"{w.given()} {w.surname()} {w.pick(_TRUSTS)}"),
    (1, lambda w: f"{w.initials()} {w.sign()} {w.initials()} {w.surname()} {w.pick(('Partnership', 'Family Trust'))}"),
    (2, lambda w: f"{w.pick(('Estate of', 'Estate', 'The Estate of the late', 'Est.'))} {w.given()} {w.surname()}"),
    (2, lambda w: f"{w.pick(('Estate of', 'Estate', 'Est'))} {w.initials()} {w.surname()}"),
    (3, lambda w: f"{w.given()} {w.surname()} {w.pick(_TRADING_AS)} {w.word()} {w.trade()}"),
    (3, lambda w: f"{w.word()} {w.word()}"),
    (4, lambda w: f"{w.word()} {w.trade()}"),
    (2, lambda w: f"The {w.word()} {w.pick((w.word(), w.trade()))}"),
    (2, lambda w: f"{w.word()} {w.sign()} {w.word()}"),
    (2, lambda w: w.word()),
    (2, lambda w: w.word() + w.word().lower()),
    (1, lambda w: w.word() + w.word()),
    (1, lambda w: w.trade()),
    (1, lambda w: f"{w.initials()[0]}{w.pick(('&', ' & '))}{w.initials()[0]}"),
    (1, lambda w: f"Te {w.pick(('Runanga', 'Whare', 'Kura', 'Marae'))} o {w.surname()}"),
    (2, lambda w: f"{w.trade()} {w.trade()}"),
    (1, lambda w: f"{w.pick(('St', 'Saint'))} {w.given()}'s {w.pick(_SAINTLY)}"),
    (5, lambda w: w.pick(_LEDGER)),
    (1, lambda w: "".join(w.rng.choice("ABCDEFGHIJKLMNOPRSTUVWZ") for _ in range(w.rng.choice((2, 3, 3, 4))))),
    (2, lambda w: w.pick(w.brands)),
    (1, lambda w: f"{w.pick(w.brands)} {w.pick(('Australia', 'NZ', 'UK', 'Store', 'Online', 'Group'))}"),
    (1, lambda w: w.pick(_FAMILY_NAMES) + w.pick(_GIVEN_PARTS) + w.pick(_FIRM_ENDS)),
)  # fmt: skip


def made_names(given: Sequence[str], surnames: Sequence[str], lexicon: str, seed: int) -> Iterator[tuple[str, bool]]:
    """Yield names and whether each is a person: half and half, the same for the same seed."""
    classes: dict[str, list[str]] = {}
    by_word, brands = features.parse_lexicon(lexicon)
    for word, code in by_word.items():
        classes.setdefault(code, []).append(word)
    rng = random.Random(seed)
    known = set(given) | set(by_word)
    words = Words(rng, given, [s for s in surnames if s not in known], classes, [b.title() for b in brands])
    for is_person, templates in ((True, _PEOPLE), (False, _ORGANISATIONS)):
        shares = [share for share, _ in templates]
        for _, compose in rng.choices(templates, weights=shares, k=COUNT // 2):
            yield compose(words), is_person
