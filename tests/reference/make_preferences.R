# The numbers of preferences.json: LAMP's three contrasts and TTCW's verdicts by glmer at tolPwrss 1e-12.
# Usage: Rscript make_preferences.R preferences.json, in a folder with lamp_rankings_long.csv and ttcw_annotations.json.
suppressMessages({library(lme4); library(jsonlite)})
tight <- glmerControl(optimizer = 'bobyqa', tolPwrss = 1e-12, optCtrl = list(rhoend = 1e-9, maxfun = 1e5))
# The nearly separated contrast makes glmer's inner steps fail at 1e-12.
loose <- glmerControl(optimizer = 'bobyqa', tolPwrss = 1e-9, optCtrl = list(rhoend = 1e-9, maxfun = 1e5))
show <- function(m) {
  s <- coef(summary(m))
  list(formula = deparse1(formula(m)), fixed = setNames(lapply(seq_len(nrow(s)), function(i) unname(s[i, 1:2])), rownames(s)),
       sd = lapply(VarCorr(m), function(v) unname(attr(v, 'stddev'))), log_likelihood = as.numeric(logLik(m)))
}
long <- read.csv('lamp_rankings_long.csv')
wide <- reshape(long[c('batch', 'instruction_id', 'item', 'rater', 'display_slot', 'system', 'rank')], direction = 'wide',
                idvar = c('batch', 'instruction_id', 'item', 'rater'), timevar = 'system')
out <- list()
for (pair in list(c('AI-edited', 'AI-generated'), c('Human-edited', 'AI-edited'), c('Human-edited', 'AI-generated'))) {
  wide$win <- as.integer(wide[[paste0('rank.', pair[1])]] < wide[[paste0('rank.', pair[2])]])
  wide$first <- ifelse(wide[[paste0('display_slot.', pair[1])]] < wide[[paste0('display_slot.', pair[2])]], .5, -.5)
  near <- pair[1] == 'Human-edited' && pair[2] == 'AI-generated'
  out[[paste(pair, collapse = ' vs ')]] <- show(glmer(win ~ first + (1 | item) + (1 | rater), wide, binomial, control = if (near) loose else tight))
}
a <- fromJSON('ttcw_annotations.json')
a$pass <- as.integer(a$binary_verdict == 'Yes'); a$plot <- a$story_idx; a$system <- relevel(factor(sub('^[^_]*_', '', a$story_id)), 'GPT4')
out$ttcw <- show(glmer(pass ~ system + (1 | ttcw_idx) + (1 | plot) + (1 | story_id) + (1 | expert_idx), a, binomial, control = tight))
write(toJSON(out, auto_unbox = TRUE, digits = 12, pretty = TRUE, force = TRUE), commandArgs(TRUE)[1])
