"""The words that made-up names are composed of: firms in many languages, syllables, legal forms, roles, streets, ledger entries."""

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
FIRMS = {line[:2]: line[4:].split("|") for line in _FIRMS_TEXT.strip().splitlines()}
SPEECH = {"no": "da", "nb": "da", "ne": "hi", "mr": "hi", "sk": "cs", "mk": "bg", "ga": "", "en": "", "sr": "bg"}
STREETS = [
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
UNITS = ("", "", "", "Unit 3, ", "Flat 2 ", "2/", "Level 4, ", "Shop 6, ", "Apt 12, ")
ROLES = [
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
NAMED = _NAMED_TEXT.split("|")
_PLACED_TEXT = (
    "Council|City|District|Primary|High|Grammar|RSL|RSA|FC|Rugby|Bowls|Golf|Harbour|Airport|Hospital|Library|Museum|Inn|"
    "Arms|Hotel|Motors|Dairy|Butchery|Bakery|Pharmacy|Vets|Plumbing|Electrical|Builders|Transport|Nursery|Farm|Estate|"
    "Wines|Boys High|Girls High|Playcentre|Scouts|Lions|Rotary|Toastmasters|Community|Trust|Marina|Theatre|Cinema|Baptist|"
    "Methodist|Anglican|Mosque|Temple|Gurdwara|Racecourse|Surf Club|Tennis|Netball|Football|Police|Fire Brigade|Water"
)
PLACED = _PLACED_TEXT.split("|")
_OFFICES_TEXT = (
    "Department of|Dept of|Ministry of|Office of|Bank of|University of|City of|Shire of|Friends of|Sisters of|Society of|"
    "Embassy of|Port of|Diocese of|Church of|House of|Art of|Institute of|Bureau of|Commissioner of|Town of|World of|"
    "Taste of|Best of|Home of|Association of|Federation of|Republic of|Lions Club of|Rotary Club of|Consulate of"
)
OFFICES = _OFFICES_TEXT.split("|")
_BITS_TEXT = (
    "net soft tech data info bio eco agri medi vita nova zen neo geo aero hydro inno syn tele auto euro trans inter pro "
    "max omni uni poly quick easy smart green blue red sun sky star cloud pay fin health care fit pet home cloud space "
    "flix hub lab labs ify io ly zy ex ix on us ora ia ium ara eo os ance ent ics onix ova era iva bay mart zone works "
    "line link wise ware way point base path gen gate core mind craft box nest mate field worx serve source"
)
BITS = _BITS_TEXT.split()
_LEDGER_TEXT = (
    "Cash|Sundry|Sundries|Misc|Bank|Suspense|Clearing|Refunds|Deposits|Staff|Tenants|Supplier|Customer|Debtor|Sales|"
    "Expenses|Fees|Interest|Petty Cash|Eftpos|Stripe|PayPal|GST|VAT|Payroll|Wages|Tax|Fuel|Travel|Postage|Freight|Rent"
)
LEDGER = _LEDGER_TEXT.split("|")
_LEDGER_ENDS_TEXT = (
    "account|clearing|control|various|- old|(do not use)|unknown|general|misc|refund|charges|payments|fund|holding|other|"
    "test|sales|A/C|default|accrual|one-off|transfer|dept|office|payable|adjustment|2023|donations|income|levy|float"
)
LEDGER_ENDS = _LEDGER_ENDS_TEXT.split("|")
TRUST_ENDS = (
    "Family Trust",
    "Trust",
    "Unit Trust",
    "Super Fund",
    "SMSF",
    "Discretionary Trust",
    "Superannuation Fund",
)
LEGAL = ("Ltd", "Limited", "Pty Ltd", "Inc", "LLC", "P/L", "plc", "Inc.", "Co", "LLP", "Pty Limited", "Corp")
_WORLD_LEGAL_TEXT = (
    "AO|OOO|S.A.|SA de CV|S.A. de C.V.|C.A.|E.U.|S.R.L.|S.L.|Ltda|Lda|S.p.A.|SARL|SAS|GmbH|AG|KG|BV|B.V.|NV|AB|Oy|ApS|A/S|AS|"
    "Sp. z o.o.|s.r.o.|a.s.|d.o.o.|Kft|Zrt|OÜ|UAB|SIA|AD|EOOD|OOD|A.Ş.|Ltd. Şti.|Pte Ltd|Sdn Bhd|Tbk|K.K.|Co., Ltd|FZE|LLP|L.L.C.|"
    "S. en C.|S.C.A.|E.I.R.L.|SNC|JSC|PJSC|Pvt Ltd|PC|PLLC|P.C.|CIC|CIO|L.P."
)
WORLD_LEGAL = _WORLD_LEGAL_TEXT.split("|")
_LANDS_TEXT = (
    "UK|(UK)|NZ|(NZ)|Australia|(Aust)|USA|Europe|International|Asia|Ireland|Canada|New Zealand|America|India|South West|"
    "North|London|Auckland|Sydney|Melbourne|Global|Worldwide|Pacific|Asia Pacific|Wales|Scotland|Australasia|Africa|Intl"
)
LANDS = _LANDS_TEXT.split("|")
_HOUSES_TEXT = (
    "Church|Hall|Chapel|Temple|Park|Mill|Mills|Court|Manor|House|Farm|Lodge|Priory|Abbey|Chambers|Mews|Gardens|Barns|"
    "Cottage|Castle|Grange|Quay|Bay|Hill|Bridge|Station|Tavern|Arms|Village|Ranch|Estate|Grove|Lake|Valley|Ridge|Point"
)
HOUSES = _HOUSES_TEXT.split("|")
_MAKES_TEXT = (
    "Ford|Nissan|Toyota|Honda|Mazda|Hyundai|Kia|Subaru|Suzuki|Mitsubishi|Volkswagen|Audi|BMW|Peugeot|Renault|Citroen|Skoda|"
    "Volvo|Jaguar|Isuzu|Jeep|Chevrolet|Vauxhall|Holden|Yamaha|Kawasaki|JCB|Peterbilt|Kenworth|Mercedes|Foodbank|Spartans|"
    "Titans|Tigers|Panthers|Eagles|Warriors|United|Rovers|Wanderers|Childminding|Playgroup|Cares|Karpets|Kids|Kidz|Angels"
)
MAKES = _MAKES_TEXT.split("|")
CARERS = ("Mum", "Dad", "Jnr", "Snr", "Dec'd", "deceased", "Tenant", "Landlord", "contractor", "home", "new")
TITLES = ("Mr", "Mrs", "Ms", "Miss", "Dr", "Prof", "Rev", "Sir", "Dr.", "Mr.", "Hon", "Fr", "Mx")
LETTERS = "ABCDEFGHJKLMNPRSTVWYZ"
ALPHABET = "AABCDEEFGHIJJKLMMNOPRSSTVW"
MAIL = ("gmail.com", "hotmail.com", "xtra.co.nz", "outlook.com", "example.org", "bigpond.com")
ROLE_MAIL = ("info", "accounts", "office", "sales", "admin", "hello", "billing")


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
ASIANS = [
    (family[0], family[1].split(), given[1].split()) for family, given in zip(_ASIAN[::2], _ASIAN[1::2], strict=True)
]
NOTES = (
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
