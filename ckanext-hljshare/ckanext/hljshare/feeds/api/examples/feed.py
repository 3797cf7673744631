# 读取某日以来目录中的全部变化（DCAT-AP 3，逐页读到没有下一页为止）。
import json
from urllib.request import urlopen

SITE = "https://data.example.gov.cn"
SINCE = "2020-01-01"

page = f"{SITE}/catalog.jsonld?modified_since={SINCE}"
changed, withdrawn = [], []
while page:
    with urlopen(page) as answer:
        nodes = json.load(answer)["@graph"]
    page = ""
    for node in nodes:
        kinds = node.get("@type", [])
        kinds = [kinds] if isinstance(kinds, str) else kinds
        if "dcat:Dataset" in kinds:
            changed.append(node["dct:title"]["@value"])
        elif "as:Tombstone" in kinds:
            withdrawn.append(node["@id"])
        elif "hydra:PagedCollection" in kinds:
            page = node.get("hydra:next", {}).get("@id", "")

print(f"{SINCE} 以来：{len(changed)} 个数据集有变化，{len(withdrawn)} 个已撤下")
for title in changed[:5]:
    print(title)
