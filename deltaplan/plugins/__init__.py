"""Plugins: contracts, the public door (`api`), the expression language, the registry and the built-ins."""
