// 检索数据集，列出开放类型、名称和地址。
const SITE = "https://data.example.gov.cn";
const LEVELS = { open: "无条件开放", on_request: "依申请开放", closed: "不予开放" };

const query = new URLSearchParams({ q: "公交", rows: 5 });
const answer = await fetch(`${SITE}/api/3/action/package_search?${query}`);
if (!answer.ok) throw new Error(await answer.text());
const found = (await answer.json()).result;

console.log(`共 ${found.count} 个数据集`);
for (const dataset of found.results) {
  console.log(LEVELS[dataset.open_type], dataset.title, `${SITE}/dataset/${dataset.name}`);
}
