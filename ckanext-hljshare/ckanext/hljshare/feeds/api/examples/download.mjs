// 找一个无条件开放的 CSV 文件并下载。
import { writeFile } from "node:fs/promises";

const SITE = "https://data.example.gov.cn";

async function get(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${answer.status} ${url}`);
  return answer;
}

const query = new URLSearchParams({ fq: "hljshare_open_type:open AND hljshare_format:CSV", rows: 1 });
const found = await (await get(`${SITE}/api/3/action/package_search?${query}`)).json();
const dataset = found.result.results[0];
// 个别文件可以比数据集更严：有自己的 open_type。
const file = dataset.resources.find((file) => file.format === "CSV" && ["open", ""].includes(file.open_type ?? ""));

const name = `${file.id}.csv`;
await writeFile(name, Buffer.from(await (await get(file.url)).arrayBuffer()));
console.log(`${dataset.title}：已保存为 ${name}`);
