"""What can be taken along from a study: one file each."""
