# The numbers of multiplicity.json. R 4.2.2, mvtnorm, emmeans 1.8.4.1, lme4 1.1.31 (data set cake).
# Family of all pairs: p of each |t| in a family of correlated statistics and the simultaneous critical value.
suppressMessages({library(mvtnorm); library(emmeans); library(lme4); library(jsonlite)})
set.seed(1)
fine <- GenzBretz(maxpts = 1e6, abseps = 2e-6, releps = 0)
pairs_of <- function(k) { i <- combn(k, 2); t(apply(i, 2, function(p) { r <- numeric(k); r[p] <- c(1, -1); r })) }
case <- function(C, df, t) {
  R <- cov2cor(C)
  p <- sapply(t, function(v) 1 - pmvt(rep(-v, nrow(R)), rep(v, nrow(R)), corr = R, df = df, algorithm = fine))
  q <- qmvt(.95, tail = 'both.tails', corr = R, df = df, interval = c(1.5, 5), algorithm = GenzBretz(maxpts = 1e5, abseps = 1e-5))$quantile
  list(covariance = C, df = df, t = t, p = p, critical = q)
}
many <- matrix(rnorm(64), 8)
out <- list(
  pairs3 = case(pairs_of(3) %*% diag(c(1, 2, 3)) %*% t(pairs_of(3)), 12, c(1, 2.5, 4)),
  pairs5 = case(pairs_of(5) %*% t(pairs_of(5)), 30, c(1, 2.5, 4)),
  control = case(diag(4) + 1, 8, c(1, 2.5, 4)),
  normal = case(crossprod(many), 0, c(1, 2.5, 4)))   # df = 0 is mvtnorm's infinity
cake$temperature <- factor(cake$temperature, ordered = FALSE)
m <- lmer(angle ~ recipe * temperature + (1 | recipe:replicate), cake)
show <- function(e) { s <- as.data.frame(summary(e)); list(label = as.character(s$contrast), p = s$p.value) }
set.seed(2)
for (a in c('mvt', 'tukey', 'bonferroni', 'BH'))
  out[[paste0('cake_', a)]] <- show(pairs(emmeans(m, ~ temperature, lmer.df = 'asymptotic'), adjust = a))
write(toJSON(out, auto_unbox = TRUE, digits = 12, pretty = TRUE), 'multiplicity.json')
