# 找一个无条件开放的 CSV 文件并下载。
library(jsonlite)

site <- "https://data.example.gov.cn"

fq <- URLencode("hljshare_open_type:open AND hljshare_format:CSV", reserved = TRUE)
answer <- fromJSON(paste0(site, "/api/3/action/package_search?rows=1&fq=", fq), simplifyVector = FALSE)
dataset <- answer$result$results[[1]]
# 个别文件可以比数据集更严：有自己的 open_type。
is_open <- function(file) is.null(file$open_type) || file$open_type %in% c("", "open")
file <- Filter(function(file) file$format == "CSV" && is_open(file), dataset$resources)[[1]]

name <- paste0(file$id, ".csv")
download.file(file$url, name, mode = "wb", quiet = TRUE)
cat(dataset$title, "：已保存为 ", name, "\n", sep = "")
