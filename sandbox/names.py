"""Word lists from which made-up clients are composed: given names, surnames, company words, places.

Generated worlds and the demo world both draw from here. Names are kept apart by origin so that the
composed people read like real ones, and surnames that are also everyday words (Banks, Church) are left
out: a reader must be able to say at a glance whether a name is a person or an organisation.
"""

from __future__ import annotations

from typing import NamedTuple


class Origin(NamedTuple):
    """Given names and surnames that belong together."""

    given: tuple[str, ...]
    surnames: tuple[str, ...]


class Town(NamedTuple):
    """A town with what its addresses and land lines look like; `area` is written without the trunk zero."""

    city: str
    region: str
    postcode: str
    country: str
    area: str


def _words(text: str, separator: str | None = None) -> tuple[str, ...]:
    return tuple(text.split(separator))


def _origin(given: str, surnames: str) -> Origin:
    return Origin(_words(given), tuple(surname.replace("_", " ") for surname in surnames.split()))


ORIGINS: tuple[Origin, ...] = (
    _origin(
        "Alan Joan Margaret Peter Susan David Helen Andrew Rachel Thomas Emily Oliver Sophie Matthew Karen Simon "
        "Fiona Nigel Deborah Stephen Alison Graham Pauline Christopher Hannah Timothy Rebecca Jonathan Caroline "
        "Michael Janet Robert Lynette Gareth Victoria Daniel Charlotte Benjamin Amelia Nicholas Harriet Edward",
        "Petrie Whitfield Ashworth Hargreaves Pemberton Thornley Wetherby Aldridge Bickerstaff Hollis Ramsbottom "
        "Tattersall Entwistle Longworth Davenport Winstanley Hathersage Colclough Birtwistle Ackroyd Dewhurst "
        "Hepworth Illingworth Oldroyd Sutcliffe Wadsworth Barraclough Crabtree Fothergill Gledhill Hinchliffe "
        "Kershaw Lumley Mortimer Openshaw Postlethwaite Rawlinson Satterthwaite Threlfall Unsworth Johnson "
        "Robinson Thompson Richardson Harrison Wilkinson Simpson Atkinson Stevenson Hutchinson",
    ),
    _origin(
        "Aroha Tāne Mere Hēmi Wiremu Kahurangi Ngaire Rangi Hinemoa Tama Anahera Hōne Marama Pita Whetū Manaia "
        "Rewi Huia Ihaka Tīpene Mihi Rāwiri Kiri Hoani Ataahua Matiu Pānia Wikitoria Eruera Moana",
        "Tirikatene Ngata Parata Waititi Te_Kanawa Rāpana Kawharu Herangi Taiaroa Ruru Pōtiki Tamihana Whaanga "
        "Mahuta Rangihau Te_Aho Hohepa Karetu Tūhoro Nēpia Paewai Ratana Hapeta Matehaere Tūwhare Henare",
    ),
    _origin(
        "Sione Mele Losa Tavita Fetu Lagi Malia Tevita Ana Semisi Sina Ioane Leilani Manu Viliami Salote Faleolo "
        "Tupou Penitoa Lupe",
        "Leota Tuilagi Fonoti Taufa Vainikolo Tuipulotu Faleafa Seumalo Latu Havili Moala Fifita Leavai Tauiliili "
        "Papali'i Toleafoa Kaufusi Mataafa Pulotu Vunipola",
    ),
    _origin(
        "Wei Xiuying Jian Mei Hao Lihua Zhiqiang Yan Jing Xiaoming Fang Guoliang Ling Ming Hui Cheng Shu Yulan",
        "Zhāng Chen Liang Huang Zhou Xu Guo Luo Tang Zheng Xie Feng Deng Cao Peng Tian Jiang Lü Ouyang Sima",
    ),
    _origin(
        "Minh Lan Tuấn Hương Thảo Dũng Ngọc Phúc Quang Linh Trang Hoa Khánh Đức Mai Tâm",
        "Nguyễn Trần Phạm Võ Đặng Bùi Đỗ Hồ Ngô Dương Huỳnh Trịnh Lương Đinh",
    ),
    _origin(
        "Priya Arjun Ananya Rahul Sunita Vikram Deepa Rajesh Kavita Suresh Meera Anil Lakshmi Nikhil Pooja Sanjay "
        "Divya Ashok Shreya Manoj Gurpreet Harjit Manpreet Jaspreet Balwinder Kulwant Simran Amrit",
        "Patel Sharma Iyer Reddy Chatterjee Mukherjee Deshpande Kulkarni Banerjee Subramaniam Krishnan Gupta Joshi "
        "Nair Agarwal Venkatesan Ranganathan Dhillon Grewal Sandhu Gill Sidhu Bajwa Chahal Randhawa",
    ),
    _origin(
        "Maricel Jomar Rosalinda Efren Analyn Rodrigo Cristina Renato Luzviminda Arnel Imelda Danilo Rowena Joselito",
        "Dela_Cruz Bautista Villanueva Macaraeg Pangilinan Dimaculangan Magsaysay Salonga Catacutan Manalo Tolentino "
        "Lacson Batungbakal Sumulong",
    ),
    _origin(
        "Giorgos Eleni Dimitris Katerina Nikos Sofia Kostas Vasiliki Giuseppe Francesca Luca Chiara Salvatore Giulia "
        "Matteo Concetta Antonio Rosaria",
        "Papadopoulos Georgiou Karagiannis Stavropoulos Economou Theodorou Katsaros Vlahos Rossi Esposito Mancini "
        "D'Angelo Lombardi Giordano Fabbri Santoro Caruso Bellini Ferraro Marchetti",
    ),
    _origin(
        "Fadi Rima Elias Nadine Georges Layla Khalil Samira Omar Yasmin Hassan Fatima Youssef Amina Ibrahim Zeinab",
        "Khoury Haddad Nassar Chahine Saab Mansour Abboud Daher Karam Sleiman El-Hage Farhat Hijazi Darwish Rahmani "
        "Shamoun",
    ),
    _origin(
        "Katarzyna Piotr Agnieszka Tomasz Małgorzata Krzysztof Zofia Wojciech Jiří Zuzana Bogdan Oksana Dmytro Ljubica "
        "Zoran Vesna",
        "Kowalski Wiśniewski Wójcik Zieliński Szymański Woźniak Kozłowski Novák Dvořák Shevchenko Bondarenko Petrović "
        "Jovanović Horvat Łukaszewicz Grabowski",
    ),
    _origin(
        "Siobhán Padraig Niamh Cormac Aoife Declan Gráinne Eoin Hamish Morag Callum Ailsa Fergus Mairi Rhys Carys "
        "Emrys Angharad Dafydd Cerys",
        "O'Sullivan Ó_Briain Gallagher McLoughlin Fitzgerald O'Rourke McKenzie MacGregor Abernethy Farquharson Colquhoun "
        "MacAulay Pritchard Llewellyn Gwynne Prosser Bevan Cadwallader Urquhart Dalrymple",
    ),
    _origin(
        "Chidi Ngozi Emeka Adaeze Tunde Folake Oluwaseun Ifeoma Kwame Abena Thabo Nomsa Tendai Chipo Amara Babatunde",
        "Okonkwo Adeyemi Okafor Nwosu Balogun Eze Adebayo Oyelaran Mensah Boateng Dlamini Nkosi Moyo Chikwanha Obi "
        "Olatunji",
    ),
    _origin(
        "Ji-woo Min-jun Seo-yeon Hye-jin Sung-ho Eun-ji Haruto Yuki Kenji Sakura Takumi Akiko Hiroshi Naomi Daichi "
        "Emiko",
        "Kim Park Choi Jeong Kang Yoon Hwang Seo Tanaka Watanabe Kobayashi Yoshida Matsumoto Hayashi Fujiwara Nakajima",
    ),
    _origin(
        "José María Alejandro Lucía Diego Valentina Mateo Ximena Joaquín Camila Andrés Gabriela Héctor Inés Thiago "
        "Beatriz João Luana",
        "García Hernández Muñoz Rodríguez Peña Santos_Rivera Gutiérrez Ibáñez Córdova Vásquez Quiñones de_la_Fuente "
        "Oliveira Gonçalves Figueiredo Carvalho Zúñiga Echeverría",
    ),
    _origin(
        "Annelise Lars Ingrid Sven Astrid Bjørn Freya Søren Klaus Heike Jürgen Margit Pieter Femke Willem Anneke "
        "Étienne Céline Thibault Margaux",
        "Jørgensen Lindqvist Håkansson Nygård Rasmussen Müller Schröder Hofmann van_der_Merwe de_Vries van_den_Berg "
        "Hoekstra Lefèvre Dubois Beaumont Girard Bergström Vestergaard",
    ),
)

FIRST_WORDS: tuple[str, ...] = _words(
    "Kauri Harbour Bluegum Southern Northern Coastal Highland Riverside Tūī Kōwhai Pōhutukawa Rātā Wattle Banksia "
    "Jarrah Silver Golden Summit Granite Cedar Willow Heron Kestrel Falcon Osprey Lighthouse Anchor Beacon Meridian "
    "Compass Parkside Lakeside Hilltop Westgate Eastgate Millbrook Stonebridge Fernleigh Oakfield Ashdown Redwood "
    "Copper Ironbark Sandstone Limestone Tasman Pacific Kiwi Outback Prairie Bayview Clearwater Longford Thistle "
    "Heather Bramble Foxglove Juniper Saffron Marigold Orchid Lotus Tamarind Cardamom Monsoon Sunrise Evergreen"
)
SECOND_WORDS: tuple[str, ...] = _words(
    "Ridge Bay Point Valley Creek Peak Cove Grove Hill Park Bridge Gate Lane Crossing Landing Junction Hollow Meadow "
    "Reach Heights Springs Flats Terrace Downs Vale Fields"
)
TRADES: tuple[str, ...] = _words(
    "Plumbing,Roofing,Electrical Services,Building Supplies,Joinery,Landscaping,Painting Contractors,Earthmoving,"
    "Scaffolding,Concrete,Bakery,Café,Catering,Butchery,Brewery,Vineyards,Orchards,Dairy,Seafoods,Fisheries,Transport,"
    "Logistics,Freight,Couriers,Motors,Panel Beaters,Tyres,Marine,Aviation,Engineering,Manufacturing,Plastics,Textiles,"
    "Printing,Signs,Media,Design Studio,Software,Technologies,Consulting,Recruitment,Legal,Dental Surgery,"
    "Medical Centre,Physiotherapy,Pharmacy,Veterinary Clinic,Childcare Centre,Early Learning,Property Management,"
    "Developments,Investments,Holdings,Farms,Pastoral,Forestry,Nurseries,Florists,Optometrists,Hairdressing,Fitness,"
    "Travel,Tours,Motel,Hotel,Security,Cleaning Services,Laundry,Waste Management,Solar,Insulation,Flooring,Kitchens,"
    "Glass,Fencing,Drainage,Refrigeration,Air Conditioning,Surveyors,Architects,Furniture,Imports,Exports,Wholesalers",
    ",",
)
SOLE_TRADES: tuple[str, ...] = _words(
    "Plumbing,Roofing,Electrical,Carpentry,Painting,Gardening,Fencing,Catering,Photography,Bookkeeping,Tiling,Mowing",
    ",",
)
COMPANY_FORMS: dict[str, tuple[str, ...]] = {
    "NZ": ("Limited", "Ltd"),
    "AU": ("Pty Ltd", "Pty Limited", "Pty Ltd"),
    "GB": ("Ltd", "Limited", "LLP"),
    "US": ("LLC", "Inc", "Inc.", "Corp"),
}
CLUBS: tuple[str, ...] = _words(
    "Bowling Club,Rugby Football Club,Netball Club,Surf Life Saving Club,Community Trust,Primary School,Playcentre,"
    "Historical Society,Residents Association,Choral Society,Hospice Foundation,Cricket Club",
    ",",
)

STREETS: tuple[str, ...] = _words(
    "Kauri,Station,High,Queen,Victoria,Church,Mill,Beach,Harbour,River,Wattle,Albert,Park,Railway,Bridge,Tūī,Garden,"
    "Orchard,Wharf,Market,Chapel,Princes,Elm,Ridge,Quarry,Lagoon,Pioneer,Sunset,Fernhill,Cambridge",
    ",",
)
STREET_KINDS: tuple[str, ...] = ("Street", "Road", "Avenue", "Lane", "Terrace", "Place", "Drive", "St", "Rd")

TOWNS: tuple[Town, ...] = (
    Town("Auckland", "Auckland", "1010", "NZ", "9"),
    Town("Whangārei", "Northland", "0110", "NZ", "9"),
    Town("Hamilton", "Waikato", "3204", "NZ", "7"),
    Town("Tauranga", "Bay of Plenty", "3110", "NZ", "7"),
    Town("Napier", "Hawke's Bay", "4110", "NZ", "6"),
    Town("Wellington", "Wellington", "6011", "NZ", "4"),
    Town("Nelson", "Nelson", "7010", "NZ", "3"),
    Town("Christchurch", "Canterbury", "8011", "NZ", "3"),
    Town("Dunedin", "Otago", "9016", "NZ", "3"),
    Town("Sydney", "NSW", "2000", "AU", "2"),
    Town("Newcastle", "NSW", "2300", "AU", "2"),
    Town("Melbourne", "VIC", "3000", "AU", "3"),
    Town("Ballarat", "VIC", "3350", "AU", "3"),
    Town("Brisbane", "QLD", "4000", "AU", "7"),
    Town("Cairns", "QLD", "4870", "AU", "7"),
    Town("Adelaide", "SA", "5000", "AU", "8"),
    Town("Perth", "WA", "6000", "AU", "8"),
    Town("London", "Greater London", "EC1A 1AA", "GB", "20"),
    Town("Bristol", "", "BS1 4XE", "GB", "117"),
    Town("Leeds", "West Yorkshire", "LS1 2AB", "GB", "113"),
    Town("Cardiff", "", "CF10 1AA", "GB", "29"),
    Town("Edinburgh", "", "EH1 1AA", "GB", "131"),
    Town("Portland", "OR", "97201", "US", "503"),
    Town("San Diego", "CA", "92101", "US", "619"),
    Town("Austin", "TX", "78701", "US", "512"),
    Town("Denver", "CO", "80202", "US", "303"),
)

COUNTRY_SPELLINGS: dict[str, tuple[str, ...]] = {
    "NZ": ("New Zealand", "NZ", "NEW ZEALAND", "New Zealand", ""),
    "AU": ("Australia", "AU", "AUSTRALIA", "Australia", ""),
    "GB": ("United Kingdom", "UK", "GB", "United Kingdom", ""),
    "US": ("United States", "USA", "US", "United States of America", ""),
}
CALLING_CODES: dict[str, str] = {"NZ": "64", "AU": "61", "GB": "44", "US": "1"}

SYLLABLES: tuple[str, ...] = _words(
    "bel bra cal cor dal dor el fen gal gor hal jor kal kel lan lor mar mel nor nov or pel qua ral rin sal sol tal tor "
    "ul val var vel ver vin wen wol yor zan zel"
)
ENDINGS: tuple[str, ...] = _words("avia enta era ica ifex ima ino ista ium onex onia ora oso otec uma una ura uvo ynt")
