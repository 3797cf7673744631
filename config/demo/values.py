"""Single made-up values: a generator for each kind of column (words.yaml tells the kind)."""

from __future__ import annotations

import functools
import math
import random
import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

from catalog import TODAY, Column, Dataset, places, seed_of, words

USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
BEIJING = timezone(timedelta(hours=8))
NUMERALS = "一二三四五六七八九十"

LINES = {"车次": ("D", "G", "C", "K"), "航班编号": ("CZ", "CA", "MU")}

Value = str | int | float
Row = list[Value]


class Maker:
    """Makes values for one dataset; holds its random state and the row's context (county, time)."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        self.rng = random.Random(dataset.seed)
        self.place = places()[dataset.place]
        self.words: dict[str, Any] = words()
        self.province = dataset.place == "hlj"
        self.places = list(places().values())
        self.cities = [p for name, p in places().items() if name != "hlj"]
        self.city: dict[str, Any] = self.place
        self.county = ""
        self.when = datetime(2026, 1, 1, tzinfo=BEIJING)
        self.number = 0
        self.roads = {id(p): p["roads"].split() for p in self.places}
        self.makers: dict[str, Callable[[Column], Value]] = {
            kind: getattr(self, f"_{kind}", self._code)
            for kind in {c.kind for c in dataset.columns}
        }
        self.move()

    def move(self, county: str = "", city: str = "") -> None:
        """Go to a county for the next row (given or drawn)."""
        if self.province:
            named = [p for p in self.cities if p["city"] == city]
            self.city = named[0] if named else self.rng.choice(self.cities)
        names = list(self.city["counties"])
        # Few sources cover all counties evenly: the first ones, the districts, come more often.
        self.county = (
            county or names[min(int(self.rng.random() ** 1.4 * len(names)), len(names) - 1)]
        )

    def value(self, column: Column) -> Value:
        """One value for a column."""
        return self.makers[column.kind](column)

    def _fill(self, pattern: str) -> str:
        rng, made = self.rng, self.words
        county = self.county or self.city["city"]
        short = (
            county[:-3] if county.endswith("自治县") else county[:-1] if len(county) > 2 else county
        )

        pattern = pattern.replace("{s}市", str(self.city["city"]))

        def word(match: re.Match[str]) -> str:
            match match[1]:
                case "s":
                    return str(self.city["short"])
                case "C":
                    return county
                case "c":
                    return short
                case "b":
                    return str(rng.choice(made["brands"]))
                case "v":
                    return str(rng.choice(made["villages"]))
                case "r" | "r2":
                    return str(rng.choice(self.roads[id(self.city)]))
                case "d":
                    return str(rng.choice(made["directions"]))
                case "N":
                    return _numeral(rng.randrange(1, 60))
                case _:
                    return str(rng.randrange(1, 130))

        return re.sub(r"\{(r2|\w)\}", word, pattern)

    def _pattern(self, column: Column) -> str:
        return self._fill(self.rng.choice(column.args))

    def _choice(self, column: Column) -> str:
        return self.rng.choice(column.args)

    def _company(self, column: Column) -> str:
        trade = self.rng.choice(self.words["trades"])
        return self._fill(
            self.rng.choice(
                [
                    "{s}{b}" + trade + "有限公司",
                    "{s}市{b}" + trade + "有限责任公司",
                    "{c}{b}" + trade + "有限公司",
                ]
            )
        )

    def _agency(self, column: Column) -> str:
        if column.name in ("权属单位", "责任单位", "管理单位"):
            return self.county + str(self.rng.choice(self.words["caretakers"]))
        if self.province:
            return "黑龙江省" + self.rng.choice(self.words["province_agencies"])
        return self.rng.choice([str(self.city["city"]), self.county]) + self.rng.choice(
            self.words["agencies"][1:]
        )

    def _regulator(self, column: Column) -> str:
        return f"{self.county}市场监督管理局"

    def _county(self, column: Column) -> str:
        return self.county

    def _cityname(self, column: Column) -> str:
        return str(self.city["city"])

    def _town(self, column: Column) -> str:
        return self._fill(self.rng.choice(["{v}镇", "{v}乡", "{v}镇"]))

    def _road(self, column: Column) -> str:
        return self._fill(self.rng.choice(["{r}", "{r}", "{b}街", "{v}路", "{b}大道"]))

    def _address(self, column: Column) -> str:
        return f"{self.city['city']}{self.county}" + self._fill("{r}{n}号")

    def _phone(self, column: Column) -> str:
        digits = 7 if self.city["area_code"] == "0451" else 6
        return f"{self.city['area_code']}-8{self.rng.randrange(10**digits):0{digits}d}"

    def _postcode(self, column: Column) -> str:
        return f"15{self.rng.randrange(1, 8)}{self.rng.randrange(10) * 100:03d}"

    def _domain(self, column: Column) -> str:
        return f"{self.dataset.place}-{self.rng.randrange(10, 99)}.example"

    def _note(self, column: Column) -> str:
        return str(self.rng.choice(self.words["notes"]))

    def _flag(self, column: Column) -> str:
        return self.rng.choice(["是", "是", "否"])

    def _uscc(self, column: Column) -> str:
        body = "91" + str(self.city["counties"].get(self.county, self.city["code"]))
        body += "".join(self.rng.choice("0123456789ABCDEFGH") for _ in range(9))
        total = sum(USCC_ALPHABET.index(c) * pow(3, i, 31) for i, c in enumerate(body))
        return body + USCC_ALPHABET[(31 - total % 31) % 31]

    def _code(self, column: Column) -> str:
        if column.name in LINES:
            return f"{self.rng.choice(LINES[column.name])}{self.rng.randrange(1000, 9999)}"
        year, number = self.rng.randrange(2018, 2027), self.number + 1
        if "文书号" in column.name:
            return f"{self.city['short'][:1]}市监字〔{year}〕第{number:04d}号"
        return f"{column.field[:2].upper()}{str(self.place['code'])[:4]}{year}{number:05d}"

    def _offset(self, axis: int) -> float:
        far = _far(self.county, axis)
        return float(self.city["centre"][axis]) + far + self.rng.gauss(0, 0.02)

    def _longitude(self, column: Column) -> float:
        return round(self._offset(0), 3)

    def _latitude(self, column: Column) -> float:
        return round(self._offset(1), 3)

    def _time(self, column: Column) -> str:
        if "日出" in column.name or "日落" in column.name:
            return self._sun("日落" in column.name)
        first, last = {"首班": (300, 420), "末班": (1020, 1350)}.get(column.name[:2], (360, 1320))
        minute = self.rng.randrange(first, last, 5)
        return f"{minute // 60:02d}:{minute % 60:02d}"

    def day_length(self) -> float:
        """Hours of daylight at the place on the row's day (declination only, no refraction)."""
        turn = 2 * math.pi * (self.when.timetuple().tm_yday - 81) / 365
        tilt = math.radians(23.44) * math.sin(turn)
        cosine = -math.tan(math.radians(float(self.city["centre"][1]))) * math.tan(tilt)
        return 24 / math.pi * math.acos(max(-1.0, min(1.0, cosine)))

    def _sun(self, sets: bool) -> str:
        noon = 12 + (120 - float(self.city["centre"][0])) / 15  # Beijing time
        minute = round((noon + (1 if sets else -1) * self.day_length() / 2) * 60)
        return f"{minute // 60:02d}:{minute % 60:02d}"

    def _date_any(self, column: Column) -> str:
        if self.dataset.columns[0].kind == "year":  # a yearly record's dates are of its year
            seasons = self.words["season_of"].items()
            month, later = next((s for w, s in seasons if w in column.name), (6, 0))
            return f"{self.when.year + later}-{month:02d}-{self.rng.randrange(1, 29):02d}"
        back = self.rng.randrange(30, 2600)
        return (self.dataset.updated - timedelta(days=back)).isoformat()

    def _futuredate(self, column: Column) -> str:
        return (TODAY + timedelta(days=self.rng.randrange(-200, 1700))).isoformat()

    def _pastyear(self, column: Column) -> int:
        low = 1952 if re.search("建|始|关停|出厂", column.name) else 2012
        return self.rng.randrange(low, 2026)

    def _date(self, column: Column) -> str:
        return (self.dataset.updated - timedelta(days=self.rng.randrange(700))).isoformat()

    def _datetime(self, column: Column) -> str:
        return self._date(column) + f" {self.rng.randrange(24):02d}:00:00"

    def _month(self, column: Column) -> str:
        return self._date(column)[:7]

    def _quarter(self, column: Column) -> str:
        text = self._date(column)
        return f"{text[:4]}Q{(int(text[5:7]) + 2) // 3}"

    def _year(self, column: Column) -> int:
        return self.rng.randrange(2018, 2026)

    def _temperature(self, column: Column) -> float:
        turn = math.cos(2 * math.pi * (self.when.timetuple().tm_yday - 15) / 365)
        return round(4 - 20.5 * turn + self.rng.gauss(0, 3), 1)

    def draw(self, column: Column) -> float:
        """A number of the column's range."""
        low, high = (float(a) for a in column.args)
        if (
            low > 0 and high / low > 30
        ):  # sizes of firms, schools, towns: many small ones, few large
            return math.exp(
                self.rng.triangular(
                    math.log(low), math.log(high), math.log(low) + 0.4 * math.log(high / low)
                )
            )
        return self.rng.triangular(low, high)

    def _integer(self, column: Column) -> int:
        return round(self.draw(column))

    def _number(self, column: Column) -> float:
        return rounded(self.draw(column), column)


@functools.cache
def _far(county: str, axis: int) -> float:
    """How far a county lies from the city, in degrees; made up, but always the same."""
    return random.Random(seed_of(county, str(axis))).uniform(-0.25, 0.25)


def _numeral(number: int) -> str:
    tens, ones = divmod(number, 10)
    head = "" if tens == 0 else ("十" if tens == 1 else NUMERALS[tens - 1] + "十")
    return head + (NUMERALS[ones - 1] if ones else "")


def rounded(value: float, column: Column) -> float:
    """A number with the decimals its range calls for."""
    high = float(column.args[1])
    return round(value, 3 if high < 2 else 2 if high < 100 else 1)
