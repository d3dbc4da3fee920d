"""Made-up names of many peoples, scripts and walks of life, composed from the lists of `matching.training_lists`.

`matching.training_names` composes what an English ledger holds; this module widens it: the same patterns with the names of
some eighty countries, firms in other languages and scripts, firms named with everyday words, places, addresses and roles.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from matching import training_lists
from matching.training_lists import FAMILY_FIRST, UNSPACED, People

COUNT = 28_000
COMPANIES_EACH = 60
LATIN_SHARE, ASIAN_SHARE = 0.74, 0.12
EVERYDAY = 12_000

_FIRMS_TEXT = """
es: Panadería|Carnicería|Farmacia|Taller|Restaurante|Ferretería|Constructora|Abogados|Peluquería|Fundación|Clínica|Librería
fr: Boucherie|Boulangerie|Garage|Pharmacie|Menuiserie|Plomberie|Cabinet|Atelier|Librairie|Traiteur|Association|Compagnie
de: Bäckerei|Metzgerei|Autohaus|Apotheke|Tischlerei|Spedition|Steuerberatung|Gasthof|Malerbetrieb|Stiftung|Gebrüder|Weingut
it: Panificio|Officina|Studio|Trattoria|Farmacia|Azienda Agricola|Pasticceria|Fratelli|Impresa Edile|Autofficina|Ristorante
pt: Padaria|Construções|Oficina|Farmácia|Restaurante|Transportes|Irmãos|Advogados|Instituto|Comércio|Pastelaria|Mercearia
nl: Bakkerij|Slagerij|Garage|Aannemersbedrijf|Schildersbedrijf|Makelaardij|Stichting|Bouwbedrijf|Gebroeders|Hoveniers
pl: Piekarnia|Zakład|Sklep|Kancelaria|Biuro|Apteka|Fundacja|Przedsiębiorstwo|Hurtownia|Restauracja|Gabinet|Spółdzielnia
cs: Pekárna|Autoservis|Restaurace|Stavby|Řeznictví|Lékárna|Sdružení|Nadace|Truhlářství|Obec|Divadlo|Účetnictví
sv: Bageri|Bygg|Måleri|Rederi|Advokatbyrå|Bilverkstad|Förening|Stiftelsen|Konditori|Snickeri|Fastigheter|Åkeri
da: Tømrer|Murer|Bageri|Fonden|Revision|Advokatfirma|Vognmand|Foreningen|Malerfirma|Ejendomme|Rør|Byggeri
fi: Rakennus|Kauppa|Leipomo|Yhdistys|Autokorjaamo|Asianajotoimisto|Säätiö|Kuljetus|Ravintola|Maalaus|Osuuskunta
hu: Pékség|Étterem|Ügyvédi Iroda|Alapítvány|Kereskedelmi|Szolgáltató|Autószerviz|Egyesület|Gyógyszertár|Fuvarozó
ro: Brutărie|Cabinet|Asociația|Transporturi|Construcții|Farmacia|Fundația|Restaurant|Service Auto|Societatea
tr: İnşaat|Ticaret|Nakliyat|Lokantası|Eczanesi|Sanayi|Vakfı|Holding|Otomotiv|Kuyumculuk|Derneği|Turizm
id: Toko|Warung|Yayasan|Koperasi|Bengkel|Rumah Makan|Apotek|Usaha|Perusahaan|Sekolah|Percetakan|Klinik
vi: Công ty|Cửa hàng|Nhà hàng|Quán|Tiệm|Doanh nghiệp|Ngân hàng|Trường|Hợp tác xã|Nhà thuốc|Phở|Bệnh viện
mi: Te Kura|Te Whare|Marae|Te Rūnanga|Kōhanga Reo|Hauora|Te Wānanga|Ngā Puna|Te Puna|Rōpū|Ngāti|Whānau
ru: Завод|Банк|Магазин|Фонд|Компания|Аптека|ООО|ЗАО|ИП|Школа|Университет|Группа|Строй|Центр|Ресторан|Общество|Торговый дом|Автосервис
uk: Завод|Банк|Крамниця|Фонд|Компанія|Аптека|ТОВ|ФОП|Школа|Університет|Група|Будівельна компанія|Центр|Ресторан
bg: Банка|Магазин|Фондация|Фирма|Аптека|ЕООД|Училище|Ресторант|Хотел|Строителна компания|Дружество
el: Τράπεζα|Φαρμακείο|Εταιρεία|Εστιατόριο|Σχολείο|Ίδρυμα|Αφοί|Υιοί|Όμιλος|Αρτοποιείο|Κατασκευαστική|Δήμος|Σύλλογος|Ξενοδοχείο|ΑΕ|ΕΠΕ
ar: شركة|مؤسسة|بنك|مطعم|مدرسة|جمعية|صيدلية|مجموعة|مكتب|جامعة|مستشفى|فندق|متجر|وزارة|مصنع|مخبز|تجارة
fa: شرکت|بانک|موسسه|رستوران|مدرسه|انجمن|داروخانه|گروه|دانشگاه|بیمارستان|هتل|فروشگاه|وزارت|کارخانه
he: בנק|חברת|עמותת|מסעדת|קבוצת|בית ספר|אוניברסיטת|מאפיית|מוסך|מלון|קרן|עיריית|בע"מ|משרד
hi: बैंक|कंपनी|ट्रस्ट|विद्यालय|भंडार|उद्योग|समिति|मंत्रालय|अस्पताल|भोजनालय|लिमिटेड|विश्वविद्यालय|मंदिर|संस्थान|ट्रेडर्स|एंड संस
bn: ব্যাংক|কোম্পানি|লিমিটেড|ট্রাস্ট|বিদ্যালয়|ট্রেডার্স|হাসপাতাল|স্টোর|ভান্ডার|ফাউন্ডেশন
ta: வங்கி|நிறுவனம்|பள்ளி|அறக்கட்டளை|மருத்துவமனை|கடை|உணவகம்|சங்கம்|லிமிடெட்
th: บริษัท|ธนาคาร|โรงเรียน|โรงแรม|ร้าน|มูลนิธิ|ห้างหุ้นส่วน|โรงพยาบาล|มหาวิทยาลัย|สมาคม|จำกัด|วัด
hy: Բանկ|Ընկերություն|Դպրոց|Հիմնադրամ|ՍՊԸ|Խանութ|Համալսարան|Հյուրանոց
ka: ბანკი|კომპანია|სკოლა|ფონდი|შპს|მაღაზია|უნივერსიტეტი|სასტუმრო
zh: 有限公司|公司|银行|銀行|大学|大學|集团|集團|学校|學校|医院|醫院|饭店|餐厅|餐廳|酒店|商店|协会|協會|基金会|工厂|科技|贸易|貿易|建设|超市|茶馆|研究所|政府|教会|寺
ja: 株式会社|有限会社|合同会社|商店|銀行|大学|病院|学校|工業|商事|建設|協会|運輸|食堂|旅館|薬局|製作所|電気|財団|役所|教会|寺|書店|農園
ko: 주식회사|은행|대학교|병원|학교|식당|상사|건설|협회|전자|교회|약국|호텔|재단|물산|그룹|시청|미용실|학원|마트
"""
_FIRMS = {line[:2]: line[4:].split("|") for line in _FIRMS_TEXT.strip().splitlines()}
_SPEECH = {"no": "da", "nb": "da", "ne": "hi", "mr": "hi", "sk": "cs", "mk": "bg", "ga": "", "en": "", "sr": "bg"}
_STREETS = [
    "Street",
    "St",
    "Road",
    "Rd",
    "Avenue",
    "Ave",
    "Lane",
    "Terrace",
    "Parade",
    "Drive",
    "Place",
    "Crescent",
    "Quay",
    "Esplanade",
    "Way",
    "Close",
    "Court",
    "Grove",
]
_UNITS = ("", "", "", "Unit 3, ", "Flat 2 ", "2/", "Level 4, ", "Shop 6, ", "Apt 12, ")
_ROLES = [
    "Mr",
    "Mrs",
    "Miss",
    "Dr",
    "Captain",
    "King",
    "Queen",
    "Prince",
    "Princess",
    "Lady",
    "Sir",
    "Lord",
    "Uncle",
    "Aunty",
    "Mama",
    "Papa",
    "Madame",
    "Big",
    "Old",
    "Crazy",
    "Major",
]
_NAMED_TEXT = (
    "College|University|Hospital|Park|Reserve|Memorial|Foundation|School|Library|Centre|Museum|Hall|House|Hotel|Inn|"
    "Productions|Collection|Studios|Academy|Institute|Gallery|Gardens|Lodge|Estate|Wines|Racing|Cup|Scholarship|Tavern|"
    "Pub|Records|Books|Chambers|Cafe|Kitchen|Designs|Retirement Village|Homes|Associates|Council|Municipality|Stadium"
)
_NAMED = _NAMED_TEXT.split("|")
_PLACED_TEXT = (
    "Council|City|District|Primary|High|Grammar|RSL|RSA|FC|Rugby|Bowls|Golf|Harbour|Airport|Hospital|Library|Museum|Inn|"
    "Arms|Hotel|Motors|Dairy|Butchery|Bakery|Pharmacy|Vets|Plumbing|Electrical|Builders|Transport|Nursery|Farm|Estate|"
    "Wines|Boys High|Girls High|Playcentre|Scouts|Lions|Rotary|Toastmasters|Community|Trust|Marina|Theatre|Cinema|Baptist|"
    "Methodist|Anglican|Mosque|Temple|Gurdwara|Racecourse|Surf Club|Tennis|Netball|Football|Police|Fire Brigade|Water"
)
_PLACED = _PLACED_TEXT.split("|")
_OFFICES_TEXT = (
    "Department of|Dept of|Ministry of|Office of|Bank of|University of|City of|Shire of|Friends of|Sisters of|Society of|"
    "Embassy of|Port of|Diocese of|Church of|House of|Art of|Institute of|Bureau of|Commissioner of|Town of|World of|"
    "Taste of|Best of|Home of|Association of|Federation of|Republic of|Lions Club of|Rotary Club of|Consulate of"
)
_OFFICES = _OFFICES_TEXT.split("|")
_BITS_TEXT = (
    "net soft tech data info bio eco agri medi vita nova zen neo geo aero hydro inno syn tele auto euro trans inter pro "
    "max omni uni poly quick easy smart green blue red sun sky star cloud pay fin health care fit pet home cloud space "
    "flix hub lab labs ify io ly zy ex ix on us ora ia ium ara eo os ance ent ics onix ova era iva bay mart zone works "
    "line link wise ware way point base path gen gate core mind craft box nest mate field worx serve source"
)
_BITS = _BITS_TEXT.split()
_LEDGER_TEXT = (
    "Cash|Sundry|Sundries|Misc|Bank|Suspense|Clearing|Refunds|Deposits|Staff|Tenants|Supplier|Customer|Debtor|Sales|"
    "Expenses|Fees|Interest|Petty Cash|Eftpos|Stripe|PayPal|GST|VAT|Payroll|Wages|Tax|Fuel|Travel|Postage|Freight|Rent"
)
_LEDGER = _LEDGER_TEXT.split("|")
_LEDGER_ENDS_TEXT = (
    "account|clearing|control|various|- old|(do not use)|unknown|general|misc|refund|charges|payments|fund|holding|other|"
    "test|sales|A/C|default|accrual|one-off|transfer|dept|office|payable|adjustment|2023|donations|income|levy|float"
)
_LEDGER_ENDS = _LEDGER_ENDS_TEXT.split("|")
_TRUST_ENDS = (
    "Family Trust",
    "Trust",
    "Unit Trust",
    "Super Fund",
    "SMSF",
    "Discretionary Trust",
    "Superannuation Fund",
)
_LEGAL = ("Ltd", "Limited", "Pty Ltd", "Inc", "LLC", "P/L", "plc", "Inc.", "Co", "LLP", "Pty Limited", "Corp")
_CARERS = ("Mum", "Dad", "Jnr", "Snr", "Dec'd", "deceased", "Tenant", "Landlord", "contractor", "home", "new")
_TITLES = ("Mr", "Mrs", "Ms", "Miss", "Dr", "Prof", "Rev", "Sir", "Dr.", "Mr.", "Hon", "Fr", "Mx")
_LETTERS = "ABCDEFGHJKLMNPRSTVWYZ"
_ALPHABET = "AABCDEEFGHIJJKLMMNOPRSSTVW"
_MAIL = ("gmail.com", "hotmail.com", "xtra.co.nz", "outlook.com", "example.org", "bigpond.com")
_ROLE_MAIL = ("info", "accounts", "office", "sales", "admin", "hello", "billing")


_ASIAN_TEXT = """
zh: Wang Li Zhang Liu Chen Yang Huang Zhao Wu Zhou Xu Sun Ma Zhu Hu Guo He Gao Lin Luo Zheng Liang Xie Song Tang Han Feng Deng Cao Peng Zeng Xiao Tian Dong Pan Yuan Cai Jiang Yu Du Ye Cheng Wei Su Lu Ding Ren Shen Yao Jin Qiu Xia Tan Fu Zou Shi Xiong Meng Qin Yan Xue Hou Lei Bai Long Duan Hao Kong Shao Mao Chang Wan Gu Lai Wen Niu Qi Ou Ning
zh: ai an ang bai bao bei bin bing bo cai chang chao chen cheng chong chuan chun da dan dong fan fang fei fen feng fu gang ge guang gui guo hai han hao he heng hong hua huan hui jia jian jiang jie jin jing jiu juan jun kai kang ke kun lan lei li lian liang lin ling long lu mei meng min ming na nan ning pei peng ping qi qian qiang qin qing qiu rong rou ru rui shan shao sheng shi shu shuang si song tao ting tong wei wen wu xi xia xian xiang xiao xin xing xiong xiu xu xuan xue yan yang yao ye yi yin ying yong you yu yuan yue yun ze zhe zhen zheng zhi zhong zhou zhu zi
yue: Chan Wong Lee Leung Cheung Lam Lau Ho Ng Cheng Chow Chiu Tang Yeung Tsang Yip Fung Kwok Kwan Tse Tam Lui Mak Poon Szeto Au Yuen Hui Lo Siu Ko Kong Tong Mok Chu Choi Hung So Kwong Law Pang Tsui Wan Yu Shek Ip Lai Fong Chung Tsoi Wu
yue: cheuk chi ching chiu chun chung fai fong fung ha hang hei hin hing ho hoi hon hung ka kai kam kei kin king kit kiu kwan kwok kwong lai lam lap lik lok long lun man mei ming nga oi on pak pik ping po pui sau shan sheung shing shuk siu suet sum sze tak tat tin ting tsz tung wa wah wai wing wun yan yat yee yi yik yin ying yiu yuen yuet yuk yun
min: Tan Lim Lee Ng Ong Goh Chua Koh Teo Ang Yeo Tay Ho Low Sim Chong Chia Wee Toh Seah Quek Teoh Khoo Yap Ooi Loh Liew Foo Soh Heng Kwek Neo Phua Lau
min: ah bee beng boon chai cheng chin choo chuan eng gek geok guan hock hoe hong huat hui hwa jin joo kah keat keng kheng kiat kim kok kuan lay leng lian liang mui peck peng phaik poh sai seng siew sim sin soo suan swee teck tian tiong wan wee yen yong
ko: Kim Lee Park Choi Jung Jeong Kang Cho Jo Yoon Yun Jang Chang Lim Im Han Oh Seo Shin Kwon Hwang Ahn An Song Ryu Yoo Hong Jeon Ko Moon Son Yang Bae Baek Heo Nam Shim Roh Ha Kwak Sung Cha Joo Woo Koo Min
ko: a bin bo bong chan cheol chul dae dong eun ga gyu ha hae han hee ho hwa hwan hye hyeon hyo hyuk hyun il in ja jae ji jin jong joo joon ju jun jung ki kwang kyu kyung min mi myung na nam ra ri sang seo seok seon seong seung so sol soo sook su suk sun sung tae uk woo won woong ye yeon yi yong yoon young yu yul yun
vi: Nguyen Tran Le Pham Huynh Hoang Phan Vu Vo Dang Bui Do Ho Ngo Duong Ly Dinh Doan Trinh Truong Mai Cao Luong Luu Ha Chau Ta Thai Quach Kieu Nghiem
vi: anh bao bich binh cam chau chi cuc cuong dao diem dung duc duy gia giang hai han hang hanh hao hien hieu hoa hoai hoang hong hue hung huong huy huyen kim khanh khoa kieu lam lan le lien linh loan long ly mai mi minh my nam nga ngan nghia ngoc nhan nhi nhu nhung oanh phat phong phu phuc phuong quan quang que quoc quy quyen quynh son tai tam tan thanh thao thi thinh thu thuy tien tin toan trang tri trinh trong truc trung tu tuan tuyen tuyet uyen van viet vinh vy xuan yen
"""
_ASIAN = [line.split(": ") for line in _ASIAN_TEXT.strip().splitlines()]
_ASIANS = [
    (family[0], family[1].split(), given[1].split()) for family, given in zip(_ASIAN[::2], _ASIAN[1::2], strict=True)
]
_NOTES = (
    "- home",
    "- mobile",
    "(home)",
    "- work",
    "(accounts)",
    "(personal)",
    "- new",
    "2",
    "719",
    "- tenant",
    "(old)",
    "1985",
)


@dataclass(frozen=True, slots=True)
class World:
    """What names are composed of."""

    rng: random.Random
    latin: Sequence[People]
    others: Sequence[People]
    everyday: Sequence[str]
    plain: Sequence[str]
    places: Sequence[str]
    trades: Sequence[str]
    word_surnames: Sequence[str]
    rare_word_surnames: Sequence[str]
    given_names: frozenset[str]

    def pick(self, options: Sequence[str]) -> str:
        return self.rng.choice(options)

    def people(self) -> People:
        return self.rng.choice(self.latin)

    def given(self, of: People | None = None) -> str:
        return self.pick((of or self.people()).given)

    def family(self, of: People | None = None) -> str:
        return self.pick((of or self.people()).family)

    def word_surname(self) -> str:
        """A family name that is a word too, mostly a usual one."""
        return self.pick(self.word_surnames if self.rng.random() < 0.7 else self.rare_word_surnames).title()

    def only_family(self) -> str:
        """A family name that nobody is known to be called by."""
        return next((n for n in (self.family() for _ in range(9)) if n.lower() not in self.given_names), "Fitzgibbon")

    def initials(self) -> str:
        letters = [self.pick(_LETTERS) for _ in range(self.rng.choice((1, 1, 2)))]
        return self.pick((" ".join(letters), "".join(letters), "".join(f"{c}." for c in letters)))

    def pair(self) -> str:
        """Two initials, vowels too."""
        return self.pick(_ALPHABET) + self.pick(_ALPHABET)

    def word(self) -> str:
        """An everyday word, common ones more often."""
        return self.everyday[int(len(self.everyday) * self.rng.random() ** 1.7)].title()

    def plain_word(self) -> str:
        """An everyday word that is no name."""
        return self.plain[int(len(self.plain) * self.rng.random() ** 1.7)].title()

    def place(self) -> str:
        return self.pick(self.places)

    def trade(self) -> str:
        return self.pick(self.trades).title()

    def sign(self) -> str:
        return self.pick(("&", "&", "and", "+"))

    def coined(self) -> str:
        return (self.pick(_BITS) + self.pick((*_BITS, self.plain_word().lower()))).title()

    def full(self) -> str:
        of = self.people()
        return f"{self.given(of)} {self.family(of)}"


Template = Callable[[World], str]
Local = Callable[[World, People], str]

_LATIN_PEOPLE: tuple[tuple[int, Local], ...] = (
    (12, lambda w, p: f"{w.given(p)} {w.family(p)}"),
    (4, lambda w, p: f"{w.family(p)}, {w.given(p)}"),
    (3, lambda w, p: f"{w.family(p)} {w.given(p)}"),
    (3, lambda w, p: f"{w.initials()} {w.family(p)}"),
    (1, lambda w, p: f"{w.family(p)} {w.initials()}"),
    (1, lambda w, p: f"{w.family(p)}, {w.initials()}"),
    (3, lambda w, p: f"{w.given(p)} {w.given(p)} {w.family(p)}"),
    (2, lambda w, p: f"{w.given(p)} {w.family(p)} {w.family(p)}"),
    (1, lambda w, p: f"{w.given(p)} {w.family(p)}-{w.family()}"),
    (1, lambda w, p: f"{w.given(p)} {w.pick(_LETTERS)}. {w.family(p)}"),
    (3, lambda w, p: w.given(p)),
    (1, lambda w, p: f"{w.given(p)} {w.sign()} {w.given(p)}"),
    (2, lambda w, p: f"{w.given(p)} {w.sign()} {w.given(p)} {w.family(p)}"),
    (1, lambda w, p: f"{w.given(p)} {w.family(p)} {w.sign()} {w.given(p)} {w.family(p)}"),
    (1, lambda w, p: f"{w.initials()} {w.sign()} {w.initials()} {w.family(p)}"),
    (1, lambda w, p: f"{w.family(p)}, {w.given(p)} {w.sign()} {w.given(p)}"),
    (1, lambda w, p: f"{w.pick(_TITLES)} {w.given(p)} {w.family(p)}"),
    (1, lambda w, p: f"{w.pick(_TITLES)} {w.pick((w.initials() + ' ', ''))}{w.family(p)}"),
    (1, lambda w, p: f"{w.given(p)} {w.family(p)} ({w.pick((*_CARERS, w.given(p)))})"),
    (1, lambda w, p: f'{w.given(p)} "{w.given(p)}" {w.family(p)}'),
    (1, lambda w, p: f"{w.given(p)} {w.family(p)} {w.pick(_NOTES)}"),
    (1, lambda w, p: f"{w.pair()} {w.sign()} {w.pair()} {w.family(p)}"),
    (1, lambda w, p: f"{w.pair()} {w.family(p)}"),
    (1, lambda w, p: f"{w.given(p)} {w.family(p)} {w.pick(('nee', 'née', 'formerly', 'aka'))} {w.family(p)}"),
    (1, lambda w, p: f"{w.given(p)} {w.pick(_LETTERS)}"),
    (3, lambda w, p: f"{w.given(p)} {w.word_surname()}"),
    (1, lambda w, p: f"{w.given(p)}{w.pick('._')}{w.family(p)}".lower()),
    (1, lambda w, p: f"{w.given(p)}{w.pick(('.', '_', ''))}{w.family(p)}@{w.pick(_MAIL)}".lower()),
    (1, lambda w, p: f"{w.pick(('Big', 'Uncle', 'Aunty', 'Nana', 'Wee', 'Old', 'Aunt', 'Young'))} {w.given(p)} {w.family(p)}"),
    (1, lambda w, p: f"{w.pick(('Uncle', 'Aunty', 'Nana', 'Granny', 'Pop', 'Sister', 'Brother', 'Cousin'))} {w.given(p)}"),
)  # fmt: skip

_FIRMS_OF_PEOPLE: tuple[tuple[int, Template], ...] = (
    (6, lambda w: f"{w.family()} {w.sign()} {w.family()}"),
    (2, lambda w: f"{w.family()}, {w.family()} {w.sign()} {w.family()}"),
    (9, lambda w: f"{w.only_family()} {w.only_family()}"),
    (2, lambda w: f"{w.family()} {w.sign()} {w.pick(('Sons', 'Son', 'Co', 'Associates', 'Partners', 'Daughters'))}"),
    (4, lambda w: f"{w.full()} {w.trade()}"),
    (5, lambda w: f"{w.given()} {w.trade()}"),
    (3, lambda w: f"{w.family()} {w.trade()}"),
    (1, lambda w: f"{w.initials()} {w.family()} {w.trade()}"),
    (1, lambda w: f"{w.initials()} {w.sign()} {w.initials()} {w.trade()}"),
    (2, lambda w: f"{w.given()}'s {w.pick((w.trade(), w.plain_word()))}"),
    (1, lambda w: f"{w.given()}'s"),
    (1, lambda w: f"{w.given()} the {w.trade()}"),
    (2, lambda w: f"{w.full()} {w.pick(('t/a', 'T/A', 'trading as', 'dba', 'ta', 'T/as'))} {w.word()} {w.trade()}"),
    (1, lambda w: f"{w.full()} ({w.word()} {w.trade()})"),
    (1, lambda w: f"{w.full()} {w.pick(('c/-', 'c/o', 'C/-'))} {w.family()} {w.trade()}"),
    (2, lambda w: f"{w.full()} {w.pick(_LEGAL)}"),
    (2, lambda w: f"{w.pick(('', 'The '))}{w.pick((w.family(), w.full(), w.initials() + ' ' + w.family()))} {w.pick(_TRUST_ENDS)}"),
    (1, lambda w: f"{w.family()} {w.pick(_LEGAL)} {w.pick(('ATF', 'atf', 'as trustee for'))} {w.pick(('', 'the '))}{w.family()} {w.pick(_TRUST_ENDS)}"),
    (1, lambda w: f"{w.full()} {w.pick(('ATF', 'as trustee for', 'ITF'))} {w.pick(('', 'the '))}{w.family()} {w.pick(_TRUST_ENDS)}"),
    (1, lambda w: f"{w.pick(('Trustees of', 'The Trustee for', 'The Trustees of', 'Executors of', 'Executor Est', 'Est', 'Estate of the Late', 'Deceased Estate'))} {w.full()}"),
    (1, lambda w: f"{w.initials()} {w.sign()} {w.initials()} {w.family()} {w.pick(('Partnership', 'Trust', 'Family Trust'))}"),
    (3, lambda w: f"{w.full()} {w.pick(_NAMED)}"),
    (1, lambda w: f"{w.pick(('St', 'Saint', 'St.'))} {w.given()}{w.pick((chr(39) + 's', ''))}{w.pick(('', ' ' + w.pick(_PLACED)))}"),
    (1, lambda w: f"{w.pick(_ROLE_MAIL)}@{w.coined()}.com".lower()),
    (1, lambda w: f"{w.given()} {w.sign()} {w.given()} {w.trade()}"),
)  # fmt: skip

_FIRMS_OF_WORDS: tuple[tuple[int, Template], ...] = (
    (12, lambda w: f"{w.word()} {w.word()}"),
    (4, lambda w: f"{w.plain_word()} {w.plain_word()}"),
    (3, lambda w: f"The {w.word()} {w.pick((w.word(), w.trade()))}"),
    (2, lambda w: f"{w.word()} {w.sign()} {w.word()}"),
    (1, lambda w: f"{w.word()} {w.word()} {w.word()}"),
    (3, lambda w: w.plain_word()),
    (2, lambda w: w.plain_word() + w.plain_word().lower()),
    (4, lambda w: w.coined()),
    (4, lambda w: f"{w.word()} {w.trade()}"),
    (2, lambda w: f"{w.coined()} {w.pick((w.trade(), *_LEGAL))}"),
    (4, lambda w: f"{w.place()} {w.pick(_PLACED)}"),
    (2, lambda w: f"{w.place()} {w.word()}"),
    (2, lambda w: f"{w.word()} {w.place()}"),
    (1, lambda w: w.place()),
    (1, lambda w: f"{w.place()} {w.place()} {w.trade()}"),
    (2, lambda w: f"{w.pick(_OFFICES)} {w.pick((w.place(), w.word(), w.trade()))}"),
    (4, lambda w: f"{w.pick(_ROLES)} {w.plain_word()}"),
    (2, lambda w: f"{w.pick(_ROLES)} {w.given()}'s {w.pick((w.trade(), w.plain_word()))}"),
    (1, lambda w: f"{w.pick(_ROLES)} {w.pick((w.given(), w.word()))} {w.pick(_NAMED)}"),
    (5, lambda w: f"{w.given()} {w.plain_word()}"),
    (2, lambda w: f"{w.pick(_UNITS)}{w.rng.randint(1, 400)} {w.pick((w.word(), w.family(), w.place()))} {w.pick(_STREETS)}"),
    (1, lambda w: f"{w.rng.randint(1, 3000)} {w.pick(('', 'N ', 'W. ', 'S. ', 'E '))}{w.pick((w.family(), w.place()))}"),
    (2, lambda w: f"{w.pick(_LEDGER)} {w.pick(_LEDGER_ENDS)}"),
    (1, lambda w: w.pick(_LEDGER)),
    (1, lambda w: f"{w.pick(('Body Corporate', 'Strata Plan', 'Owners Corporation', 'BC', 'SP', 'Lot', 'Invoice', 'Site'))} {w.rng.randint(100, 99999)}"),
    (2, lambda w: "".join(w.pick(_LETTERS) for _ in range(w.rng.choice((2, 3, 3, 4))))),
    (1, lambda w: f"{w.pick(_LETTERS)}{w.pick((' & ', '&', ' and '))}{w.pick(_LETTERS)}"),
    (1, lambda w: f"{' '.join(w.pick(_LETTERS) for _ in range(w.rng.choice((2, 3))))} {w.pick((w.trade(), w.word()))}"),
    (1, lambda w: f"{w.pick(_LETTERS)}{w.rng.randint(1, 9)} {w.trade()}"),
    (1, lambda w: f"{w.word()}.{w.pick(('com', 'co.nz', 'com.au', 'net', 'co.uk', 'org', 'io'))}"),
    (1, lambda w: f"{w.place()} {w.sign()} {w.place()} {w.pick(_PLACED)}"),
)  # fmt: skip


def world_names(
    trades: Sequence[str], word_surnames: Sequence[str], given: frozenset[str], surnames: frozenset[str], seed: int
) -> Iterator[tuple[str, bool]]:
    """Yield names and whether each is a person, the same for the same seed and packages."""
    rng = random.Random(seed)
    everyday = training_lists.words()[:EVERYDAY]
    all_peoples = training_lists.peoples()
    latin = [p for p in all_peoples if "a" <= p.family[len(p.family) // 2][1:2].lower() <= "ſ"]
    world = World(
        rng=rng,
        latin=latin,
        others=[p for p in all_peoples if p not in latin],
        everyday=everyday,
        plain=[w for w in everyday if w not in surnames and w not in given],
        places=training_lists.places(),
        trades=trades,
        word_surnames=word_surnames,
        rare_word_surnames=[w for w in everyday if w in surnames] or word_surnames,
        given_names=given | {n.lower() for p in latin for n in p.given},
    )
    for _ in range(COUNT // 2):
        chance = rng.random()
        if chance < LATIN_SHARE:
            yield _cased(_latin_person(world), rng), True
        elif chance < LATIN_SHARE + ASIAN_SHARE:
            yield _cased(_asian_person(world), rng), True
        else:
            yield _other_person(world), True
    for _ in range(COUNT * 3 // 8):
        templates = _FIRMS_OF_PEOPLE if rng.random() < 0.42 else _FIRMS_OF_WORDS
        yield _cased(_chosen(templates, rng)(world), rng), False
    for _ in range(COUNT // 8):
        yield _foreign_firm(world), False
    for locale in training_lists.company_locales():
        for firm in training_lists.companies(locale, COMPANIES_EACH, seed):
            if " " in firm or not firm.isascii():
                yield _cased(firm, rng), False


def _chosen(templates: Sequence[tuple[int, Callable[..., str]]], rng: random.Random) -> Callable[..., str]:
    return rng.choices([t for _, t in templates], weights=[share for share, _ in templates])[0]


def _cased(name: str, rng: random.Random) -> str:
    """Some registers shout, some people never press Shift."""
    chance = rng.random()
    return name.upper() if chance < 0.15 else name.lower() if chance < 0.22 else name


def _latin_person(world: World) -> str:
    people = world.people()
    if people.locale in FAMILY_FIRST and world.rng.random() < 0.5:
        return f"{world.family(people)} {world.given(people)}"
    return str(_chosen(_LATIN_PEOPLE, world.rng)(world, people))


def _asian_person(world: World) -> str:
    """A Chinese, Korean or Vietnamese person in Latin letters, with one or two syllables as given name."""
    rng = world.rng
    speech, families, syllables = rng.choice(_ASIANS)
    family, first, second = rng.choice(families), rng.choice(syllables), rng.choice(syllables)
    joined = f"{first}{second}".title()
    spaced = f"{first} {second}".title()
    given = rng.choice(
        (joined, f"{first}-{second}".title(), spaced, first.title(), joined if speech == "zh" else spaced)
    )
    western = world.given() + " " if rng.random() < 0.15 else ""
    shapes = (
        f"{family} {given}",
        f"{given} {family}",
        f"{family}, {given}",
        f"{western}{given} {family}",
        f"{given[0]} {family}",
    )
    if speech == "vi":
        middle = rng.choice(("Thi", "Van", "Thi", "Quoc", "Minh", "Ngoc"))
        shapes = (
            f"{family} {middle} {given}",
            f"{family} {spaced}",
            f"{given} {family}",
            f"{given} {middle} {family}",
            f"{first} {family}".title(),
        )
    return rng.choices(shapes, weights=(4, 4, 2, 2, 1))[0]


def _other_person(world: World) -> str:
    """A person in a script other than Latin."""
    rng = world.rng
    people = rng.choice(world.others)
    given, family = world.given(people), world.family(people)
    if people.locale in UNSPACED:
        return family + rng.choice(("", "", "", " ")) + given
    shapes = (
        f"{given} {family}",
        f"{given} {family}",
        f"{family} {given}",
        f"{given} {world.given(people)} {family}",
        given,
    )
    return rng.choices(shapes, weights=(4, 4, 3, 2, 1))[0]


def _foreign_firm(world: World) -> str:
    """A firm in another language: a trade and a name of that people."""
    people = world.rng.choice([*world.latin, *world.others])
    speech = _SPEECH.get(people.locale[:2], people.locale[:2])
    trades = _FIRMS.get(speech) or world.rng.choice(list(_FIRMS.values()))
    if speech not in _FIRMS and not trades[0].isascii():
        trades = _FIRMS["mi"]
    trade, name = world.pick(trades), world.rng.choice((world.family(people), world.given(people), world.pick(trades)))
    if people.locale in UNSPACED:
        return world.rng.choice((f"{name}{trade}", f"{trade}{name}", f"{world.pick(people.given)}{trade}"))
    return world.rng.choice(
        (f"{trade} {name}", f"{trade} {name}", f"{name} {trade}", f"{trade} {name} & {world.family(people)}")
    )
