# Write data sets that come with R packages as CSV: Rscript write_package_data.R <folder>
folder <- commandArgs(TRUE)[1]
data(ham, TVbo, carrots, package = 'lmerTest')
data(InstEval, package = 'lme4')
for (name in c('ham', 'TVbo', 'carrots', 'InstEval'))
  write.csv(get(name), file.path(folder, paste0(name, '.csv')), row.names = FALSE)
