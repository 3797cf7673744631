# 读取某日以来目录中的全部变化（DCAT-AP 3，逐页读到没有下一页为止）。需要 curl 和 jq。
SITE=https://data.example.gov.cn
SINCE=2020-01-01

page="$SITE/catalog.jsonld?modified_since=$SINCE"
all=$(mktemp)
of='def of($kind): select([.["@type"]] | flatten | index($kind)); '
while [ -n "$page" ]; do
  answer=$(curl -fsS --retry 3 "$page" | jq '.["@graph"]')
  printf '%s' "$answer" | jq -c '.[]' >>"$all"
  page=$(printf '%s' "$answer" |
    jq -r "$of"'.[] | of("hydra:PagedCollection") | .["hydra:next"]["@id"] // empty')
done

jq -s -r --arg since "$SINCE" "$of"'
  map(of("dcat:Dataset") | .["dct:title"]["@value"]) as $changed
  | map(of("as:Tombstone")) as $withdrawn
  | "\($since) 以来：\($changed | length) 个数据集有变化，\($withdrawn | length) 个已撤下",
    $changed[:5][]' "$all"
rm -f "$all"
