"""Studies that one starts from, one file each."""
