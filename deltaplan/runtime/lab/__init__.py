"""The laboratory: what an analysis is given, how it is run, and how its pictures are drawn."""
