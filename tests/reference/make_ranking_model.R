# The numbers of ranking_model.json: Plackett–Luce with random effects of texts and of rater × system, by TMB's Laplace
# approximation (exact derivatives), on LAMP's rankings of three.
# Usage: Rscript make_ranking_model.R ranking_model.json, in a folder with lamp_rankings_long.csv; needs a C++ compiler.
suppressMessages({library(TMB); library(jsonlite)})
writeLines('
#include <TMB.hpp>
template<class Type> Type objective_function<Type>::operator() () {
  DATA_MATRIX(X); DATA_IMATRIX(order); DATA_IVECTOR(text); DATA_IVECTOR(taste);
  PARAMETER_VECTOR(beta); PARAMETER_VECTOR(log_sd); PARAMETER_VECTOR(u); PARAMETER_VECTOR(v);
  vector<Type> eta = X * beta;
  for (int i = 0; i < eta.size(); i++) eta(i) += exp(log_sd(0)) * u(text(i)) + exp(log_sd(1)) * v(taste(i));
  Type nll = -dnorm(u, Type(0), Type(1), true).sum() - dnorm(v, Type(0), Type(1), true).sum();
  for (int r = 0; r < order.rows(); r++) for (int k = 0; k + 1 < order.cols(); k++) {
    Type sum = 0;
    for (int j = k; j < order.cols(); j++) sum += exp(eta(order(r, j)));
    nll -= eta(order(r, k)) - log(sum);
  }
  vector<Type> sd = exp(log_sd); ADREPORT(sd);
  return nll;
}', 'ranking_model.cpp')
invisible(compile('ranking_model.cpp', flags = '-O1')); dyn.load(dynlib('ranking_model'))
d <- read.csv('lamp_rankings_long.csv'); d$ranking <- paste(d$batch, d$instruction_id, d$item, d$rater)
d <- d[order(d$ranking, d$rank), ]
code <- function(...) as.integer(factor(paste(...))) - 1L
data <- list(X = cbind(d$system == 'AI-edited', d$system == 'Human-edited') + 0, order = matrix(seq_len(nrow(d)) - 1L, ncol = 3, byrow = TRUE),
             text = code(d$item, d$system), taste = code(d$rater, d$system))
start <- list(beta = c(0, 0), log_sd = c(-.5, -1), u = rep(0, max(data$text) + 1), v = rep(0, max(data$taste) + 1))
f <- MakeADFun(data, start, random = c('u', 'v'), DLL = 'ranking_model', silent = TRUE)
o <- nlminb(f$par, f$fn, f$gr, control = list(rel.tol = 1e-15, eval.max = 500, iter.max = 500))
r <- sdreport(f); s <- summary(r, 'report'); b <- summary(r, 'fixed'); modes <- summary(r, 'random')
out <- list(estimate = unname(b[1:2, 1]), se = unname(b[1:2, 2]), sd = unname(s[, 1]), sd_se = unname(s[, 2]), log_likelihood = -o$objective,
            gradient = max(abs(f$gr(o$par))), first_modes = unname(modes[1:6, 1]), first_texts = levels(factor(paste(d$item, d$system)))[1:6], versions = list(R = R.version.string, TMB = as.character(packageVersion('TMB'))))
write(toJSON(out, auto_unbox = TRUE, digits = 12, pretty = TRUE), commandArgs(TRUE)[1])
