"""What the beginning of a phone number tells: country, subdivisions, time zones.

Drawn by :mod:`callcamp.cli.draw_places` from libphonenumber's data; never edit the table. A
number is where the longest prefix that it begins with says. Zones are merged that have had the
same time for years.
"""

from __future__ import annotations

_TABLE = """\
- -
America/Adak,America/Anchorage,America/Chicago,America/Denver,America/Edmonton,America/Fort_Nelson,America/Grand_Turk,America/Halifax,America/Jamaica,America/Los_Angeles,America/New_York,America/Phoenix,America/Puerto_Rico,America/Regina,America/St_Johns,America/Vancouver,America/Winnipeg,Pacific/Guam,Pacific/Honolulu,Pacific/Pago_Pago
1 | AC - Atlantic/St_Helena 247 | AD - Europe/Andorra 376 | AE - Asia/Dubai 971 |
AF - Asia/Kabul 93 | AG - America/Antigua 1268 | AI - America/Anguilla 1264 |
AL - Europe/Tirane 355 | AM - Asia/Yerevan 374 | AO - Africa/Luanda 244 |
AR - America/Argentina/Buenos_Aires 54 | AT - Europe/Vienna 43 |
AU -
Australia/Adelaide,Australia/Brisbane,Australia/Darwin,Australia/Eucla,Australia/Lord_Howe,Australia/Perth,Australia/Sydney,Indian/Christmas,Indian/Cocos
61 | AU - Australia/Adelaide,Australia/Darwin,Australia/Eucla,Australia/Perth 61890393 61890395 |
AU - Australia/Adelaide,Australia/Darwin,Australia/Perth 6186 6187 6188 6189 |
AU -
Australia/Adelaide,Australia/Darwin,Australia/Perth,Australia/Sydney,Indian/Christmas,Indian/Cocos
6185 |
AU - Australia/Adelaide,Australia/Darwin,Australia/Perth,Indian/Christmas 61891006 61891007
61891008 61891009 61891149 61891178 61891181 61891209 61891263 61891312 61891326 61891375 61891456
61891497 6189164 61891700 61891701 61891710 61891711 61891712 61891958 |
AU - Australia/Adelaide,Australia/Darwin,Australia/Perth,Indian/Cocos 61891010 61891011 61891012
61891029 61891122 61891150 61891179 61891182 61891210 61891264 61891308 61891322 61891368 61891428
61891498 6189162 61891702 61891703 61891959 | AU - Australia/Brisbane,Australia/Sydney 617 |
AU - Australia/Lord_Howe,Australia/Sydney 61255053 61255143 61255213 61255280 61255307 61255369
61255413 61255568 61255936 61255937 61265080 61265081 61265082 61265099 61265164 61265251 61265296
61265341 61265606 61265632 61265998 | AU - Australia/Sydney 612 613 | AW - America/Aruba 297 |
AZ - Asia/Baku 994 | BA - Europe/Sarajevo 387 | BB - America/Barbados 1246 | BD - Asia/Dhaka 880 |
BE - Europe/Brussels 32 | BF - Africa/Ouagadougou 226 | BG - Europe/Sofia 359 |
BH - Asia/Bahrain 973 | BI - Africa/Bujumbura 257 | BJ - Africa/Porto-Novo 229 |
BM - Atlantic/Bermuda 1441 | BN - Asia/Brunei 673 | BO - America/La_Paz 591 |
BR - America/Manaus 5565 5566 5567 5569 5592 5595 5597 |
BR - America/Manaus,America/Noronha,America/Rio_Branco,America/Sao_Paulo 55 |
BR - America/Manaus,America/Sao_Paulo 55553682 55673480 55693527 5591 55925009 5593 5594 |
BR - America/Noronha,America/Sao_Paulo 5581361 | BR - America/Rio_Branco 5568 |
BR - America/Sao_Paulo 551 552 5531 5532 5533 5534 5535 5537 5538 554 5551 5553 5554 5555 5561
5562 5563 5564 557 5581 5582 5583 5584 5585 5586 5587 5588 5589 5596 5598 5599 |
BS - America/Nassau 1242 | BT - Asia/Thimphu 975 | BW - Africa/Gaborone 267 |
BY - Europe/Minsk 375 | BZ - America/Belize 501 |
CA CA-AB America/Edmonton 1368 1403 1587 1780 1825 |
CA CA-BC America/Edmonton,America/Fort_Nelson,America/Vancouver 1236 1250 1257 1672 1778 |
CA CA-BC America/Vancouver 1604 | CA CA-MB America/Winnipeg 1204 1431 1584 |
CA CA-NB America/Halifax 1428 1506 | CA CA-NL America/Halifax,America/St_Johns 1709 1879 |
CA CA-NS,CA-PE America/Halifax 1782 1902 |
CA CA-NT,CA-NU,CA-YT America/Edmonton,America/Toronto,America/Whitehorse,America/Winnipeg 1867 |
CA CA-ON America/Toronto 1226 1249 1289 1343 1365 1382 1416 1437 1519 1548 1613 1647 1683 1705
1742 1753 1905 1942 | CA CA-ON America/Toronto,America/Winnipeg 1807 |
CA CA-QC America/Halifax,America/Toronto 1367 1418 1581 |
CA CA-QC America/Toronto 1263 1273 1354 1438 1450 1468 1514 1579 1819 1873 |
CA CA-SK America/Edmonton,America/Regina,America/Winnipeg 1306 1474 1639 |
CD - Africa/Kinshasa 2431 2433 2434 2435 2436 | CD - Africa/Kinshasa,Africa/Lubumbashi 243 |
CD - Africa/Lubumbashi 2432 | CF - Africa/Bangui 236 | CG - Africa/Brazzaville 242 |
CH - Europe/Zurich 41 | CI - Africa/Abidjan 225 | CK - Pacific/Rarotonga 682 |
CL - America/Punta_Arenas,America/Santiago 56 |
CL - America/Santiago 562 563 5641 5642 5643 5645 565 566 567 56801 56802 56803 56804 56805 56806
56807 56808 56809 5681 5682 5683 5684 5685 5686 5687 5688 5689 569 | CM - Africa/Douala 237 |
CN - Asia/Shanghai 86 | CO - America/Bogota 57 | CR - America/Costa_Rica 506 |
CU - America/Havana 53 | CV - Atlantic/Cape_Verde 238 | CW - America/Curacao 599 |
CY - Asia/Nicosia 357 | CZ - Europe/Prague 420 | DE - Europe/Berlin 49 | DJ - Africa/Djibouti 253 |
DK - Europe/Copenhagen 45 | DM - America/Dominica 1767 |
DO - America/Santo_Domingo 1809 1829 1849 | DZ - Africa/Algiers 213 |
EC - America/Guayaquil 59322 59323 59324 59325 59326 59327 5933 5934 59353 59354 59355 59356 59357
59362 59363 59364 59365 59366 59367 59372 59373 59374 59375 59376 59377 |
EC - America/Guayaquil,Pacific/Galapagos 593 | EE - Europe/Tallinn 372 | EG - Africa/Cairo 20 |
ER - Africa/Asmara 291 | ES - Atlantic/Canary 34822 34827 34828 34922 34928 |
ES - Atlantic/Canary,Europe/Madrid 34 |
ES - Europe/Madrid 344 3481 3482 3483 3484 3485 3486 3487 3488 3491 3492 3493 3494 3495 3496 3497
3498 | ET - Africa/Addis_Ababa 251 | FI - Europe/Helsinki 358 | FJ - Pacific/Fiji 679 |
FK - Atlantic/Stanley 500 | FM - Pacific/Ponape 69132 69137 691920 691921 691924 691926 |
FM - Pacific/Ponape,Pacific/Truk 691 | FM - Pacific/Truk 6913 691933 | FO - Atlantic/Faroe 298 |
FR - Europe/Paris 33 | GA - Africa/Libreville 241 | GB - Europe/London 44 |
GD - America/Grenada 1473 | GE - Asia/Tbilisi 995 | GF - America/Cayenne 594 |
GH - Africa/Accra 233 | GI - Europe/Gibraltar 350 |
GL - America/Godthab 2991 29931 29932 29933 29934 29935 29936 29937 2996 29981 29982 29983 29984
29985 29986 29987 29988 29989 2999 | GL - America/Godthab,America/Scoresbysund,America/Thule 299 |
GL - America/Scoresbysund 29999 | GL - America/Thule 29997 | GM - Africa/Banjul 220 |
GN - Africa/Conakry 224 | GP - America/Guadeloupe 590 | GQ - Africa/Malabo 240 |
GR - Europe/Athens 30 | GT - America/Guatemala 502 | GW - Africa/Bissau 245 |
GY - America/Guyana 592 | HK - Asia/Hong_Kong 852 | HN - America/Tegucigalpa 504 |
HR - Europe/Zagreb 385 | HT - America/Port-au-Prince 509 | HU - Europe/Budapest 36 |
ID - Asia/Jakarta 622 6231 6232 6233 6234 6235 62513 62515 62519 62522 62525 62528 6253 6256 626
627 62920 62958 62963 62979 | ID - Asia/Jakarta,Asia/Jayapura 62915 62952 |
ID - Asia/Jakarta,Asia/Jayapura,Asia/Makassar 62 |
ID - Asia/Jakarta,Asia/Makassar 62007 62379 62458 62516 62539 |
ID - Asia/Jayapura 6290 6291 6292 62951 62955 62956 62957 62962 62966 62967 62969 62971 62975 6298 |
ID - Asia/Jayapura,Asia/Makassar 62403 |
ID - Asia/Makassar 6236 6237 6238 624 62511 62512 62517 62518 62526 62527 6254 6255 |
IE - Europe/Dublin 353 | IL - Asia/Jerusalem 972 | IN - Asia/Kolkata 91 | IO - Indian/Chagos 246 |
IQ - Asia/Baghdad 964 | IR - Asia/Tehran 98 | IS - Atlantic/Reykjavik 354 | IT - Europe/Rome 39 |
JM - America/Jamaica 1658 1876 | JO - Asia/Amman 962 | JP - Asia/Tokyo 81 |
KE - Africa/Nairobi 254 | KG - Asia/Bishkek 996 | KH - Asia/Phnom_Penh 855 |
KI - Pacific/Enderbury,Pacific/Kiritimati,Pacific/Tarawa 686 | KM - Indian/Comoro 269 |
KN - America/St_Kitts 1869 | KP - Asia/Pyongyang 850 | KR - Asia/Seoul 82 | KW - Asia/Kuwait 965 |
KY - America/Cayman 1345 | KZ - Asia/Almaty 76 77 | LA - Asia/Vientiane 856 |
LB - Asia/Beirut 961 | LC - America/St_Lucia 1758 | LI - Europe/Vaduz 423 | LK - Asia/Colombo 94 |
LR - Africa/Monrovia 231 | LS - Africa/Maseru 266 | LT - Europe/Vilnius 370 |
LU - Europe/Luxembourg 352 | LV - Europe/Riga 371 | LY - Africa/Tripoli 218 |
MA - Africa/Casablanca 212 | MC - Europe/Monaco 377 | MD - Europe/Chisinau 373 |
ME - Europe/Podgorica 382 | MG - Indian/Antananarivo 261 | MH - Pacific/Majuro 692 |
MK - Europe/Skopje 389 | ML - Africa/Bamako 223 | MM - Asia/Yangon 95 |
MN - Asia/Hovd 97614 97624 | MN - Asia/Hovd,Asia/Ulaanbaatar 976 |
MN - Asia/Ulaanbaatar 97611 97612 97613 97615 97621 97622 97623 97625 97626 97653 97656 97658
97670 | MO - Asia/Macau 853 | MQ - America/Martinique 596 | MR - Africa/Nouakchott 222 |
MS - America/Montserrat 1664 | MT - Europe/Malta 356 | MU - Indian/Mauritius 230 |
MV - Indian/Maldives 960 | MW - Africa/Blantyre 265 | MX - America/Cancun 52983 52984 52987 52998 |
MX -
America/Cancun,America/Ciudad_Juarez,America/Matamoros,America/Mazatlan,America/Mexico_City,America/New_York,America/Ojinaga,America/Tijuana
52 | MX - America/Ciudad_Juarez 52656 | MX - America/Matamoros 52867 52877 52878 52894 52899 |
MX - America/Mazatlan 52311 52319 52323 52324 52325 52327 52389 52612 52613 52614 52615 5262 5263
5264 52651 52652 52653 52657 52659 52660 52662 52667 52668 52669 52672 52673 52687 5269 |
MX - America/Mazatlan,America/Mexico_City 52649 |
MX - America/Mexico_City 522 5231 5232 5233 5234 5235 5237 5238 5239 524 5255 5256 5258 5259 52618
52663 52671 52674 52675 52676 52677 527 5281 5282 5283 5284 5286 5287 5289 5291 5292 5293 5295
5296 5297 5298 5299 | MX - America/Mexico_City,America/New_York 52201 |
MX - America/Mexico_City,America/Tijuana 52200 | MX - America/Ojinaga 52626 |
MX - America/Tijuana 52616 52646 52658 52661 52664 52665 52686 | MY - Asia/Kuching 60 |
MZ - Africa/Maputo 258 | NA - Africa/Windhoek 264 | NC - Pacific/Noumea 687 |
NE - Africa/Niamey 227 | NF - Pacific/Norfolk 672 | NG - Africa/Lagos 234 |
NI - America/Managua 505 | NL - Europe/Amsterdam 31 | NO - Europe/Oslo 47 |
NP - Asia/Kathmandu 977 | NR - Pacific/Nauru 674 | NU - Pacific/Niue 683 |
NZ - Pacific/Auckland 6424 643 644 646 6472 6473 6474 6475 6477 6478 6479 6492 6493 6494 6495 6496
6497 6498 6499 | NZ - Pacific/Auckland,Pacific/Chatham 64 | NZ - Pacific/Chatham 64330 |
OM - Asia/Muscat 968 | PA - America/Panama 507 | PE - America/Lima 51 |
PF - Pacific/Gambier,Pacific/Marquesas,Pacific/Tahiti 689 |
PF - Pacific/Tahiti 68940 689494 689495 689496 689498 | PG - Pacific/Port_Moresby 675 |
PH - Asia/Manila 63 | PK - Asia/Karachi 92 | PL - Europe/Warsaw 48 | PM - America/Miquelon 508 |
PS - Asia/Gaza 970 | PT - Atlantic/Azores 351292 351295 351296 |
PT - Atlantic/Azores,Europe/Lisbon 351 | PT - Europe/Lisbon 3512 | PW - Pacific/Palau 680 |
PY - America/Asuncion 595 | QA - Asia/Qatar 974 | RE - Indian/Mayotte 262269 |
RE - Indian/Mayotte,Indian/Reunion 262 | RE - Indian/Reunion 262262 262263 |
RO - Europe/Bucharest 40 | RS - Europe/Belgrade 381 |
RU -
Asia/Almaty,Asia/Anadyr,Asia/Aqtobe,Asia/Irkutsk,Asia/Krasnoyarsk,Asia/Magadan,Asia/Novosibirsk,Asia/Omsk,Asia/Sakhalin,Asia/Vladivostok,Asia/Yakutsk,Europe/Bucharest,Europe/Moscow,Europe/Samara
7 7810 | RU - Asia/Anadyr 7415 7427 | RU - Asia/Aqtobe 733 734 735 | RU - Asia/Irkutsk 7301 7395 |
RU - Asia/Krasnoyarsk 7384 7385 7388 7390 7391 7394 | RU - Asia/Magadan 7413 |
RU - Asia/Novosibirsk 7382 7383 | RU - Asia/Omsk 7381 | RU - Asia/Sakhalin 7424 |
RU - Asia/Vladivostok 7421 7423 7426 | RU - Asia/Yakutsk 7302 7411 7416 |
RU - Europe/Bucharest 740 | RU - Europe/Bucharest,Europe/Moscow 7840 |
RU - Europe/Moscow 736 747 748 749 781 782 783 7841 7843 7844 7845 7847 7855 7856 7857 786 787 |
RU - Europe/Samara 7341 7842 7846 7848 7851 | RW - Africa/Kigali 250 | SA - Asia/Riyadh 966 |
SB - Pacific/Guadalcanal 677 | SC - Indian/Mahe 248 | SD - Africa/Khartoum 249 |
SE - Europe/Stockholm 46 | SG - Asia/Singapore 65 | SH - Atlantic/St_Helena 290 |
SI - Europe/Ljubljana 386 | SK - Europe/Bratislava 421 | SL - Africa/Freetown 232 |
SM - Europe/San_Marino 378 | SN - Africa/Dakar 221 | SO - Africa/Mogadishu 252 |
SR - America/Paramaribo 597 | SS - Africa/Juba 211 | ST - Africa/Sao_Tome 239 |
SV - America/El_Salvador 503 | SX - America/Lower_Princes 1721 | SY - Asia/Damascus 963 |
SZ - Africa/Mbabane 268 | TC - America/Grand_Turk 1649 | TD - Africa/Ndjamena 235 |
TG - Africa/Lome 228 | TH - Asia/Bangkok 66 | TJ - Asia/Dushanbe 992 | TK - Pacific/Fakaofo 690 |
TL - Asia/Dili 670 | TM - Asia/Ashgabat 993 | TN - Africa/Tunis 216 | TO - Pacific/Tongatapu 676 |
TR - Europe/Istanbul 90 | TT - America/Port_of_Spain 1868 | TV - Pacific/Funafuti 688 |
TW - Asia/Taipei 886 | TZ - Africa/Dar_es_Salaam 255 | UA - Europe/Kyiv 380 |
UG - Africa/Kampala 256 | US US-AK America/Adak,America/Anchorage 1907 |
US US-AL America/Chicago 1205 1251 1256 1334 1659 1938 |
US US-AR America/Chicago 1327 1479 1501 1870 | US US-AS Pacific/Pago_Pago 1684 |
US US-AZ America/Denver,America/Phoenix 1928 | US US-AZ America/Phoenix 1480 1520 1602 1623 |
US US-CA America/Los_Angeles 1209 1213 1279 1310 1323 1341 1350 1369 1408 1415 1424 1442 1510 1530
1559 1562 1619 1626 1628 1650 1657 1661 1669 1707 1714 1738 1747 1760 1805 1818 1820 1831 1840
1858 1909 1916 1925 1949 1951 | US US-CO America/Denver 1303 1719 1720 1748 1970 1983 |
US US-CT America/New_York 1203 1475 1860 1959 | US US-DC America/New_York 1202 1771 |
US US-DE America/New_York 1302 | US US-FL America/Chicago,America/New_York 1448 1850 |
US US-FL America/New_York 1239 1305 1321 1324 1352 1386 1407 1561 1645 1656 1689 1727 1728 1754
1772 1786 1813 1863 1904 1941 1954 |
US US-GA America/New_York 1229 1404 1470 1478 1678 1706 1762 1770 1912 1943 |
US US-GU Pacific/Guam 1671 | US US-HI Pacific/Honolulu 1808 |
US US-IA America/Chicago 1319 1515 1563 1641 1712 |
US US-ID America/Denver,America/Los_Angeles 1208 1986 |
US US-IL America/Chicago 1217 1224 1309 1312 1331 1447 1464 1618 1630 1708 1730 1773 1779 1815
1847 1872 | US US-IN America/Chicago,America/New_York 1219 1574 1812 1930 |
US US-IN America/New_York 1260 1317 1463 1765 | US US-KS America/Chicago 1316 1913 |
US US-KS America/Chicago,America/Denver 1620 1785 |
US US-KY America/Chicago,America/New_York 1270 1364 1606 | US US-KY America/New_York 1502 1859 |
US US-LA America/Chicago 1225 1318 1337 1504 1985 |
US US-MA America/New_York 1339 1351 1413 1508 1617 1774 1781 1857 1978 |
US US-MD America/New_York 1227 1240 1301 1410 1443 1667 | US US-ME America/New_York 1207 |
US US-MI America/Chicago,America/New_York 1906 |
US US-MI America/New_York 1231 1248 1269 1313 1517 1586 1616 1734 1810 1947 1989 |
US US-MN America/Chicago 1218 1320 1507 1612 1651 1763 1952 |
US US-MO America/Chicago 1235 1314 1417 1557 1573 1636 1660 1816 1975 |
US US-MP Pacific/Guam 1670 | US US-MS America/Chicago 1228 1601 1662 1769 |
US US-MT America/Denver 1406 |
US US-NC America/New_York 1252 1336 1472 1704 1743 1828 1910 1919 1980 1984 |
US US-ND America/Chicago,America/Denver 1701 |
US US-NE America/Chicago,America/Denver 1308 1402 1531 | US US-NH America/New_York 1603 |
US US-NJ America/New_York 1201 1551 1609 1640 1732 1848 1856 1862 1908 1973 |
US US-NM America/Denver 1505 1575 | US US-NV America/Denver,America/Los_Angeles 1775 |
US US-NV America/Los_Angeles 1702 1725 |
US US-NY America/New_York 1212 1315 1329 1332 1347 1363 1516 1518 1585 1607 1631 1646 1680 1716
1718 1838 1845 1914 1917 1929 1934 |
US US-OH America/New_York 1216 1220 1234 1283 1326 1330 1380 1419 1440 1513 1567 1614 1740 1937 |
US US-OK America/Chicago 1405 1539 1572 1580 1918 |
US US-OR America/Denver,America/Los_Angeles 1458 1541 | US US-OR America/Los_Angeles 1503 1971 |
US US-PA America/New_York 1215 1223 1267 1272 1412 1445 1484 1570 1582 1610 1717 1724 1814 1835
1878 | US US-PR America/Puerto_Rico 1787 1939 | US US-RI America/New_York 1401 |
US US-SC America/New_York 1803 1821 1839 1843 1854 1864 |
US US-SD America/Chicago,America/Denver 1605 | US US-TN America/Chicago 1615 1629 1731 1901 1931 |
US US-TN America/Chicago,America/New_York 1423 | US US-TN America/New_York 1865 |
US US-TX America/Chicago 1210 1214 1254 1281 1325 1346 1361 1409 1430 1469 1512 1682 1713 1726
1737 1806 1817 1830 1832 1903 1936 1940 1945 1956 1972 1979 |
US US-TX America/Chicago,America/Denver 1432 | US US-TX America/Denver 1915 |
US US-UT America/Denver 1385 1435 1801 |
US US-VA America/New_York 1276 1434 1540 1571 1686 1703 1757 1804 1826 1948 |
US US-VI America/Puerto_Rico 1340 | US US-VT America/New_York 1802 |
US US-WA America/Los_Angeles 1206 1253 1360 1425 1509 1564 |
US US-WI America/Chicago 1262 1274 1353 1414 1534 1608 1715 1920 |
US US-WV America/New_York 1304 1681 | US US-WY America/Denver 1307 | UY - America/Montevideo 598 |
UZ - Asia/Tashkent 998 | VC - America/St_Vincent 1784 | VE - America/Caracas 58 |
VG - America/Tortola 1284 | VN - Asia/Ho_Chi_Minh 84 | VU - Pacific/Efate 678 |
WF - Pacific/Wallis 681 | WS - Pacific/Apia 685 | XK - Europe/Belgrade 383 | YE - Asia/Aden 967 |
ZA - Africa/Johannesburg 27 | ZM - Africa/Lusaka 260 | ZW - Africa/Harare 263
"""

Where = tuple[str | None, tuple[str, ...], tuple[str, ...]]
"""Country, subdivisions, time zones; all that is possible."""


def _parts(text: str) -> tuple[str, ...]:
    return () if text == "-" else tuple(text.split(","))


def _read() -> dict[str, Where]:
    found: dict[str, Where] = {}
    for entry in _TABLE.split("|"):
        country, areas, zones, *prefixes = entry.split()
        where = (None if country == "-" else country, _parts(areas), _parts(zones))
        found.update(dict.fromkeys(prefixes, where))
    return found


BY_PREFIX: dict[str, Where] = _read()
"""Where numbers are that begin so (E.164 without the plus sign)."""

LONGEST_PREFIX: int = max(map(len, BY_PREFIX))
"""Digits of the longest prefix."""
