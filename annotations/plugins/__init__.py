"""What you can add, one file each; found by the registries in annotations.registry."""
