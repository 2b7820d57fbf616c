"""From fits to statements: contrasts, win rates, corrections for many comparisons."""
