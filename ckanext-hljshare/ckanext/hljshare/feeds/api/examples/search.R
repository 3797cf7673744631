# 检索数据集，列出开放类型、名称和地址。
library(jsonlite)

site <- "https://data.example.gov.cn"
levels <- c(open = "无条件开放", on_request = "依申请开放", closed = "不予开放")

query <- paste0("q=", URLencode("公交", reserved = TRUE), "&rows=5")
answer <- fromJSON(paste0(site, "/api/3/action/package_search?", query), simplifyVector = FALSE)
found <- answer$result

cat("共", found$count, "个数据集\n")
for (dataset in found$results) {
  cat(levels[[dataset$open_type]], dataset$title, paste0(site, "/dataset/", dataset$name), "\n")
}
