# 找一个无条件开放的 CSV 文件并下载。
import json
from urllib.parse import urlencode
from urllib.request import urlopen, urlretrieve

SITE = "https://data.example.gov.cn"

query = urlencode({"fq": "hljshare_open_type:open AND hljshare_format:CSV", "rows": 1})
with urlopen(f"{SITE}/api/3/action/package_search?{query}") as answer:
    dataset = json.load(answer)["result"]["results"][0]
# 个别文件可以比数据集更严：有自己的 open_type。
file = next(
    file
    for file in dataset["resources"]
    if file["format"] == "CSV" and file.get("open_type") in (None, "", "open")
)

name = f"{file['id']}.csv"
urlretrieve(file["url"], name)
print(f"{dataset['title']}：已保存为 {name}")
