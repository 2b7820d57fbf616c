"""Pages: thin doors that call the verbs of the domain."""
