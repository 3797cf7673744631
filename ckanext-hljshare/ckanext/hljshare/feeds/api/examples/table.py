# 按行读取一张表，每次一页，不必下载整个文件。
import json
from urllib.parse import urlencode
from urllib.request import urlopen

SITE = "https://data.example.gov.cn"
PAGE = 1000


def action(name: str, **parameters: object) -> dict:
    with urlopen(f"{SITE}/api/3/action/{name}?{urlencode(parameters)}") as answer:
        return json.load(answer)["result"]


found = action("package_search", fq="hljshare_open_type:open", rows=100)
files = [file for dataset in found["results"] for file in dataset["resources"]]
# 个别文件可以比数据集更严：有自己的 open_type。
table = next(
    file
    for file in files
    if file["datastore_active"] and file.get("open_type") in (None, "", "open")
)

columns = action("datastore_info", id=table["id"])["fields"]
print(f"{table['name']}：{'、'.join(column['id'] for column in columns)}")
read = 0
while True:
    page = action("datastore_search", resource_id=table["id"], limit=PAGE, offset=read, sort="_id")
    read += len(page["records"])
    if len(page["records"]) < PAGE:
        break
print(f"读取 {read} 行，共 {page['total']} 行")
