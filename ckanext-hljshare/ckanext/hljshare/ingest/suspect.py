"""Does a catalogue entry look as if it held personal information? A first look, by headers and
titles only.

Pure. 个人信息保护法 art. 28 and 29: a source's word 无条件开放 is not enough where the catalogued
columns identify people.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from . import text

_IDENTIFYING = re.compile(
    r"身份证|公民身份号码|证件号码?$|护照号|军官证|社会?保障?卡号|医保卡号|银行卡|银行账[号户]|开户账号"
    r"|手机|移动电话|本人电话|个人电话|家庭电话|家庭[住地]址|户籍地址|本人住址"
)
_PERSON_NAME = re.compile(r"姓名$|姓名\(|^(?:户主|患者|学生|受助人|申请人|持证人)(?:名称)?$")
_PUBLIC_OFFICE = re.compile(
    r"法定代表人|法人|负责人|企业|机构|单位|公司"
)  # published by law, or not a person
_PEOPLE = re.compile(
    r"(?:救助|供养|低保|特困|残疾|优抚|贫困|困难|高龄|孤儿|患者|参保|退役军人|失业|学生|吸毒|服刑|信访)\S{0,6}"
    r"(?:人员|对象|家庭|名单|户|儿童|老人|信息)|(?:人员|对象|受助人)(?:名单|名册|花名册|明细|信息)"
)


def identifying_items(names: Iterable[str]) -> list[str]:
    """The column headers, in order, that identify natural persons."""
    found = []
    for name in names:
        header = text.key(name)
        if _PUBLIC_OFFICE.search(header) and not re.search(r"身份证|公民身份号码", header):
            continue
        if _IDENTIFYING.search(header) or _PERSON_NAME.search(header):
            found.append(text.line(name))
    return found


def people_in_title(title: str) -> str | None:
    """The words of a title that speak of groups of natural persons, or None."""
    found = _PEOPLE.search(text.key(title))
    return found.group() if found else None
