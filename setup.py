"""Packaging: the package, and the root's `specs/` as the data package `deltaplan.specs`."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["deltaplan*"]), "deltaplan.specs"],
    package_dir={"deltaplan.specs": "specs"},
    package_data={
        "deltaplan": ["py.typed", "dsl/*.lark", "dsl/*.json", "diagnostics/*.json", "diagnostics/*.toml"],
        "deltaplan.specs": ["**/*.dl", "**/*.csv", "**/*.md"],
    },
)
