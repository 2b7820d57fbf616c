# Linear mixed models by lme4, lmerTest and pbkrtest: the numbers of linear_models.json.
# Rscript make_linear_models.R <folder of the shared reference data> <this folder> > linear_models.json
# Data sets of the packages are not copied: write_package_data.R writes them where a test wants them.
suppressMessages({library(lme4); library(lmerTest); library(pbkrtest); library(jsonlite)})
shared <- commandArgs(TRUE)[1]
here <- commandArgs(TRUE)[2]
tight <- lmerControl(optimizer = 'bobyqa', optCtrl = list(rhoend = 1e-10, maxfun = 1e5), calc.derivs = FALSE,
                     check.conv.singular = 'ignore')
fits <- list()
record <- function(name, formula, data, reml = TRUE, kr = FALSE, tests = list()) {
  if (is.null(data$w)) data$w <- 1
  m <- eval(bquote(lmerTest::lmer(.(formula), data, REML = .(reml), control = tight, weights = w)))
  s <- coef(summary(m))
  v <- as.data.frame(VarCorr(m))
  out <- list(formula = deparse1(formula), n = nrow(data), names = I(rownames(s)), estimate = I(unname(s[, 1])),
    se = I(unname(s[, 2])), satterthwaite = I(unname(s[, 3])), group = v$grp, term = v$var1, second = v$var2,
    sdcor = v$sdcor, log_likelihood = as.numeric(logLik(m)), aic = AIC(m), singular = isSingular(m))
  r <- as.data.frame(ranef(m, condVar = TRUE))
  out$modes <- as.list(tapply(r$condval^2, paste(r$grpvar, r$term), sum))
  out$conditional_variances <- as.list(tapply(r$condsd^2, paste(r$grpvar, r$term), sum))
  if (kr) { k <- coef(summary(m, ddf = 'Kenward-Roger')); out$kr_se <- I(unname(k[, 2])); out$kr_df <- I(unname(k[, 3])) }
  out$tests <- I(lapply(tests, function(rows) {
    L <- diag(length(fixef(m)))[rows, , drop = FALSE]
    a <- contestMD(m, L); b <- contestMD(m, L, ddf = 'Kenward-Roger')
    list(rows = I(rows), F = a[['F value']], den = a$DenDF, kr_F = b[['F value']], kr_den = b$DenDF)
  }))
  fits[[paste(name, if (reml) 'REML' else 'ML')]] <<- out
}
both <- function(name, formula, data, kr = FALSE) {
  record(name, formula, data, kr = kr)
  record(name, formula, data, reml = FALSE)
}
both('Dyestuff', Yield ~ 1 + (1 | Batch), Dyestuff, kr = TRUE)
both('Dyestuff2', Yield ~ 1 + (1 | Batch), Dyestuff2)
both('Pastes', strength ~ 1 + (1 | batch/cask), Pastes, kr = TRUE)
both('Penicillin', diameter ~ 1 + (1 | plate) + (1 | sample), Penicillin, kr = TRUE)
cake$temperature <- factor(cake$temperature, ordered = FALSE)
both('cake', angle ~ recipe * temperature + (1 | recipe:replicate), cake, kr = TRUE)
both('sleepstudy_intercept', Reaction ~ Days + (1 | Subject), sleepstudy, kr = TRUE)
both('sleepstudy_slope', Reaction ~ Days + (Days | Subject), sleepstudy, kr = TRUE)
both('sleepstudy_uncorr', Reaction ~ Days + (Days || Subject), sleepstudy)
# pbkrtest leaves prior weights out, so there is no Kenward-Roger to compare with.
weighted <- sleepstudy; weighted$w <- 0.5 + (seq_len(180) %% 7) / 3
both('sleepstudy_weights', Reaction ~ Days + (Days | Subject), weighted)
sim <- read.csv(file.path(shared, 'sim72_ratings.csv'))
sim$system <- factor(sim$system, c('base', 'act', 'wt', 'prm'))
both('sim72', likert ~ system + (1 | output) + (1 | rater) + (1 | prompt), sim)
sim <- read.csv(file.path(shared, 'sim720_ratings_all.csv')); sim <- sim[sim$dim == 0, ]
sim$system <- factor(sim$system, c('base', 'act', 'wt', 'prm'))
both('sim720', likert ~ system + (1 | output) + (1 | rater) + (1 | prompt), sim)
data(ham, package = 'lmerTest')
for (v in c('Consumer', 'Product', 'Information')) ham[[v]] <- factor(ham[[v]])
record('ham', Informed.liking ~ Product * Information + (1 | Consumer) + (1 | Consumer:Product), ham, kr = TRUE, tests = list(2:4, 6:8))
data(TVbo, package = 'lmerTest')
random <- '+ (1 | Assessor) + (1 | Assessor:TVset) + (1 | Assessor:Picture)'
record('TVbo', as.formula(paste('Sharpnessofmovement ~ TVset + Picture', random)), TVbo, kr = TRUE, tests = list(2:3, 4:6))
record('TVbo_noise', as.formula(paste('Noise ~ TVset * Picture', random)), TVbo, kr = TRUE, tests = list(2:3))
data(carrots, package = 'lmerTest')
record('carrots', Preference ~ sens1 + sens2 + Homesize + (1 + sens1 + sens2 | Consumer), carrots)
for (v in c('lectage', 'studage')) InstEval[[v]] <- factor(InstEval[[v]], ordered = FALSE)
record('InstEval', y ~ service + lectage + studage + (1 | d) + (1 | s), InstEval)
record('InstEval_dept', y ~ service + lectage + studage + (1 | d) + (1 | s) + (1 | dept), InstEval)
# Three slopes of which one direction has no spread; data simulated for this purpose, stored beside.
bent <- read.csv(file.path(here, 'linear_bent.csv'))
record('bent', y ~ x + z + (1 + x + z | g), bent)
# Spreads that are zero in several directions at once, where a search along coordinates stops short; simulated, stored.
awkward <- read.csv(file.path(here, 'linear_awkward.csv'))
record('flat', y ~ x + z + (1 + x + z | a), awkward[awkward$case == 90, ])
record('turned', y ~ x + (1 + x | a) + (1 + z | b), awkward[awkward$case == 117, ])
# A signed membership (+1 for the left text, -1 for the right one) by lme4's modular interface with an edited Zt.
d <- read.csv(file.path(shared, 'multimembership_72.csv'))
d$score <- 10 * d$y + (seq_len(nrow(d)) %% 7)
for (k in 1:3) d[[paste0('s', k)]] <- (d$sysL == k) - (d$sysR == k)
d$f1 <- factor(rep_len(1:2, nrow(d))); d$f2 <- factor(rep_len(1:3, nrow(d))); d$r <- factor(d$rater)
parsed <- lFormula(score ~ s1 + s2 + s3 + (1 | f1) + (1 | f2) + (1 | r), d)
signed <- function(left, right) {
  levels <- sort(unique(c(left, right)))
  t(sparse.model.matrix(~ 0 + factor(left, levels))) - t(sparse.model.matrix(~ 0 + factor(right, levels)))
}
blocks <- list(signed(d$outL, d$outR), signed(d$psL, d$psR), t(sparse.model.matrix(~ 0 + r, d)))
q <- sapply(blocks, nrow)
parsed$reTrms$Zt <- as(do.call(rbind, blocks), 'dgCMatrix')
parsed$reTrms$theta <- rep(1, 3); parsed$reTrms$lower <- rep(0, 3)
parsed$reTrms$Lind <- rep(1:3, q); parsed$reTrms$Lambdat <- as(Diagonal(sum(q)), 'dgCMatrix')
deviance <- do.call(mkLmerDevfun, parsed)
best <- optimizeLmer(deviance, optimizer = 'bobyqa', control = list(rhoend = 1e-10, maxfun = 1e5))
inside <- environment(deviance)
sigma <- sqrt((inside$resp$wrss() + inside$pp$sqrL(1)) / (nrow(d) - 4))
fits$signed <- list(n = nrow(d), deviance = best$fval, sd = best$par * sigma, sigma = sigma, estimate = inside$pp$beta(1),
  se = sigma * sqrt(diag(inside$pp$unsc())))
fits$versions <- list(R = R.version.string, lme4 = as.character(packageVersion('lme4')),
  lmerTest = as.character(packageVersion('lmerTest')), pbkrtest = as.character(packageVersion('pbkrtest')))
cat(toJSON(fits, auto_unbox = TRUE, digits = 12, null = 'null', na = 'null'))
