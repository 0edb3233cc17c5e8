"""A new plugin as a package: manifest, module, tests, a file for CI and a README."""
