# The numbers of inference.json: emmeans, likelihood ratios and profile intervals.
# R 4.2.2, lme4 1.1.31, lmerTest 3.1.3, ordinal 2022.11.16, emmeans 1.8.4.1; data sets of lme4 and ordinal.
suppressMessages({library(lme4); library(lmerTest); library(ordinal); library(emmeans); library(jsonlite)})
emm_options(msg.interaction = FALSE)
tight <- lmerControl(optimizer = 'bobyqa', optCtrl = list(rhoend = 1e-10, maxfun = 1e5), calc.derivs = FALSE)
table_of <- function(e, ...) {
  d <- as.data.frame(summary(e, infer = c(TRUE, TRUE), ...))
  names(d) <- sub('^emmean$|^odds.ratio$|^prob$|^response$', 'estimate', names(d))
  names(d) <- sub('^(lower|asymp).(CL|LCL)$', 'low', names(d)); names(d) <- sub('^(upper|asymp).(CL|UCL)$', 'high', names(d))
  names(d) <- sub('^[tz].ratio$', 'statistic', names(d)); names(d) <- sub('^p.value$', 'p', names(d))
  d[, intersect(c('contrast', 'estimate', 'SE', 'df', 'low', 'high', 'statistic', 'p'), names(d))]
}
out <- list()

# emmeans on an unbalanced part of the cakes
part <- cake[seq_len(nrow(cake)) %% 7 != 0, ]
part$temperature <- factor(part$temperature, ordered = FALSE)
m <- lmerTest::lmer(angle ~ recipe * temperature + (1 | recipe:replicate), part, control = tight)
e <- emmeans(m, ~ recipe | temperature, lmer.df = 'satterthwaite'); r <- emmeans(m, ~ recipe, lmer.df = 'satterthwaite')
t <- emmeans(m, ~ temperature, lmer.df = 'satterthwaite')
out$cake <- list(
  by = table_of(e), by_pairs = table_of(pairs(e), adjust = 'holm'), by_across = table_of(pairs(e), by = NULL, adjust = 'holm'),
  proportional = table_of(emmeans(m, ~ recipe, lmer.df = 'satterthwaite', weights = 'proportional')),
  effects = table_of(contrast(t, 'eff'), adjust = 'none'),
  control = table_of(contrast(t, 'trt.vs.ctrl', ref = 3), adjust = 'bonferroni'),
  custom = table_of(contrast(r, list('A against the rest' = c(1, -.5, -.5))), adjust = 'none'),
  tukey = table_of(pairs(r), adjust = 'tukey'), bh = table_of(pairs(t), adjust = 'BH'))
set.seed(1); out$cake$mvt <- table_of(pairs(t), adjust = 'mvt')
l <- lmerTest::lmer(angle ~ recipe + temp + (1 | recipe:replicate), part, control = tight)
out$cake$covariate <- table_of(emmeans(l, ~ recipe, lmer.df = 'satterthwaite'))
out$cake$at <- table_of(emmeans(l, ~ recipe, at = list(temp = 200), lmer.df = 'satterthwaite'))
# type III tests of terms: lmerTest with sum-to-zero contrasts, emmeans' joint_tests where a covariate interacts
kr <- as.data.frame(anova(m, ddf = 'Kenward-Roger')); sat <- as.data.frame(anova(m))
terms <- function(a) list(term = rownames(a), F = a[['F value']], df1 = a$NumDF, df2 = a$DenDF, p = a[['Pr(>F)']])
out$anova <- list(satterthwaite = terms(sat), kr = terms(kr))
x <- lmerTest::lmer(angle ~ recipe * temp + (1 | recipe:replicate), part, control = tight)
j <- as.data.frame(joint_tests(x, lmer.df = 'satterthwaite'))
out$anova$covariate <- list(term = j[['model term']], F = j$F.ratio, df1 = j$df1, df2 = j$df2, p = j$p.value)

# scale of the response
g <- glmer(cbind(incidence, size - incidence) ~ period + (1 | herd), cbpp, binomial, control = glmerControl(tolPwrss = 1e-12, optimizer = 'bobyqa', optCtrl = list(rhoend = 1e-9)))
out$cbpp <- list(probability = table_of(emmeans(g, ~ period, type = 'response')), odds = table_of(pairs(emmeans(g, ~ period, type = 'response')), adjust = 'holm'))

# likelihood ratios
S <- sleepstudy
a <- lmer(Reaction ~ Days + (1 | Subject), S); u <- lmer(Reaction ~ Days + (Days || Subject), S); b <- lmer(Reaction ~ Days + (Days | Subject), S)
ratio <- function(x, y) 2 * as.numeric(logLik(y) - logLik(x))
ml <- function(f) lmer(f, S, REML = FALSE)
w1 <- clmm(rating ~ temp + contact + (1 | judge), data = wine)
out$ratios <- list(
  slope_added = ratio(a, u), correlation_added = ratio(u, b), block_added = ratio(a, b),
  fixed_added = ratio(ml(Reaction ~ 1 + (Days | Subject)), ml(Reaction ~ Days + (Days | Subject))),
  cbpp_period = ratio(glmer(cbind(incidence, size - incidence) ~ 1 + (1 | herd), cbpp, binomial), g),
  wine_judge = ratio(clm(rating ~ temp + contact, data = wine), w1),
  wine_equidistant = ratio(clmm(rating ~ temp + contact + (1 | judge), data = wine, threshold = 'equidistant'), w1))

# profile intervals
limits <- function(m) { c <- confint(m, quiet = TRUE); list(name = rownames(c), low = unname(c[, 1]), high = unname(c[, 2])) }
out$profile <- list(
  sleepstudy_block = limits(lme4::lmer(Reaction ~ Days + (Days | Subject), S)),
  sleepstudy_uncorrelated = limits(lme4::lmer(Reaction ~ Days + (Days || Subject), S)),
  Dyestuff = limits(lme4::lmer(Yield ~ 1 + (1 | Batch), Dyestuff)),
  Penicillin = limits(lme4::lmer(diameter ~ 1 + (1 | plate) + (1 | sample), Penicillin)),
  cbpp = limits(g), wine_clm = limits(clm(rating ~ temp + contact, data = wine)))
write(toJSON(out, auto_unbox = TRUE, digits = 12, pretty = FALSE, na = 'null'), 'inference.json')
