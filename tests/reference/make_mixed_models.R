# The numbers of mixed_models.json: logistic (lme4) and cumulative logit (ordinal) mixed models.
# Run in a folder that holds VerbAgg.csv, cbpp.csv, wine.csv, sim72_pairs.csv and multimembership_72.csv
# (the first three are data sets of lme4 and ordinal). R 4.2.2, lme4 1.1.31, ordinal 2022.11.16, glmmTMB 1.1.5.
# glmmTMB fits the three glmer models again: its Hessian is exact, glmer's is differenced from deviances.
library(lme4); library(ordinal); library(Matrix); library(glmmTMB)
tight <- glmerControl(optimizer = 'bobyqa', tolPwrss = 1e-12, optCtrl = list(rhoend = 1e-9, maxfun = 1e5))
show <- function(m) { print(coef(summary(m))); print(VarCorr(m), digits = 12); print(as.numeric(logLik(m)), digits = 15) }

show(glmer(r2 ~ Anger + Gender + btype + situ + (1 | id) + (1 | item), VerbAgg, binomial, control = tight))
show(glmer(cbind(incidence, size - incidence) ~ period + (1 | herd), cbpp, binomial, control = tight))
p <- read.csv('sim72_pairs.csv'); p$system <- factor(p$system, c('act', 'wt', 'prm'))
show(glmer(choice ~ 0 + system + side + (1 | rater) + (1 | prompt) + (1 | pair), p, binomial, control = tight))
for (f in list(list(r2 ~ Anger + Gender + btype + situ + (1 | id) + (1 | item), VerbAgg),
               list(cbind(incidence, size - incidence) ~ period + (1 | herd), cbpp),
               list(choice ~ 0 + system + side + (1 | rater) + (1 | prompt) + (1 | pair), p)))
  print(summary(glmmTMB(f[[1]], f[[2]], family = binomial))$coefficients$cond)
p$grade <- ordered(p$grade)
show(clmm(grade ~ system + side + (1 | rater) + (1 | prompt) + (1 | pair), p))
show(clmm(rating ~ temp + contact + (1 | judge), wine))
print(summary(clm(rating ~ temp * contact, data = wine)))

# Signed memberships: lme4's modular interface with an edited Zt. Each pair enters out and ps with +1 (left) and -1 (right).
d <- read.csv('multimembership_72.csv')
for (k in 1:3) d[[c('act', 'wt', 'prm')[k]]] <- (d$sysL == k) - (d$sysR == k)
d$out <- factor(d$outL, sort(unique(c(d$outL, d$outR)))); d$ps <- factor(d$psL, sort(unique(c(d$psL, d$psR)))); d$r <- factor(d$rater)
g <- glFormula(y ~ act + wt + prm + (1 | out) + (1 | ps) + (1 | r), d, family = binomial,
               control = glmerControl(check.nobs.vs.nlev = 'ignore', tolPwrss = 1e-12))
signed <- function(left, right, levels) {
  l <- factor(left, levels); r <- factor(right, levels)
  t(sparse.model.matrix(~ 0 + l)) - t(sparse.model.matrix(~ 0 + r))
}
blocks <- list(out = signed(d$outL, d$outR, sort(unique(c(d$outL, d$outR)))), ps = signed(d$psL, d$psR, sort(unique(c(d$psL, d$psR)))), r = t(sparse.model.matrix(~ 0 + r, d)))
# glFormula orders terms by number of levels; Lambdat and Lind are rebuilt to match the blocks above.
q <- sapply(blocks, nrow)
g$reTrms$Zt <- as(do.call(rbind, unname(blocks)), 'dgCMatrix'); g$reTrms$theta <- rep(1, 3); g$reTrms$lower <- rep(0, 3)
g$reTrms$Lind <- rep(1:3, q); g$reTrms$Lambdat <- as(Diagonal(sum(q)), 'dgCMatrix')
dev <- updateGlmerDevfun(do.call(mkGlmerDevfun, g), g$reTrms)
o <- optimizeGlmer(dev, stage = 2, optimizer = 'bobyqa', control = list(rhoend = 1e-9, maxfun = 1e5))
print(o$par, digits = 12); print(o$fval, digits = 14)
