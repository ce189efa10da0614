"""ISO 3166-1 alpha-2 country codes, and the refusal of everything else.

Source: ISO 3166-1 as published by Debian's iso-codes, read 2026-11-21, 249 codes.
A country that is missing or unknown is never quietly taken for one without tax or rights.
"""

from __future__ import annotations

import attrs

from buddy_core.kernel.errors import Rejected

COUNTRIES = frozenset(
    """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS
    BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE
    EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM
    HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC
    LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA
    NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW
    SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO
    TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW
    """.split()  # noqa: SIM905 (one word a country reads better than 249 quoted strings)
)


@attrs.define
class CountryUnknown(Rejected):
    """Where the viewer is could not be told, so nothing can be sold or licensed there."""

    code = "kernel.country_unknown"

    given: str | None

    def message(self) -> str:
        return "We could not tell which country you are in. Turn off a VPN or proxy, or try another network."


def country(code: str | None) -> str:
    """Return `code` if it names a country.

    Raises:
        CountryUnknown: it is None or not an ISO 3166-1 alpha-2 code in capitals.
    """
    if code is None or code not in COUNTRIES:
        raise CountryUnknown(code)
    return code
