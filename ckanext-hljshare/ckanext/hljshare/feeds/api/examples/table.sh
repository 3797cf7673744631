# 按行读取一张表，每次一页，不必下载整个文件。需要 curl 和 jq。
SITE=https://data.example.gov.cn
PAGE=1000

action() { name=$1; shift; curl -fsS -G "$SITE/api/3/action/$name" "$@"; }

# 个别文件可以比数据集更严：有自己的 open_type。
table=$(action package_search -d rows=100 --data-urlencode 'fq=hljshare_open_type:open' |
  jq '[.result.results[].resources[]
    | select(.datastore_active and ((.open_type // "") | IN("", "open")))][0]')
id=$(printf '%s' "$table" | jq -r .id)

columns=$(action datastore_info -d "id=$id" | jq -r '[.result.fields[].id] | join("、")')
echo "$(printf '%s' "$table" | jq -r .name)：$columns"
read=0
while :; do
  page=$(action datastore_search -d "resource_id=$id" -d "limit=$PAGE" -d "offset=$read" -d sort=_id)
  rows=$(printf '%s' "$page" | jq '.result.records | length')
  read=$((read + rows))
  [ "$rows" -eq "$PAGE" ] || break
done
echo "读取 $read 行，共 $(printf '%s' "$page" | jq .result.total) 行"
