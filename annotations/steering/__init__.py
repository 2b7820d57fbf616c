"""Language models that run here, and how to steer them: by their weights, by their hidden states, or not at all.

Knows neither Django nor the platform; torch and transformers (extra `steering`) are imported when a model is.

recipes      what was done, as canonical JSON with a hash
contrast     pairs of a creative and a routine instruction
loading      a model from a folder; `shelf` keeps it for the next who asks
places       which matrices and blocks
importance   which weights matter for a set of prompts
selection    exact top share without a copy of the model; `masks` are what comes of it
weights      W·(1+α·mask) in place, undone bit for bit
activations  directions between hidden states, and pushing along them
scoring      how far a text lies along a direction; perplexity
sampling     seeded generation in batches
"""
