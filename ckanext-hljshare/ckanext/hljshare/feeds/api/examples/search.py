# 检索数据集，列出开放类型、名称和地址。
import json
from urllib.parse import urlencode
from urllib.request import urlopen

SITE = "https://data.example.gov.cn"
LEVELS = {"open": "无条件开放", "on_request": "依申请开放", "closed": "不予开放"}

query = urlencode({"q": "公交", "rows": 5})
with urlopen(f"{SITE}/api/3/action/package_search?{query}") as answer:
    found = json.load(answer)["result"]

print(f"共 {found['count']} 个数据集")
for dataset in found["results"]:
    print(LEVELS[dataset["open_type"]], dataset["title"], f"{SITE}/dataset/{dataset['name']}")
