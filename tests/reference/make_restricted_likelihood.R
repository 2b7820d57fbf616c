# restricted_likelihood.json: spreads by maximum and by restricted likelihood. R 4.2.2, glmmTMB 1.1.5.
# Run in a folder that holds sim72_pairs.csv; cbpp comes with lme4.
suppressMessages({library(glmmTMB); library(jsonlite)})
p <- read.csv('sim72_pairs.csv'); p$system <- factor(p$system, c('act', 'wt', 'prm'))
data(cbpp, package = 'lme4')
both <- function(formula, data) {
  sds <- lapply(c(FALSE, TRUE), function(reml)
    sapply(VarCorr(glmmTMB(formula, data, family = binomial, REML = reml))$cond, function(x) attr(x, 'stddev')[[1]]))
  Map(function(ml, reml) c(ml, reml), sds[[1]], sds[[2]])
}
write(toJSON(list(
  sim72_pairs = both(choice ~ 0 + system + side + (1 | rater) + (1 | prompt) + (1 | pair), p),
  cbpp = both(cbind(incidence, size - incidence) ~ period + (1 | herd), cbpp)
), digits = 12), 'restricted_likelihood.json')
