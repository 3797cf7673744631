// 按行读取一张表，每次一页，不必下载整个文件。
const SITE = "https://data.example.gov.cn";
const PAGE = 1000;

async function action(name, parameters) {
  const answer = await fetch(`${SITE}/api/3/action/${name}?${new URLSearchParams(parameters)}`);
  if (!answer.ok) throw new Error(await answer.text());
  return (await answer.json()).result;
}

const found = await action("package_search", { fq: "hljshare_open_type:open", rows: 100 });
const files = found.results.flatMap((dataset) => dataset.resources);
// 个别文件可以比数据集更严：有自己的 open_type。
const table = files.find((file) => file.datastore_active && ["open", ""].includes(file.open_type ?? ""));

const columns = (await action("datastore_info", { id: table.id })).fields;
console.log(`${table.name}：${columns.map((column) => column.id).join("、")}`);
let read = 0, page;
do {
  page = await action("datastore_search", { resource_id: table.id, limit: PAGE, offset: read, sort: "_id" });
  read += page.records.length;
} while (page.records.length === PAGE);
console.log(`读取 ${read} 行，共 ${page.total} 行`);
