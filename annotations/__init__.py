"""The Django app: from outputs of language models to judgements of people."""
