"""Numerics on arrays only: sparse structure, blocked Cholesky, links, Laplace approximation, optimiser."""
