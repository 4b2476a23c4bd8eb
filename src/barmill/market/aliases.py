"""Renamed tickers, as dated data: the old ticker, the new one, and the first session under the new one.

Only renames of one and the same paper are here, not mergers; and no old ticker that another company has been given since,
but for `FB.US`, which brokers' lists still carry. A settings table may add to these and wins over them.
"""

from collections.abc import Mapping

RENAMES = (
    ("COH.US", "TPR.US", "2017-10-31"),
    ("PCLN.US", "BKNG.US", "2018-02-27"),
    ("HCN.US", "WELL.US", "2018-02-28"),
    ("KORS.US", "CPRI.US", "2019-01-02"),
    ("HRS.US", "LHX.US", "2019-07-01"),
    ("TMK.US", "GL.US", "2019-08-09"),
    ("SYMC.US", "NLOK.US", "2019-11-05"),
    ("CBS.US", "VIAC.US", "2019-12-05"),
    ("JEC.US", "J.US", "2019-12-10"),
    ("UTX.US", "RTX.US", "2020-04-03"),
    ("CTL.US", "LUMN.US", "2020-09-18"),
    ("MYL.US", "VTRS.US", "2020-11-17"),
    ("AAXN.US", "AXON.US", "2021-01-26"),
    ("CREE.US", "WOLF.US", "2021-10-04"),
    ("COG.US", "CTRA.US", "2021-10-04"),
    ("JCOM.US", "ZD.US", "2021-10-08"),
    ("MLHR.US", "MLKN.US", "2021-11-01"),
    ("BRKS.US", "AZTA.US", "2021-12-01"),
    ("WLTW.US", "WTW.US", "2022-01-10"),
    ("VIAC.US", "PARA.US", "2022-02-17"),
    ("ADS.US", "BFH.US", "2022-04-04"),
    ("DISCA.US", "WBD.US", "2022-04-11"),
    ("BLL.US", "BALL.US", "2022-05-10"),
    ("FB.US", "META.US", "2022-06-09"),
    ("ANTM.US", "ELV.US", "2022-06-28"),
    ("SWM.US", "MATV.US", "2022-07-07"),
    ("NRZ.US", "RITM.US", "2022-08-02"),
    ("DWAV.US", "QBTS.US", "2022-08-08"),
    ("NLOK.US", "GEN.US", "2022-11-08"),
    ("FBHS.US", "FBIN.US", "2022-12-15"),
    ("PKI.US", "RVTY.US", "2023-05-16"),
    ("FISV.US", "FI.US", "2023-06-07"),
    ("RE.US", "EG.US", "2023-07-10"),
    ("ABC.US", "COR.US", "2023-08-30"),
    ("NCR.US", "VYX.US", "2023-10-17"),
    ("OSTK.US", "BYON.US", "2023-11-06"),
    ("CDAY.US", "DAY.US", "2024-02-01"),
    ("PEAK.US", "DOC.US", "2024-03-04"),
    ("FLT.US", "CPAY.US", "2024-03-25"),
    ("HEAR.US", "TBCH.US", "2024-05-20"),
    ("GPS.US", "GAP.US", "2024-08-22"),
    ("CHK.US", "EXE.US", "2024-10-02"),
    ("SGH.US", "PENG.US", "2024-10-15"),
    ("NYCB.US", "FLG.US", "2024-10-28"),
    ("JBT.US", "JBTM.US", "2025-01-03"),
    ("SQ.US", "XYZ.US", "2025-01-21"),
    ("ZI.US", "GTM.US", "2025-05-14"),
    ("PARA.US", "PSKY.US", "2025-08-07"),
    ("FI.US", "FISV.US", "2025-11-11"),
)


def successors(ticker: str, extra: Mapping[str, str]) -> list[str]:
    """The names that `ticker` had later, next first; `extra` wins over the built-in renames, and a circle ends."""
    names: list[str] = []
    current = ticker
    while (current := extra.get(current) or _NEXT.get(current, "")) and current != ticker and current not in names:
        names.append(current)
    return names


_NEXT = {old: new for old, new, _ in RENAMES}
