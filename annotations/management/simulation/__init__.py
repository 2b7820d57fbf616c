"""Simulated raters: visitors who answer a study through its pages, like people, with a truth planted in their answers.

They see what a browser gets and nothing else; which system wrote a text they know from a table made beforehand.
"""
