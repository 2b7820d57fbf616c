"""Quality checks, one file each; what they find and how well is told in README.md."""
