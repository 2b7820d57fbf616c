"""Sources of outputs, one file each."""
