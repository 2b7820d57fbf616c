"""Ways in which raters come to a study, one file each."""
