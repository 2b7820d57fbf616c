"""Quality checks, one file each."""
