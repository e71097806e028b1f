"""States and provinces: their ISO 3166-2 codes, names and time zones.

Zones are those that the law gives a state (for the United States 49 CFR part 71), each under
one name of those that have the same time. A state with several zones has them all; its postal
codes may tell which (:mod:`callcamp.core.addresses`).
"""

from __future__ import annotations

_ZONES = {
    "A": "America/Anchorage",
    "Ad": "America/Adak",
    "C": "America/Chicago",
    "E": "America/New_York",
    "H": "Pacific/Honolulu",
    "M": "America/Denver",
    "P": "America/Los_Angeles",
    "Ph": "America/Phoenix",
    "Atl": "America/Halifax",
    "PR": "America/Puerto_Rico",
    "Gu": "Pacific/Guam",
    "Sam": "Pacific/Pago_Pago",
    "Ca-E": "America/Toronto",
    "Ca-C": "America/Winnipeg",
    "Ca-M": "America/Edmonton",
    "Ca-P": "America/Vancouver",
    "Nfl": "America/St_Johns",
    "Sk": "America/Regina",
    "Yt": "America/Whitehorse",
    "FtN": "America/Fort_Nelson",
    "Adl": "Australia/Adelaide",
    "Bne": "Australia/Brisbane",
    "Drw": "Australia/Darwin",
    "Euc": "Australia/Eucla",
    "LH": "Australia/Lord_Howe",
    "Per": "Australia/Perth",
    "Syd": "Australia/Sydney",
    "De": "Europe/Berlin",
    "Es": "Europe/Madrid",
    "Can": "Atlantic/Canary",
}

_TABLE = """\
US-AL Alabama C
US-AK Alaska A,Ad
US-AS American Samoa Sam
US-AZ Arizona M,Ph
US-AR Arkansas C
US-CA California P
US-CO Colorado M
US-CT Connecticut E
US-DC District of Columbia E
US-DE Delaware E
US-FL Florida C,E
US-GA Georgia E
US-GU Guam Gu
US-HI Hawaii H
US-ID Idaho M,P
US-IL Illinois C
US-IN Indiana C,E
US-IA Iowa C
US-KS Kansas C,M
US-KY Kentucky C,E
US-LA Louisiana C
US-ME Maine E
US-MD Maryland E
US-MA Massachusetts E
US-MI Michigan C,E
US-MN Minnesota C
US-MP Northern Mariana Islands Gu
US-MS Mississippi C
US-MO Missouri C
US-MT Montana M
US-NE Nebraska C,M
US-NV Nevada M,P
US-NH New Hampshire E
US-NJ New Jersey E
US-NM New Mexico M
US-NY New York E
US-NC North Carolina E
US-ND North Dakota C,M
US-OH Ohio E
US-OK Oklahoma C
US-OR Oregon M,P
US-PA Pennsylvania E
US-PR Puerto Rico PR
US-RI Rhode Island E
US-SC South Carolina E
US-SD South Dakota C,M
US-TN Tennessee C,E
US-TX Texas C,M
US-UT Utah M
US-VT Vermont E
US-VA Virginia E
US-VI Virgin Islands PR
US-WA Washington P
US-WV West Virginia E
US-WI Wisconsin C
US-WY Wyoming M
CA-AB Alberta Ca-M
CA-BC British Columbia Ca-M,Ca-P,FtN
CA-MB Manitoba Ca-C
CA-NB New Brunswick Atl
CA-NL Newfoundland and Labrador Atl,Nfl
CA-NS Nova Scotia Atl
CA-NT Northwest Territories Ca-M
CA-NU Nunavut Ca-C,Ca-E,Ca-M
CA-ON Ontario Ca-C,Ca-E
CA-PE Prince Edward Island Atl
CA-QC Quebec Atl,Ca-E
CA-SK Saskatchewan Ca-C,Ca-M,Sk
CA-YT Yukon Yt
AU-ACT Australian Capital Territory Syd
AU-NSW New South Wales Adl,LH,Syd
AU-NT Northern Territory Drw
AU-QLD Queensland Bne
AU-SA South Australia Adl
AU-TAS Tasmania Syd
AU-VIC Victoria Syd
AU-WA Western Australia Euc,Per
DE-BB Brandenburg De
DE-BE Berlin De
DE-BW Baden-Württemberg De
DE-BY Bayern De
DE-HB Bremen De
DE-HE Hessen De
DE-HH Hamburg De
DE-MV Mecklenburg-Vorpommern De
DE-NI Niedersachsen De
DE-NW Nordrhein-Westfalen De
DE-RP Rheinland-Pfalz De
DE-SH Schleswig-Holstein De
DE-SL Saarland De
DE-SN Sachsen De
DE-ST Sachsen-Anhalt De
DE-TH Thüringen De
ES-AN Andalucía Es
ES-AR Aragón Es
ES-AS Asturias Es
ES-CB Cantabria Es
ES-CE Ceuta Es
ES-CL Castilla y León Es
ES-CM Castilla-La Mancha Es
ES-CN Canarias Can
ES-CT Cataluña Es
ES-EX Extremadura Es
ES-GA Galicia Es
ES-IB Islas Baleares Es
ES-MC Murcia Es
ES-MD Madrid Es
ES-ML Melilla Es
ES-NC Navarra Es
ES-PV País Vasco Es
ES-RI La Rioja Es
ES-VC Comunidad Valenciana Es
"""


def _read(line: str) -> tuple[str, tuple[str, tuple[str, ...]]]:
    code, rest = line.split(" ", 1)
    name, zones = rest.rsplit(" ", 1)
    return code, (name, tuple(sorted(_ZONES[short] for short in zones.split(","))))


AREA_NAMES: dict[str, tuple[str, tuple[str, ...]]] = dict(map(_read, _TABLE.splitlines()))
"""Name and time zones of each subdivision, by ISO 3166-2 code."""

TERRITORIES: frozenset[str] = frozenset({"AS", "GU", "MP", "PR", "VI"})
"""Countries by ISO 3166-1 that are subdivisions of the United States here: its law holds."""
