// 读取某日以来目录中的全部变化（DCAT-AP 3，逐页读到没有下一页为止）。
const SITE = "https://data.example.gov.cn";
const SINCE = "2020-01-01";

let page = `${SITE}/catalog.jsonld?modified_since=${SINCE}`;
const changed = [], withdrawn = [];
while (page) {
  const answer = await fetch(page);
  if (!answer.ok) throw new Error(await answer.text());
  const nodes = (await answer.json())["@graph"];
  page = null;
  for (const node of nodes) {
    const kinds = [node["@type"]].flat();
    if (kinds.includes("dcat:Dataset")) changed.push(node["dct:title"]["@value"]);
    if (kinds.includes("as:Tombstone")) withdrawn.push(node["@id"]);
    if (kinds.includes("hydra:PagedCollection")) page = node["hydra:next"]?.["@id"];
  }
}

console.log(`${SINCE} 以来：${changed.length} 个数据集有变化，${withdrawn.length} 个已撤下`);
for (const title of changed.slice(0, 5)) console.log(title);
