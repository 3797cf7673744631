# 读取某日以来目录中的全部变化（DCAT-AP 3，逐页读到没有下一页为止）。
library(jsonlite)

site <- "https://data.example.gov.cn"
since <- "2020-01-01"

page <- paste0(site, "/catalog.jsonld?modified_since=", since)
changed <- character()
withdrawn <- character()
while (!is.null(page)) {
  nodes <- fromJSON(page, simplifyVector = FALSE)[["@graph"]]
  page <- NULL
  for (node in nodes) {
    kinds <- unlist(node[["@type"]])
    if ("dcat:Dataset" %in% kinds) changed <- c(changed, node[["dct:title"]][["@value"]])
    if ("as:Tombstone" %in% kinds) withdrawn <- c(withdrawn, node[["@id"]])
    if ("hydra:PagedCollection" %in% kinds) page <- node[["hydra:next"]][["@id"]]
  }
}

cat(since, " 以来：", length(changed), " 个数据集有变化，", length(withdrawn), " 个已撤下\n", sep = "")
cat(head(changed, 5), sep = "\n")
cat("\n")
