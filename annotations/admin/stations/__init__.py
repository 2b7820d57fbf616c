"""The seven stations of a study's path, a module each, and the page of its texts and settings.

Each module has `urls(admin)`: one page to look at (GET) and its actions (POST), which call one verb of the domain.
"""
