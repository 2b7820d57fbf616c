# The numbers of families.json: links, threshold shapes, quadrature and the soup data, by lme4 and ordinal.
# Usage: Rscript make_families.R families.json, in a folder that holds sim72_pairs.csv (simulated choices and grades).
# wine and soup are data sets of ordinal, VerbAgg and cbpp of lme4. clmm's gradients are noisy below 1e-4, so its own
# stopping rule is kept; glmer runs at tolPwrss 1e-12 (at its default it is off by up to 1e-4).
suppressMessages({library(lme4); library(ordinal); library(glmmTMB); library(jsonlite)})
tight <- glmerControl(optimizer = 'bobyqa', tolPwrss = 1e-12, optCtrl = list(rhoend = 1e-9, maxfun = 1e5))
table_of <- function(m) { s <- coef(summary(m)); setNames(lapply(seq_len(nrow(s)), function(i) unname(s[i, 1:2])), rownames(s)) }
ordinal_fit <- function(formula, data, ...) {
  m <- clmm(formula, data, ...)
  list(formula = deparse1(formula), options = list(...), coef = table_of(m), sd = lapply(VarCorr(m), function(v) unname(attr(v, 'stddev'))),
       log_likelihood = as.numeric(logLik(m)), gradient = max(abs(m$gradient)),
       modes = lapply(ranef(m), function(r) r[[1]]), mode_sd = lapply(condVar(m), function(v) sqrt(v[[1]])))
}
logistic_fit <- function(formula, data, link = 'logit', nAGQ = 1L) {
  m <- glmer(formula, data, binomial(link), control = tight, nAGQ = nAGQ)
  out <- list(formula = deparse1(formula), link = link, nAGQ = nAGQ, fixed = table_of(m), log_likelihood = as.numeric(logLik(m)),
              sd = lapply(VarCorr(m), function(v) unname(attr(v, 'stddev'))),
              modes = lapply(ranef(m), function(r) r[[1]]))
  # conditional SDs by lme4 rest on its working weights, which for the logit are the observed ones
  if (length(getME(m, 'flist')) == 1) out$mode_sd <- lapply(ranef(m, condVar = TRUE), function(r) sqrt(c(attr(r, 'postVar'))))
  if (nAGQ == 1) {
    g <- glmmTMB(formula, data, binomial(link))
    out$glmmTMB <- list(fixed = lapply(as.data.frame(t(summary(g)$coefficients$cond[, 1:2])), identity), log_likelihood = as.numeric(logLik(g)),
                        sd = lapply(VarCorr(g)$cond, function(v) unname(attr(v, 'stddev'))))
  }
  out
}
data(wine, package = 'ordinal'); data(soup, package = 'ordinal')
pairs <- read.csv('sim72_pairs.csv'); pairs$grade <- ordered(pairs$grade); pairs$system <- factor(pairs$system, c('act', 'wt', 'prm'))
out <- list()
for (threshold in c('flexible', 'symmetric', 'symmetric2', 'equidistant')) for (link in c('logit', 'probit'))
  out[[paste('wine', threshold, link)]] <- ordinal_fit(rating ~ temp + contact + (1 | judge), wine, threshold = threshold, link = link)
out[['wine judge and bottle']] <- ordinal_fit(rating ~ temp + contact + (1 | judge) + (1 | bottle), wine)
for (k in c(3L, 10L)) out[[paste('wine probit quadrature', k)]] <- ordinal_fit(rating ~ temp + contact + (1 | judge), wine, nAGQ = k, link = 'probit')
out[['grades probit']] <- ordinal_fit(grade ~ system + side + (1 | pair) + (1 | rater) + (1 | prompt), pairs, link = 'probit')
out[['grades symmetric2']] <- ordinal_fit(grade ~ system + side + (1 | pair) + (1 | rater) + (1 | prompt), pairs, threshold = 'symmetric2')
out[['soup']] <- ordinal_fit(SURENESS ~ PROD + (1 | RESP), soup)
out[['soup nested']] <- ordinal_fit(SURENESS ~ PROD + (1 | RESP) + (1 | RESP:PROD), soup)
out[['soup probit']] <- ordinal_fit(SURENESS ~ PROD + (1 | RESP), soup, link = 'probit')
for (name in c('soup', 'soup nested', 'soup probit', 'grades probit', 'grades symmetric2')) out[[name]]$modes <- out[[name]]$mode_sd <- NULL
m <- clm(rating ~ temp * contact, data = wine, link = 'probit')
out[['wine clm probit']] <- list(coef = table_of(m), log_likelihood = as.numeric(logLik(m)))
out[['cbpp probit']] <- logistic_fit(cbind(incidence, size - incidence) ~ period + (1 | herd), cbpp, 'probit')
for (k in c(2L, 9L, 25L)) out[[paste('cbpp quadrature', k)]] <- logistic_fit(cbind(incidence, size - incidence) ~ period + (1 | herd), cbpp, nAGQ = k)
out[['cbpp probit quadrature 9']] <- logistic_fit(cbind(incidence, size - incidence) ~ period + (1 | herd), cbpp, 'probit', 9L)
out[['cbpp']] <- logistic_fit(cbind(incidence, size - incidence) ~ period + (1 | herd), cbpp)
out[['choices probit']] <- logistic_fit(choice ~ 0 + system + side + (1 | rater) + (1 | prompt) + (1 | pair), pairs, 'probit')
out[['choices probit']]$modes <- NULL
out$versions <- list(R = R.version.string, lme4 = as.character(packageVersion('lme4')), ordinal = as.character(packageVersion('ordinal')), glmmTMB = as.character(packageVersion('glmmTMB')))
write(toJSON(out, auto_unbox = TRUE, digits = 12, pretty = TRUE, force = TRUE), commandArgs(TRUE)[1])
