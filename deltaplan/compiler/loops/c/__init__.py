"""Plain loop nests as readable C99: one file that needs nothing but libm."""
