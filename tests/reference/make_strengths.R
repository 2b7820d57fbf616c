# The numbers of strengths.json: quasi-variances (qvcalc), Firth's correction (BradleyTerry2, br = TRUE), clustered
# errors, Davidson's ties, Plackett–Luce and best–worst.
# Usage: Rscript make_strengths.R strengths.json, in a folder with lamp_rankings_long.csv. citations, baseball and
# icehockey are data sets of BradleyTerry2. Rankings are fitted as conditional logits of their stages (survival::clogit),
# ties by optim on Davidson's likelihood: R 4.2.2 has no packaged model for either here.
suppressMessages({library(BradleyTerry2); library(qvcalc); library(survival); library(sandwich); library(jsonlite)})
out <- list()
quasi <- function(b) { q <- qvcalc(BTabilities(b)); list(names = rownames(q$qvframe), quasi_se = q$qvframe$quasiSE, quasi_variance = q$qvframe$quasiVar, relative_errors = as.numeric(q$relerrs)) }
data(citations); cs <- countsToBinomial(citations)
out$citations <- quasi(BTm(cbind(win1, win2), player1, player2, data = cs))
data(baseball)
baseball$home.team <- data.frame(team = baseball$home.team, at.home = 1); baseball$away.team <- data.frame(team = baseball$away.team, at.home = 0)
out$baseball_home <- quasi(BTm(cbind(home.wins, away.wins), home.team, away.team, formula = ~ team + at.home, id = 'team', data = baseball))
s <- coef(summary(BTm(cbind(home.wins, away.wins), home.team, away.team, formula = ~ team + at.home, id = 'team', data = baseball, br = TRUE)))
out$baseball_firth <- list(names = rownames(s), estimate = unname(s[, 1]), se = unname(s[, 2]))

# Davidson's ties on ice hockey, conference AH only, home side as an effect of the visitor's opponent
data(icehockey); h <- subset(icehockey, conference == 'AH'); teams <- sort(unique(c(as.character(h$visitor), as.character(h$opponent))))
i <- match(h$visitor, teams); j <- match(h$opponent, teams); y <- h$result; home <- as.numeric(h$home.ice)
minus <- function(p) {
  l <- c(0, p[seq_len(length(teams) - 1)]); e <- l[i] - l[j] - p[length(teams)] * home; d <- p[length(teams) + 1]
  -sum(ifelse(y == 1, e / 2, ifelse(y == 0, -e / 2, d)) - log(exp(e / 2) + exp(-e / 2) + exp(d)))
}
o <- optim(rep(0, length(teams) + 1), minus, method = 'BFGS', hessian = TRUE, control = list(reltol = 1e-15, maxit = 2000))
out$davidson <- list(teams = teams, estimate = o$par, se = sqrt(diag(solve(o$hessian))), log_likelihood = -o$value)

# Clustered by month and by visitor, and by both, without the ties: the same logit by glm
b <- glm(result ~ 0 + ., binomial, data.frame(result = y[y != .5], (outer(i, seq_along(teams)[-1], '==') - outer(j, seq_along(teams)[-1], '=='))[y != .5, ]))
month <- (h$date %/% 100)[y != .5]; visitor <- as.character(h$visitor)[y != .5]
error <- function(v) unname(sqrt(diag(v)))
out$clustered <- list(estimate = unname(coef(b)), month = error(vcovCL(b, month)), visitor = error(vcovCL(b, visitor)),
                      both = error(vcovCL(b, data.frame(month, visitor), multi0 = FALSE, fix = TRUE)))

# LAMP: 603 complete rankings of three systems; position is the slot on the screen
d <- read.csv('lamp_rankings_long.csv'); d$ranking <- paste(d$batch, d$instruction_id, d$item, d$rater)
stages <- function(d, last) do.call(rbind, lapply(split(d, d$ranking), function(r) {
  r <- r[order(r$rank), ]
  do.call(rbind, lapply(seq_len(min(last, nrow(r) - 1)), function(k) cbind(r[k:nrow(r), ], chosen = c(1, rep(0, nrow(r) - k)), stage = paste(r$ranking[1], k))))
}))
show <- function(m) {
  s <- summary(m)$coefficients
  list(names = rownames(s), estimate = unname(s[, 'coef']), se = unname(sqrt(diag(m$var))), log_likelihood = m$loglik[2])
}
full <- stages(d, 2); full$system <- relevel(factor(full$system), 'AI-generated'); full$slot2 <- full$display_slot == 2; full$slot3 <- full$display_slot == 3
out$lamp <- show(clogit(chosen ~ system + strata(stage), full))
out$lamp_position <- show(clogit(chosen ~ system + slot2 + slot3 + strata(stage), full))
m <- clogit(chosen ~ system + strata(stage), full, method = 'breslow')  # one choice per stage: all methods agree
scores <- residuals(m, type = 'score')  # one row per alternative; sums within a cluster are its score
robust <- function(groups) { g <- length(unique(groups)); u <- rowsum(scores, groups); g / (g - 1) * m$var %*% crossprod(u) %*% m$var }
V <- robust(full$rater) + robust(full$item) - robust(paste(full$rater, full$item))
out$lamp_clustered <- list(rater = error(robust(full$rater)), item = error(robust(full$item)), both = error(V))
top <- stages(d, 1); top$system <- relevel(factor(top$system), 'AI-generated'); out$lamp_first_only <- show(clogit(chosen ~ system + strata(stage), top))

# Best–worst: the best of three by u, the worst of the other two by −u; by optim
r <- reshape(d[c('ranking', 'system', 'rank')], direction = 'wide', idvar = 'ranking', timevar = 'rank')
u <- function(p, s) c('AI-generated' = 0, 'AI-edited' = p[1], 'Human-edited' = p[2])[as.character(s)]
minus <- function(p) { a <- cbind(u(p, r$system.1), u(p, r$system.2), u(p, r$system.3)); -sum(a[, 1] - log(rowSums(exp(a))) - a[, 3] - log(exp(-a[, 2]) + exp(-a[, 3]))) }
o <- optim(c(1, 2), minus, method = 'BFGS', hessian = TRUE, control = list(reltol = 1e-15))
out$lamp_best_worst <- list(estimate = o$par, se = sqrt(diag(solve(o$hessian))), log_likelihood = -o$value)
write(toJSON(out, auto_unbox = TRUE, digits = 12, pretty = TRUE), commandArgs(TRUE)[1])
