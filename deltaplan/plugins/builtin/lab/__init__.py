"""The built-in analyses, a module each; plugins/builtin/analyses.py names them."""
