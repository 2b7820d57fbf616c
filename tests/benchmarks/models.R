# One fit in R, timed: Rscript models.R <engine> <data.csv>; prints JSON. The time is of the fit alone, packages loaded before.
suppressMessages(library(jsonlite))
argument <- commandArgs(TRUE); engine <- argument[1]
d <- read.csv(argument[2])
for (name in intersect(c('rater', 'prompt', 'output', 'pair'), names(d))) d[[name]] <- factor(d[[name]])
d$system <- factor(d$system)  # alphabetical, as ours
ratings <- score ~ system + (1 | rater) + (1 | prompt) + (1 | output)
choices <- choice ~ 0 + system + side + (1 | rater) + (1 | prompt) + (1 | pair)
grades <- grade ~ system + side + (1 | rater) + (1 | prompt) + (1 | pair)
if (engine == 'lmerTest') suppressMessages(library(lmerTest)) else suppressMessages(library(lme4))
if (engine %in% c('glmmTMB', 'glmmTMB_reml')) suppressMessages(library(glmmTMB))
if (engine == 'clmm') suppressMessages(library(ordinal))
begin <- proc.time()
m <- switch(engine,
  lmer = lmer(ratings, d),
  lmerTest = { m <- lmer(ratings, d); s <- coef(summary(m)); m },
  glmmTMB_reml = glmmTMB(ratings, d, REML = TRUE),
  glmer = glmer(choices, d, family = binomial),
  glmer0 = glmer(choices, d, family = binomial, nAGQ = 0),
  glmmTMB = glmmTMB(choices, d, family = binomial),
  clmm = { d$grade <- factor(d$grade); clmm(grades, data = d, Hess = TRUE) })
spent <- proc.time() - begin
out <- list(seconds = spent[['elapsed']], cpu = sum(spent[1:2]), log_likelihood = as.numeric(logLik(m)))
if (engine %in% c('glmmTMB', 'glmmTMB_reml')) {
  s <- summary(m)$coefficients$cond
  out$estimate <- as.list(s[, 1]); out$se <- as.list(s[, 2])
  out$sd <- lapply(VarCorr(m)$cond, function(x) attr(x, 'stddev')[[1]])
} else if (engine == 'clmm') {
  s <- coef(summary(m)); s <- s[!grepl('|', rownames(s), fixed = TRUE), ]
  out$estimate <- as.list(s[, 1]); out$se <- as.list(s[, 2])
  out$sd <- lapply(VarCorr(m), function(x) sqrt(x[1]))
} else {
  out$estimate <- as.list(fixef(m)); out$se <- as.list(setNames(sqrt(diag(as.matrix(vcov(m)))), names(fixef(m))))
  v <- as.data.frame(VarCorr(m)); out$sd <- setNames(as.list(v$sdcor), v$grp)
}
cat(toJSON(out, auto_unbox = TRUE, digits = 12, force = TRUE))
