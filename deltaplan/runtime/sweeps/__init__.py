"""Many trainings of one spec, which differ in its params and in the seed."""
