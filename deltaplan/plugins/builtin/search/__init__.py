"""How solvers search: directions, and steps along them."""
