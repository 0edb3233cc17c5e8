"""Cards: all that follows from what a contribution says once, as text, SVG and HTML."""
