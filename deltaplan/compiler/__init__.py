"""Spec to graph to plan: `build` for the experiment that a spec states, `passes` over its graph."""
