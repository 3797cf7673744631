# 找一个无条件开放的 CSV 文件并下载。需要 curl 和 jq。
SITE=https://data.example.gov.cn

dataset=$(curl -fsS -G "$SITE/api/3/action/package_search" \
  --data-urlencode 'fq=hljshare_open_type:open AND hljshare_format:CSV' \
  --data-urlencode 'rows=1' | jq '.result.results[0]')
# 个别文件可以比数据集更严：有自己的 open_type。
file=$(printf '%s' "$dataset" |
  jq '[.resources[] | select(.format == "CSV" and ((.open_type // "") | IN("", "open")))][0]')

name=$(printf '%s' "$file" | jq -r .id).csv
curl -fsSL --retry 3 -o "$name" "$(printf '%s' "$file" | jq -r .url)"
echo "$(printf '%s' "$dataset" | jq -r .title)：已保存为 $name"
