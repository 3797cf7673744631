# 按行读取一张表，每次一页，得到一个数据框。
library(jsonlite)

site <- "https://data.example.gov.cn"
page_size <- 1000

action <- function(name, ...) {
  given <- list(...)
  values <- vapply(given, function(value) URLencode(format(value, scientific = FALSE), reserved = TRUE), "")
  query <- paste(names(given), values, sep = "=", collapse = "&")
  fromJSON(paste0(site, "/api/3/action/", name, "?", query), simplifyDataFrame = FALSE)$result
}

found <- action("package_search", fq = "hljshare_open_type:open", rows = 100)
files <- do.call(c, lapply(found$results, function(dataset) dataset$resources))
# 个别文件可以比数据集更严：有自己的 open_type。
is_open <- function(file) is.null(file$open_type) || file$open_type %in% c("", "open")
table <- Filter(function(file) isTRUE(file$datastore_active) && is_open(file), files)[[1]]

columns <- vapply(action("datastore_info", id = table$id)$fields, function(column) column$id, "")
cat(table$name, "：", paste(columns, collapse = "、"), "\n", sep = "")
rows <- list()
repeat {
  page <- action("datastore_search", resource_id = table$id, limit = page_size, offset = length(rows), sort = "_id")
  rows <- c(rows, page$records)
  if (length(page$records) < page_size) break
}
data <- fromJSON(toJSON(rows, auto_unbox = TRUE, null = "null"))
cat("读取", NROW(data), "行，共", page$total, "行\n")
