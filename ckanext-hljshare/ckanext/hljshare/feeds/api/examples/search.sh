# 检索数据集，列出开放类型、名称和地址。需要 curl 和 jq。
SITE=https://data.example.gov.cn

curl -fsS -G "$SITE/api/3/action/package_search" \
  --data-urlencode 'q=公交' \
  --data-urlencode 'rows=5' |
jq -r --arg site "$SITE" '.result
  | "共 \(.count) 个数据集",
    (.results[]
      | ({open: "无条件开放", on_request: "依申请开放", closed: "不予开放"}[.open_type])
        + " \(.title) \($site)/dataset/\(.name)")'
