"""Forms: from what a browser sends to clean values."""
